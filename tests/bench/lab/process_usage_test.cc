#include "bench/lab/process_usage.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "bench/lab/network_namespace.h"

namespace wgu::bench {
namespace {

constexpr pid_t kNobody = 0x7ffffff;  // above the greatest that Linux gives, 2^22

TEST(ProcessUsage, MemoryIsReadFromStatus) {
  const auto memory = parse_memory("Name:\tdaemon\nVmPeak:\t  99 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nThreads:\t3\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->resident, 1024U * 1024);
  EXPECT_EQ(memory->resident_peak, 2048U * 1024);
}

TEST(ProcessUsage, StatusWithoutMemoryIsNoMemory) {
  EXPECT_FALSE(parse_memory("Name:\tkthreadd\nThreads:\t1\n"));  // a kernel thread, a zombie
  EXPECT_FALSE(parse_memory("Name:\tx\nVmHWM:\t1 kB\nVmRSS:\t1 MB\n"));
  EXPECT_FALSE(parse_memory(""));
}

TEST(ProcessUsage, MachineTimeIsTheFirstLine) {
  // user nice system idle iowait irq softirq steal guest guest_nice
  const auto time = parse_machine_time("cpu  100 20 30 400 50 6 7 8 90 10\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
  ASSERT_TRUE(time);
  EXPECT_EQ(time->busy, 100U + 20 + 30 + 6 + 7 + 8);
  EXPECT_EQ(time->idle, 400U + 50);
  EXPECT_FALSE(parse_machine_time("cpu0 1 1 1 1 1 1 1 1\n"));
  EXPECT_FALSE(parse_machine_time("cpu  100 20\n"));
  EXPECT_FALSE(parse_machine_time(""));
}

TEST(ProcessUsage, BusyShareIsOfTheTimeBetween) {
  EXPECT_DOUBLE_EQ((MachineTime{130, 210}.busy_share_since({100, 200})), 0.75);
  EXPECT_DOUBLE_EQ((MachineTime{100, 200}.busy_share_since({100, 200})), 0);
}

TEST(ProcessUsage, BusiestThreadRanOrWaitedTheLongest) {
  const ThreadClaims before = {{10, {1, 1}}, {11, {5, 0}}};
  // 10: ran 0.2 and waited 0.3; 11: ran 0.4; 12 is new and ran 0.1
  const ThreadClaims after = {{10, {1.2, 1.3}}, {11, {5.4, 0}}, {12, {0.1, 0}}};
  EXPECT_NEAR(busiest_share(before, after, 2), 0.25, 1e-9);
  EXPECT_EQ(busiest_share(before, {}, 2), 0);
  EXPECT_EQ(busiest_share(before, after, 0), 0);
  EXPECT_NEAR(awake_seconds(before, after), 0.5 + 0.4 + 0.1, 1e-9);
  EXPECT_EQ(awake_seconds(before, {}), 0);
  EXPECT_NEAR(largest_part(before, after), 0.4 / (0.2 + 0.4 + 0.1), 1e-9);
  EXPECT_EQ(largest_part(before, before), 0);
}

TEST(ProcessUsage, OwnProcessUsesWhatItUses) {
  const auto before = cpu_seconds(getpid());
  ASSERT_TRUE(before);
  const auto spin_until = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  while (std::chrono::steady_clock::now() < spin_until) {
  }
  const auto after = cpu_seconds(getpid());
  ASSERT_TRUE(after);
  EXPECT_GT(*after - *before, 0.001);
  EXPECT_LT(*after - *before, 5);
  EXPECT_TRUE(is_running(getpid()));
  const auto held = memory(getpid());
  ASSERT_TRUE(held);
  EXPECT_GT(held->resident, 100'000U);
  EXPECT_GE(held->resident_peak, held->resident);
  EXPECT_FALSE(cpu_seconds(kNobody).ok());
  EXPECT_FALSE(is_running(kNobody));
}

TEST(ProcessUsage, WeAreInOurNetworkNamespace) {
  const auto here = NetworkNamespace::current();
  ASSERT_TRUE(here);
  const auto found = processes_in(here->inode());
  EXPECT_NE(std::find(found.begin(), found.end(), getpid()), found.end());
  EXPECT_TRUE(processes_in(1).empty());
}

}  // namespace
}  // namespace wgu::bench
