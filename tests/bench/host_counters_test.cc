#include "bench/host_counters.h"

#include <gtest/gtest.h>

#include "bench/scratch_folder.h"

namespace wgu::bench {
namespace {

// A row of softnet_stat with `width` columns: processed, dropped and so on are 0x11, 0x22, ...; the 13th is the CPU.
std::string softnet_row(std::size_t width, std::uint32_t cpu) {
  std::string row;
  for (std::size_t column = 0; column < width; ++column) {
    char text[16];
    std::snprintf(text, sizeof text, "%08x", column == 12 ? cpu : static_cast<unsigned>(0x11 * (column + 1)));
    row += (column == 0 ? "" : " ") + std::string(text);
  }
  return row + "\n";
}

TEST(Softnet, ColumnsAreThereByWidth) {
  const struct {
    std::size_t width;
    HostCounters counters;
  } rows[] = {
      {8, {}},
      {9, {{"softnet/0/processed", 0x11}, {"softnet/0/dropped", 0x22}, {"softnet/0/time_squeeze", 0x33}}},
      {10,
       {{"softnet/0/processed", 0x11}, {"softnet/0/dropped", 0x22}, {"softnet/0/time_squeeze", 0x33}, {"softnet/0/received_rps", 0xaa}}},
      {11,
       {{"softnet/0/processed", 0x11},
        {"softnet/0/dropped", 0x22},
        {"softnet/0/time_squeeze", 0x33},
        {"softnet/0/received_rps", 0xaa},
        {"softnet/0/flow_limit", 0xbb}}},
  };
  for (const auto& row : rows) EXPECT_EQ(parse_softnet_stat(softnet_row(row.width, 5)), row.counters) << row.width;
}

TEST(Softnet, TheCpuIsInTheThirteenthColumnOrTheRowsNumber) {
  for (const std::size_t width : {13U, 15U}) {
    const HostCounters counters = parse_softnet_stat(softnet_row(width, 0) + softnet_row(width, 10));
    EXPECT_TRUE(counters.contains("softnet/10/dropped")) << width;
    EXPECT_FALSE(counters.contains("softnet/1/dropped")) << width;
  }
  EXPECT_TRUE(parse_softnet_stat(softnet_row(11, 0) + softnet_row(11, 0)).contains("softnet/1/dropped"));
}

TEST(Softnet, IsHexadecimalAndLeavesOutWhatIsNot) {
  EXPECT_EQ(parse_softnet_stat("ffffffff zz 00000010 0 0 0 0 0 0"),
            (HostCounters{{"softnet/0/processed", 0xffffffff}, {"softnet/0/time_squeeze", 16}}));
  EXPECT_EQ(parse_softnet_stat(""), HostCounters{});
}

TEST(Udp, IsReadByNameWhateverTheOrder) {
  const char* text =
      "Ip: Forwarding DefaultTTL\nIp: 1 64\n"
      "Udp: InDatagrams NewOne RcvbufErrors InErrors\nUdp: 100 -1 3 7\n"
      "UdpLite: InDatagrams\nUdpLite: 5\n";
  EXPECT_EQ(parse_udp(text), (HostCounters{{"udp/InDatagrams", 100}, {"udp/RcvbufErrors", 3}, {"udp/InErrors", 7}}));
}

TEST(Udp, AbsentIsAbsent) {
  EXPECT_EQ(parse_udp(""), HostCounters{});
  EXPECT_EQ(parse_udp("Udp: InDatagrams InErrors\n"), HostCounters{});
  EXPECT_EQ(parse_udp("Udp: InDatagrams InErrors\nUdp: 4\n"), (HostCounters{{"udp/InDatagrams", 4}}));
}

TEST(Udp6, IsALineACounter) {
  EXPECT_EQ(parse_udp6("Ip6InReceives 5\nUdp6InDatagrams                 \t12\nUdp6RcvbufErrors\t0\nUdpLite6InErrors 3\nUdp6Odd\n"),
            (HostCounters{{"udp6/InDatagrams", 12}, {"udp6/RcvbufErrors", 0}}));
}

TEST(Stat, HasTimesACpuInMilliseconds) {
  const char* text =
      "cpu  9 9 9 9 9 9 9 9 9 9\n"
      "cpu0 10 20 30 40 50 60 70 80 90 100\n"
      "cpu12 1 2 3 4\n"
      "intr 12345 0 1 2\nctxt 777\nbtime 1\n";
  EXPECT_EQ(parse_stat(text, 100), (HostCounters{{"cpu/0/user", 100},
                                                 {"cpu/0/nice", 200},
                                                 {"cpu/0/system", 300},
                                                 {"cpu/0/idle", 400},
                                                 {"cpu/0/iowait", 500},
                                                 {"cpu/0/irq", 600},
                                                 {"cpu/0/softirq", 700},
                                                 {"cpu/0/steal", 800},
                                                 {"cpu/12/user", 10},
                                                 {"cpu/12/nice", 20},
                                                 {"cpu/12/system", 30},
                                                 {"cpu/12/idle", 40},
                                                 {"interrupts", 12345},
                                                 {"context_switches", 777}}));
}

TEST(HostCounters, AreReadBelowARoot) {
  const ScratchFolder root;
  root.write("proc/net/softnet_stat", softnet_row(9, 0));
  root.write("proc/net/snmp", "Udp: InErrors\nUdp: 5\n");
  root.write("proc/net/snmp6", "Udp6InErrors 6\n");
  root.write("proc/stat", "ctxt 8\n");
  const HostCounters counters = read_host_counters(root.file(""));
  EXPECT_EQ(counters.at("udp/InErrors"), 5U);
  EXPECT_EQ(counters.at("udp6/InErrors"), 6U);
  EXPECT_EQ(counters.at("context_switches"), 8U);
  EXPECT_EQ(counters.at("softnet/0/dropped"), 0x22U);
  EXPECT_EQ(counters.size(), 6U);
}

TEST(HostCounters, OfNothingAreNone) {
  const ScratchFolder root;
  EXPECT_EQ(read_host_counters(root.file("")), HostCounters{});
}

TEST(HostCounters, OfThisMachineCountUp) {
  const HostCounters before = read_host_counters();
  const HostCounters after = read_host_counters();
  ASSERT_TRUE(before.contains("context_switches"));
  EXPECT_GE(after.at("context_switches"), before.at("context_switches"));
}

TEST(CountedBetween, SubtractsWhatBothHave) {
  EXPECT_EQ(counted_between({{"a", 5}, {"gone", 1}}, {{"a", 9}, {"new", 4}}), (HostCounters{{"a", 4}}));
}

TEST(CountedBetween, SoftnetWrapsAt32BitsAndNothingElseDoes) {
  EXPECT_EQ(counted_between({{"softnet/0/processed", 0xfffffff0}, {"cpu/1/user", 100}}, {{"softnet/0/processed", 0x10}, {"cpu/1/user", 3}}),
            (HostCounters{{"softnet/0/processed", 0x20}}));
}

TEST(HostCounters, OfSeveralPlacesAddUp) {
  HostCounters sum = {{"udp/InErrors", 1}, {"interrupts", 7}};
  add(sum, {{"udp/InErrors", 2}, {"udp6/InErrors", 3}});
  EXPECT_EQ(sum, (HostCounters{{"udp/InErrors", 3}, {"udp6/InErrors", 3}, {"interrupts", 7}}));
}

}  // namespace
}  // namespace wgu::bench
