#include "bench/memory/inner_packet.h"

#include <gtest/gtest.h>

#include <vector>

namespace wgu::bench {
namespace {

std::vector<std::uint8_t> packet(std::size_t size, PacketNumber number) {
  std::vector<std::uint8_t> bytes(size);
  write_inner_packet(bytes, number);
  return bytes;
}

TEST(InnerPacket, IsAnIpv4UdpPacketOfThatLength) {
  const auto bytes = packet(576, {3, 7});
  // RFC 791: version and length of the header; total length; time to live; UDP; the addresses.
  EXPECT_EQ(bytes[0], 0x45);
  EXPECT_EQ(bytes[2] << 8 | bytes[3], 576);
  EXPECT_EQ(bytes[9], 17);
  EXPECT_EQ(std::vector<std::uint8_t>(&bytes[12], &bytes[20]), (std::vector<std::uint8_t>{10, 0, 0, 1, 10, 0, 0, 2}));
  EXPECT_EQ(bytes[20] << 8 | bytes[21], 1024 + 3);  // a source port a flow
  EXPECT_EQ(bytes[24] << 8 | bytes[25], 556);
  // RFC 1071: the sum over a header with its checksum is all ones.
  std::uint32_t sum = 0;
  for (int i = 0; i < 20; i += 2) sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffU);
}

TEST(InnerPacket, NumbersComeBack) {
  for (const std::size_t size : {kMinInnerPacket, std::size_t{48}, std::size_t{64}, std::size_t{1420}, kMaxInnerPacket}) {
    for (const PacketNumber number : {PacketNumber{0, 0}, PacketNumber{1, 4095}, PacketNumber{kMaxFlows - 1, 1ULL << 40}}) {
      EXPECT_EQ(read_inner_packet(packet(size, number)), number) << size;
    }
  }
}

TEST(InnerPacket, OneWrongBitAnywhereIsSeen) {
  for (const std::size_t size : {kMinInnerPacket, std::size_t{120}}) {
    const auto good = packet(size, {2, 99});
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        auto bad = good;
        bad[i] ^= static_cast<std::uint8_t>(1 << bit);
        EXPECT_FALSE(read_inner_packet(bad).has_value()) << "bit " << bit << " of byte " << i << " of " << size;
      }
    }
  }
}

TEST(InnerPacket, AWrongLengthIsSeen) {
  auto bytes = packet(120, {2, 99});
  bytes.pop_back();
  EXPECT_FALSE(read_inner_packet(bytes));
  bytes.resize(121);
  EXPECT_FALSE(read_inner_packet(bytes));
  EXPECT_FALSE(read_inner_packet({}));
  EXPECT_FALSE(read_inner_packet(std::vector<std::uint8_t>(kMinInnerPacket - 1, 0x45)));
}

TEST(InnerPacket, AFlowBeyondTheLastIsNotOurs) { EXPECT_FALSE(read_inner_packet(packet(64, {kMaxFlows, 0}))); }

}  // namespace
}  // namespace wgu::bench
