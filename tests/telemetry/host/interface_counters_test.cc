#include "telemetry/host/interface_counters.h"

#include <gtest/gtest.h>

#include "telemetry/fixture.h"
#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {
namespace {

TEST(InterfaceCounters, OfProcAreReadByTheHeader) {
  const auto interfaces = parse_net_dev(read_text(test::fixture("nic_server/proc/net/dev")).value());
  ASSERT_EQ(interfaces.size(), 4U);
  EXPECT_EQ(interfaces.at("eth0"),
            (InterfaceCounters{{3260647029, 9290001, 3, 25, 2, std::nullopt}, {59733500, 6783000, 0, 1, 0, std::nullopt}}));
  EXPECT_EQ(interfaces.at("eth0:1").receive.bytes, 7U) << "a name with a colon";
  const auto other_columns = parse_net_dev(read_text(test::fixture("guest_v1/proc/net/dev")).value());
  EXPECT_EQ(other_columns.at("eth0"), (InterfaceCounters{{10, 2, std::nullopt, 1, std::nullopt, std::nullopt},
                                                         {20, 4, std::nullopt, 3, std::nullopt, std::nullopt}}));
}

TEST(InterfaceCounters, OfARowThatDoesNotFitTheHeaderAreNone) {
  const std::string header = "Inter-| Receive | Transmit\n face |bytes packets|bytes packets\n";
  EXPECT_EQ(parse_net_dev(header + "a: 1 2 3 4\n").at("a").transmit.packets, 4U);
  EXPECT_TRUE(parse_net_dev(header + "a: 1 2 3\n").empty());
  EXPECT_TRUE(parse_net_dev(header + "a b: 1 2 3 4\nno colon\n").empty());
  EXPECT_TRUE(parse_net_dev("a: 1 2 3 4\n").empty()) << "no header";
  EXPECT_EQ(parse_net_dev(header + "a: 1 x 3 4\n").at("a").receive.packets, std::nullopt);
}

TEST(InterfaceCounters, AreThoseOfSysWhereThereIsOne) {
  EXPECT_EQ(read_interface(test::fixture("nic_server"), "eth0"),
            (InterfaceCounters{{1001, 1003, 1005, 1007, 1009, 1011}, {1002, 1004, 1006, 1008, 1010, std::nullopt}}));
  EXPECT_EQ(read_interface(test::fixture("guest_v1"), "eth0").value().transmit.dropped, 3U) << "from /proc";
}

TEST(InterfaceCounters, OfNoInterfaceAreNone) {
  EXPECT_EQ(read_interface(test::fixture("nic_server"), "eth9"), std::nullopt);
  EXPECT_EQ(read_interface(test::fixture("nic_server"), "../net/eth0"), std::nullopt);
  EXPECT_EQ(read_interface(test::fixture("bare"), "eth0"), std::nullopt);
}

TEST(InterfaceCounters, OfThisMachineAreRead) { EXPECT_TRUE(read_interface("", "lo").value().receive.packets); }

}  // namespace
}  // namespace wgu::telemetry
