#include "telemetry/host/tasks.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "telemetry/fixture.h"
#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {
namespace {

TEST(Tasks, SchedstatIsThreeNumbers) {
  EXPECT_EQ(parse_schedstat("1385429 2096 17\n"), (TaskRun{1385429, 2096, 17}));
  for (const char* text : {"", "\n", "1 2\n", "1 2 3 4\n", "a 2 3\n", "-1 2 3\n"}) EXPECT_FALSE(parse_schedstat(text)) << text;
}

TEST(Tasks, StatIsReadBehindTheNameWhateverThatHolds) {
  const std::string task = test::fixture("nic_server/proc/self/task/");
  EXPECT_EQ(parse_task_stat(read_text(task + "4711/stat").value()), (TaskStat{"wgu-tunnel", 1500, 2500, 1}));
  EXPECT_EQ(parse_task_stat(read_text(task + "4712/stat").value()), (TaskStat{"a ) (b", 7, 9, 3}));
  EXPECT_EQ(parse_task_stat("1 (x) R 2 3 4 5 6 7 8 9 10 11 12 13\n"), (TaskStat{"x", 12, 13, std::nullopt})) << "an old, short line";
  for (const char* text : {"", "1 x R", ")(", "1 (x) R 2 3 4 5 6 7 8 9 10 11 12\n", "1 (x) R 2 3 4 5 6 7 8 9 10 11 - -\n"}) {
    EXPECT_FALSE(parse_task_stat(text)) << text;
  }
}

TEST(Tasks, SwitchesAndMigrationsAreReadByName) {
  const std::string task = test::fixture("nic_server/proc/self/task/4711/");
  EXPECT_EQ(parse_task_status(read_text(task + "status").value()), (TaskSwitches{5000, 600}));
  EXPECT_EQ(parse_migrations(read_text(task + "sched").value()), 12U);
  EXPECT_EQ(parse_task_status("voluntary_ctxt_switches:\tx\n"), TaskSwitches{});
  EXPECT_EQ(parse_migrations("nr_migrations : 3\n"), std::nullopt);
}

TEST(Tasks, OfAThreadIsReadWhatIsThere) {
  const auto tasks = read_tasks(test::fixture("nic_server"), "self");
  ASSERT_EQ(tasks.size(), 2U);
  EXPECT_EQ(tasks.at(4711).run, (TaskRun{40123456789, 1000000, 5600}));
  EXPECT_EQ(tasks.at(4712).run, std::nullopt);
  EXPECT_EQ(tasks.at(4712).switches, TaskSwitches{});
  EXPECT_EQ(tasks.at(4712).stat.value().user_ticks, 7U);
  EXPECT_EQ(read_task_runs(test::fixture("nic_server"), "self"), (std::map<int, TaskRun>{{4711, {40123456789, 1000000, 5600}}}));
  EXPECT_TRUE(read_tasks(test::fixture("bare"), "self").empty());
  EXPECT_TRUE(read_tasks(test::fixture("nic_server"), "../proc/self").empty());
}

TEST(Tasks, OfThisProcessAreItsThreads) {
  int id = 0;
  std::thread([&] {
    id = ::gettid();
    const auto tasks = read_tasks("", "self");
    ASSERT_TRUE(tasks.contains(id));
    ASSERT_TRUE(tasks.contains(::getpid()));
    EXPECT_TRUE(tasks.at(id).stat);
    EXPECT_TRUE(tasks.at(id).switches.voluntary);
  }).join();
  EXPECT_FALSE(read_tasks("", "self").contains(id));
}

}  // namespace
}  // namespace wgu::telemetry
