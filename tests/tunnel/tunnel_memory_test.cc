// What a large configuration holds of memory, by the allocator's own account, and of the slabs for secrets by their pages.

#include <gtest/gtest.h>
#include <malloc.h>

#include <random>

#include "tunnel/packets.h"
#include "wgu/tunnel.h"

namespace wgu::tunnel {
namespace {

std::size_t heap_bytes() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

DeviceChange configuration_of(std::size_t peers, std::size_t blocks_a_peer, Family family) {
  std::mt19937 random(1);
  DeviceChange change;
  change.replace_peers = true;
  change.private_key = key_of("own");
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < peers; ++i) {
    PeerChange& peer = change.peers.emplace_back();
    for (std::uint8_t& byte : peer.public_key.bytes) byte = static_cast<std::uint8_t>(random());
    for (std::size_t n = 0; n < blocks_a_peer; ++n, ++number) {
      std::array<std::uint8_t, 16> bytes{10};
      for (unsigned byte = 0; byte < 3; ++byte) bytes[1 + byte] = static_cast<std::uint8_t>(number >> (16 - 8 * byte));
      const bool is_v4 = family == Family::kIpv4;
      peer.allowed_ips.push_back(
          {Prefix::masked(is_v4 ? IpAddress::v4_from(bytes.data()) : IpAddress::v6_from(bytes.data()), is_v4 ? 32 : 64)});
    }
  }
  return change;
}

// A kibibyte of heap a peer, 54 bytes an IPv4 block, 90 an IPv6 /64; and no more after the same is set again, when all of it has
// been taken away and made anew, nor anything when it is cleared.
TEST(TunnelMemory, APeerAndABlock) {
  // So many that what the allocator keeps at hand for the thread, 200 KiB at the most and in no fixed amount, does not count.
  constexpr std::size_t kPeers = 4000, kBlocks = 50;
  if (heap_bytes() == 0) GTEST_SKIP() << "another allocator than glibc's";
  const Host host = Host::system();
  for (const auto& [family, most] : {std::pair{Family::kIpv4, 56.0}, std::pair{Family::kIpv6, 92.0}}) {
    PacketPool pool(64, 2048);
    Tunnel tunnel({}, host, pool);
    ASSERT_TRUE(tunnel.apply(configuration_of(1, 1, family), Instant{}));
    const std::size_t empty = heap_bytes();
    ASSERT_TRUE(tunnel.apply(configuration_of(kPeers, 0, family), Instant{}));
    const std::size_t peers = heap_bytes();
    EXPECT_LE(static_cast<double>(peers - empty) / kPeers, 1100);
    ASSERT_TRUE(tunnel.apply(configuration_of(kPeers, kBlocks, family), Instant{}));
    const std::size_t whole = heap_bytes();
    EXPECT_LE(static_cast<double>(whole - peers) / (kPeers * kBlocks), most);
    EXPECT_GE(static_cast<double>(whole - peers) / (kPeers * kBlocks), 40) << "measures something else";
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(tunnel.apply(configuration_of(kPeers, kBlocks, family), Instant{}));
    EXPECT_LE(static_cast<double>(heap_bytes()), static_cast<double>(whole) * 1.05);
    ASSERT_TRUE(tunnel.apply(configuration_of(1, 1, family), Instant{}));
    EXPECT_LE(static_cast<double>(heap_bytes() - empty) / kPeers, 128) << "tables by slot stay";
  }
}

}  // namespace
}  // namespace wgu::tunnel
