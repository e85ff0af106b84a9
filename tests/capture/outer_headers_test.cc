#include "capture/outer_headers.h"

#include <gtest/gtest.h>

#include <vector>

#include "tunnel/packets.h"

namespace wgu::capture {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes headers(Direction direction, const OuterPath& path, const Bytes& payload) {
  const OuterHeaders made(direction, path, payload);
  return {made.bytes().begin(), made.bytes().end()};
}

const OuterPath kIpv4{Endpoint::parse("192.0.2.2:51820").value(), {IpAddress::parse("192.0.2.1").value(), 0}, 4660, 0x88};

TEST(OuterHeaders, OfIpv4GoFromOneSideToTheOther) {
  Bytes out = headers(Direction::kOutbound, kIpv4, {1, 2, 3});
  EXPECT_EQ(tunnel::ones_complement_sum(std::span(out).first(20)), 0xffff) << "the header's checksum";
  out[10] = out[11] = 0;
  EXPECT_EQ(out, (Bytes{0x45, 0x88, 0, 31, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x34, 0xca, 0x6c, 0, 11, 0, 0}));
  Bytes in = headers(Direction::kInbound, kIpv4, {1, 2, 3});
  EXPECT_EQ(Bytes(in.begin() + 12, in.begin() + 24), (Bytes{192, 0, 2, 2, 192, 0, 2, 1, 0xca, 0x6c, 0x12, 0x34}));
}

TEST(OuterHeaders, OfIpv6HaveARightChecksum) {
  const OuterPath path{Endpoint::parse("[2001:db8::2]:1").value(), {IpAddress::parse("2001:db8::1").value(), 0}, 2, 0xb8};
  for (const Bytes& payload : {Bytes{}, Bytes{9}, Bytes(1452, 0xff), Bytes(65487, 0xa5)}) {
    Bytes packet = headers(Direction::kOutbound, path, payload);
    ASSERT_EQ(packet.size(), 48U);
    EXPECT_EQ(packet[0], 0x6b);
    EXPECT_EQ(packet[1], 0x80);
    EXPECT_EQ(packet[4] * 256U + packet[5], 8 + payload.size());
    EXPECT_EQ(packet[6], 17);
    packet.insert(packet.end(), payload.begin(), payload.end());
    const auto udp_size = static_cast<std::uint32_t>(8 + payload.size());
    EXPECT_EQ(tunnel::ones_complement_sum(std::span(packet).subspan(8), udp_size + 17), 0xffff) << payload.size();
  }
}

TEST(OuterHeaders, AChecksumOfZeroIsWrittenAsItsComplement) {
  const OuterPath path{Endpoint::parse("[2001:db8::2]:1").value(), {}, 2, 0};
  Bytes packet = headers(Direction::kOutbound, path, {0, 0});
  // Whatever is missing to a sum of all ones goes into the payload.
  const Bytes payload = {packet[46], packet[47]};
  packet = headers(Direction::kOutbound, path, payload);
  EXPECT_EQ(packet[46], 0xff);
  EXPECT_EQ(packet[47], 0xff);
}

TEST(OuterHeaders, OfAnUnknownLocalAddressHaveTheUnspecifiedOne) {
  OuterPath path = kIpv4;
  path.local = {};
  const Bytes out = headers(Direction::kOutbound, path, {});
  EXPECT_EQ(Bytes(out.begin() + 12, out.begin() + 20), (Bytes{0, 0, 0, 0, 192, 0, 2, 2}));
}

}  // namespace
}  // namespace wgu::capture
