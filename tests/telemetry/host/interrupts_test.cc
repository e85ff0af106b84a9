#include "telemetry/host/interrupts.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "telemetry/fixture.h"
#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {
namespace {

TEST(Interrupts, AreCountedByTheCpusOfTheHeader) {
  const auto rows = parse_interrupts("      CPU0  CPU2\n 41:   7    9  PCI-MSIX   1-edge   eth0-rx\nNMI:  1 2\n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0], (InterruptRow{"41", "PCI-MSIX 1-edge eth0-rx", {{0, 7}, {2, 9}}}));
  EXPECT_EQ(rows[1], (InterruptRow{"NMI", "", {{0, 1}, {2, 2}}}));
}

TEST(Interrupts, OfTheMachineOrNotUnderstoodAreLeftOut) {
  EXPECT_TRUE(parse_interrupts("CPU0 CPU1\nERR: 3\nMIS: 0 x\n 5: 1 -1\nno colon 1\n").empty());
  for (const char* header : {"", "\n", "CPUx\n1: 1\n", "CPU0 other\n1: 1 2\n", "1: 1\n"})
    EXPECT_TRUE(parse_interrupts(header).empty()) << header;
}

TEST(Interrupts, RecordedTables) {
  const auto interrupts = parse_interrupts(read_text(test::fixture("nic_server/proc/interrupts")).value());
  ASSERT_EQ(interrupts.size(), 6U) << "ERR and MIS are not any CPU's";
  EXPECT_EQ(interrupts[2].name, "42");
  EXPECT_EQ(interrupts[2].by_cpu, (std::map<std::uint32_t, std::uint64_t>{{0, 0}, {1, 47179}, {3, 9}}));
  const auto softirqs = parse_interrupts(read_text(test::fixture("nic_server/proc/softirqs")).value());
  ASSERT_EQ(softirqs.size(), 5U);
  EXPECT_EQ(softirqs[3].name, "NET_RX");
  EXPECT_EQ(softirqs[3].by_cpu.at(3), 8U);
}

TEST(Interrupts, OfAnInterfaceAreItsDevices) {
  EXPECT_EQ(interrupts_of_interface(test::fixture("nic_server"), "eth0"), (std::set<std::string>{"41", "42"}));
  EXPECT_TRUE(interrupts_of_interface(test::fixture("nic_server"), "wg0").empty()) << "no hardware";
  EXPECT_TRUE(interrupts_of_interface(test::fixture("nic_server"), "../net/eth0").empty());
  EXPECT_TRUE(interrupts_of_interface(test::fixture("nic_server"), "eth9").empty());
}

TEST(Interrupts, OfThisMachineAreRead) {
  const auto text = read_text("/proc/softirqs");
  if (!text) GTEST_SKIP() << "no /proc/softirqs";
  EXPECT_GE(parse_interrupts(*text).size(), 9U) << *text;
}

}  // namespace
}  // namespace wgu::telemetry
