#include "telemetry/host/system_stat.h"

#include <gtest/gtest.h>

#include "telemetry/fixture.h"
#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {
namespace {

using enum CpuState;

TEST(SystemStat, HasTheStatesInTheOrderOfProcStat) {
  const SystemStat stat = parse_system_stat("cpu  1 2 3 4 5 6 7 8 9 10\ncpu12 10 20 30 40 50 60 70 80 90 100\n");
  const CpuState states[] = {kUser, kNice, kSystem, kIdle, kIowait, kIrq, kSoftirq, kSteal};
  for (std::size_t i = 0; i < std::size(states); ++i) {
    EXPECT_EQ(stat.all[states[i]], i + 1) << kCpuStateNames[i];
    EXPECT_EQ(stat.by_cpu.at(12)[states[i]], 10 * (i + 1)) << kCpuStateNames[i];
  }
  EXPECT_EQ(stat.interrupts, std::nullopt);
  EXPECT_EQ(stat.context_switches, std::nullopt);
}

TEST(SystemStat, OfAnOldKernelHasNoSteal) {
  const SystemStat stat = parse_system_stat("cpu0 1 2 3 4\ncpux 1\ncpu1 x 2\nctxt -1\n");
  EXPECT_EQ(stat.by_cpu.size(), 2U);
  EXPECT_EQ(stat.by_cpu.at(0)[kIdle], 4U);
  EXPECT_EQ(stat.by_cpu.at(0)[kSteal], std::nullopt) << "not measured is not zero";
  EXPECT_EQ(stat.by_cpu.at(1)[kUser], std::nullopt);
  EXPECT_EQ(stat.by_cpu.at(1)[kNice], 2U);
  EXPECT_EQ(stat.context_switches, std::nullopt);
  EXPECT_EQ(parse_system_stat(""), SystemStat{});
}

TEST(SystemStat, RecordedTable) {
  const SystemStat stat = parse_system_stat(read_text(test::fixture("nic_server/proc/stat")).value());
  EXPECT_EQ(stat.by_cpu.size(), 3U) << "CPU 2 is offline";
  EXPECT_EQ(stat.by_cpu.at(1)[kSteal], 1215U);
  EXPECT_EQ(stat.interrupts, 39685379U);
  EXPECT_EQ(stat.context_switches, 89909255U);
}

TEST(SystemStat, OfThisMachineAddsUp) {
  const SystemStat stat = parse_system_stat(read_text("/proc/stat").value());
  ASSERT_FALSE(stat.by_cpu.empty());
  EXPECT_GT(stat.all[kIdle].value() + stat.all[kUser].value(), 0U);
  EXPECT_GT(ticks_per_second().value(), 0U);
}

}  // namespace
}  // namespace wgu::telemetry
