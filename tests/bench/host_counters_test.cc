#include "bench/host_counters.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "scratch_folder.h"

namespace wgu::bench {
namespace {

TEST(HostCounters, AreReadBelowARootUnderTheirNames) {
  const test::ScratchFolder root;
  root.write("proc/net/softnet_stat", "11 22 33 0 0 0 0 0 0 aa bb\n");
  root.write("proc/net/snmp", "Ip: Forwarding\nIp: 1\nUdp: InDatagrams RcvbufErrors\nUdp: 100 3\nUdpLite: InDatagrams\nUdpLite: 5\n");
  root.write("proc/net/snmp6", "Ip6InReceives 5\nUdp6RcvbufErrors 7\nUdpLite6InErrors 3\n");
  root.write("proc/stat", "cpu  9 9\ncpu12 10 20 30 40 50 60 70 80 90 100\nintr 12345 0 1\nctxt 777\n");
  const std::uint64_t tick = 1000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));  // in milliseconds
  EXPECT_EQ(read_host_counters(root.file("")), (HostCounters{{"softnet/0/processed", 0x11},
                                                             {"softnet/0/dropped", 0x22},
                                                             {"softnet/0/time_squeeze", 0x33},
                                                             {"softnet/0/received_rps", 0xaa},
                                                             {"softnet/0/flow_limit", 0xbb},
                                                             {"udp/InDatagrams", 100},
                                                             {"udp/RcvbufErrors", 3},
                                                             {"udp6/RcvbufErrors", 7},
                                                             {"cpu/12/user", 10 * tick},
                                                             {"cpu/12/nice", 20 * tick},
                                                             {"cpu/12/system", 30 * tick},
                                                             {"cpu/12/idle", 40 * tick},
                                                             {"cpu/12/iowait", 50 * tick},
                                                             {"cpu/12/irq", 60 * tick},
                                                             {"cpu/12/softirq", 70 * tick},
                                                             {"cpu/12/steal", 80 * tick},
                                                             {"interrupts", 12345},
                                                             {"context_switches", 777}}));
}

TEST(HostCounters, OfNothingAreNone) {
  const test::ScratchFolder root;
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
