#include "bench/memory/task_times.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace wgu::bench {
namespace {

TEST(TaskTimes, UseIsWhatHappenedInBetween) {
  const TaskTimes before = {{1, {1'000'000'000, 500'000'000, 10}}, {3, {9, 9, 9}}};
  const TaskTimes after = {{1, {1'500'000'000, 750'000'000, 14}}, {2, {250'000'000, 0, 3}}, {3, {9'000'000'000, 0, 99}}};
  const ThreadUse use = use_of({1, 2, 4}, before, after, 2);  // 2 is new, 3 somebody else's, 4 has ended
  EXPECT_DOUBLE_EQ(use.cpu, 0.75);
  EXPECT_DOUBLE_EQ(use.waited, 0.25);
  EXPECT_DOUBLE_EQ(use.busiest, 0.375);
  EXPECT_EQ(use.wakeups, 7U);
}

TEST(TaskTimes, ABusyThreadIsSeenToBeBusy) {
  if (read_task_times().empty()) GTEST_SKIP() << "this kernel does not tell";
  ASSERT_TRUE(threads_of_this_process().contains(gettid()));
  const TaskTimes before = read_task_times();
  const auto begun = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begun < std::chrono::milliseconds(100)) {
  }
  std::this_thread::yield();  // the scheduler books at a tick or a switch
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  const ThreadUse use = use_of({gettid()}, before, read_task_times(), seconds);
  EXPECT_GT(use.busiest, 0.8);
  EXPECT_LT(use.cpu, seconds * 1.1);
}

}  // namespace
}  // namespace wgu::bench
