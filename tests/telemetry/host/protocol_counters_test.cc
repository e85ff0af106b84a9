#include "telemetry/host/protocol_counters.h"

#include <gtest/gtest.h>

#include "telemetry/fixture.h"
#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {
namespace {

TEST(ProtocolCounters, AreReadByNameWhateverTheOrder) {
  const char* text =
      "Ip: Forwarding DefaultTTL\nIp: 1 64\n"
      "Udp: InDatagrams NewOne RcvbufErrors InErrors\nUdp: 100 -1 3 7\n"
      "UdpLite: InDatagrams\nUdpLite: 5\n";
  EXPECT_EQ(parse_protocol(text, "Udp"), (NamedCounters{{"InDatagrams", 100}, {"RcvbufErrors", 3}, {"InErrors", 7}}));
  EXPECT_EQ(parse_protocol(text, "Ip"), (NamedCounters{{"Forwarding", 1}, {"DefaultTTL", 64}}));
  EXPECT_EQ(parse_protocol(text, "Tcp"), NamedCounters{});
}

TEST(ProtocolCounters, OfCutLinesAreThoseThatHaveBoth) {
  EXPECT_EQ(parse_protocol("", "Udp"), NamedCounters{});
  EXPECT_EQ(parse_protocol("Udp: InDatagrams InErrors\n", "Udp"), NamedCounters{});
  EXPECT_EQ(parse_protocol("Udp: InDatagrams InErrors\nUdp: 4\n", "Udp"), (NamedCounters{{"InDatagrams", 4}}));
  EXPECT_EQ(parse_protocol("Udp: InDatagrams\nUdp: 4 5\n", "Udp"), (NamedCounters{{"InDatagrams", 4}}));
}

TEST(ProtocolCounters, OfIpv6AreALineEach) {
  const char* text = "Ip6InReceives 5\nUdp6InDatagrams                 \t12\nUdp6RcvbufErrors\t0\nUdpLite6InErrors 3\nUdp6Odd\n";
  EXPECT_EQ(parse_protocol_6(text, "Udp6"), (NamedCounters{{"InDatagrams", 12}, {"RcvbufErrors", 0}}));
}

TEST(ProtocolCounters, RecordedTables) {
  const std::string net = test::fixture("nic_server/proc/net/");
  EXPECT_EQ(parse_protocol(read_text(net + "snmp").value(), "Udp").at("RcvbufErrors"), 193U);
  EXPECT_EQ(parse_protocol(read_text(net + "netstat").value(), "IpExt").at("InCEPkts"), 77U);
  EXPECT_EQ(parse_protocol_6(read_text(net + "snmp6").value(), "Ip6").at("ReasmReqds"), 44U);
}

}  // namespace
}  // namespace wgu::telemetry
