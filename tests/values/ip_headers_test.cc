// Offsets against the C library's structures, which others have used for decades.
#include "values/ip_headers.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include <array>

namespace wgu {
namespace {

TEST(IpHeaders, OffsetsAreThoseOfNetinet) {
  EXPECT_EQ(kIpv4HeaderSize, sizeof(iphdr));
  EXPECT_EQ(kIpv4Tos, offsetof(iphdr, tos));
  EXPECT_EQ(kIpv4Length, offsetof(iphdr, tot_len));
  EXPECT_EQ(kIpv4Id, offsetof(iphdr, id));
  EXPECT_EQ(kIpv4Fragment, offsetof(iphdr, frag_off));
  EXPECT_EQ(kIpv4Ttl, offsetof(iphdr, ttl));
  EXPECT_EQ(kIpv4Protocol, offsetof(iphdr, protocol));
  EXPECT_EQ(kIpv4Checksum, offsetof(iphdr, check));
  EXPECT_EQ(kIpv4Source, offsetof(iphdr, saddr));
  EXPECT_EQ(kIpv4DontFragment, IP_DF);
  EXPECT_EQ(kIpv4MoreOrOffset, IP_MF | IP_OFFMASK);
  EXPECT_EQ(kIpv6HeaderSize, sizeof(ip6_hdr));
  EXPECT_EQ(kIpv6Length, offsetof(ip6_hdr, ip6_plen));
  EXPECT_EQ(kIpv6NextHeader, offsetof(ip6_hdr, ip6_nxt));
  EXPECT_EQ(kIpv6HopLimit, offsetof(ip6_hdr, ip6_hlim));
  EXPECT_EQ(kIpv6Source, offsetof(ip6_hdr, ip6_src));
  EXPECT_EQ(kTcpHeaderSize, sizeof(tcphdr));
  EXPECT_EQ(kTcpSequence, offsetof(tcphdr, th_seq));
  EXPECT_EQ(kTcpAcknowledgment, offsetof(tcphdr, th_ack));
  EXPECT_EQ(kTcpFlags, offsetof(tcphdr, th_flags));
  EXPECT_EQ(kTcpWindow, offsetof(tcphdr, th_win));
  EXPECT_EQ(kTcpChecksum, offsetof(tcphdr, th_sum));
  EXPECT_EQ(kTcpUrgent, offsetof(tcphdr, th_urp));
  EXPECT_EQ(kUdpHeaderSize, sizeof(udphdr));
  EXPECT_EQ(kUdpLength, offsetof(udphdr, uh_ulen));
  EXPECT_EQ(kUdpChecksum, offsetof(udphdr, uh_sum));
}

TEST(IpHeaders, FlagsAndProtocolsAreThoseOfNetinet) {
  EXPECT_EQ(kTcpFin, TH_FIN);
  EXPECT_EQ(kTcpSyn, TH_SYN);
  EXPECT_EQ(kTcpRst, TH_RST);
  EXPECT_EQ(kTcpPsh, TH_PUSH);
  EXPECT_EQ(kTcpAck, TH_ACK);
  EXPECT_EQ(kTcpUrg, TH_URG);
  EXPECT_EQ(kTcpEce, 0x40);  // RFC 3168 section 6.1
  EXPECT_EQ(kTcpCwr, 0x80);
  EXPECT_EQ(kTcp, IPPROTO_TCP);
  EXPECT_EQ(kUdp, IPPROTO_UDP);
  EXPECT_EQ(kHopByHop, IPPROTO_HOPOPTS);
  EXPECT_EQ(kRouting, IPPROTO_ROUTING);
  EXPECT_EQ(kIpv6Fragment, IPPROTO_FRAGMENT);
  EXPECT_EQ(kAuthentication, IPPROTO_AH);
  EXPECT_EQ(kDestinationOptions, IPPROTO_DSTOPTS);
  EXPECT_EQ(kMobility, IPPROTO_MH);
}

TEST(IpHeaders, NumbersAreInNetworkOrder) {
  std::array<std::uint8_t, 6> bytes{};
  store_be16(bytes.data(), 0x1234);
  store_be32(bytes.data() + 2, 0x56789abc);
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 6>{0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc}));
  EXPECT_EQ(load_be16(bytes.data() + 1), 0x3456);
  EXPECT_EQ(load_be32(bytes.data() + 1), 0x3456789aU);
}

TEST(IpHeaders, HeaderSizesComeInUnitsOfFourBytes) {
  std::array<std::uint8_t, 20> header{};
  header[0] = 0x4f;
  EXPECT_EQ(ipv4_header_size(header.data()), 60U);
  header[12] = 0xf1;
  EXPECT_EQ(tcp_header_size(header.data()), 60U);
  header[12] = 0x50;
  EXPECT_EQ(tcp_header_size(header.data()), 20U);
}

}  // namespace
}  // namespace wgu
