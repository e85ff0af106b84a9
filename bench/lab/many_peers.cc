#include "bench/lab/many_peers.h"

#include "wgu/key.h"

namespace wgu::bench {
namespace {

Prefix host(std::uint32_t number, Family family) {
  const auto byte = [number](int shift) { return static_cast<std::uint8_t>(number >> shift); };
  if (family != Family::kIpv6) return Prefix::masked(IpAddress::v4(10, byte(16), byte(8), byte(0)), 32);
  const std::uint8_t bytes[16] = {0xfd, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(24), byte(16), byte(8), byte(0)};
  return Prefix::masked(IpAddress::v6_from(bytes), 128);
}

}  // namespace

std::vector<PeerChange> many_peers(unsigned count, unsigned allowed_ips, Family family) {
  std::vector<PeerChange> peers(count);
  std::uint32_t number = 0;
  for (PeerChange& peer : peers) {
    peer.public_key = PrivateKey::generate().public_key();
    peer.allowed_ips.reserve(allowed_ips);
    for (unsigned i = 0; i < allowed_ips; ++i) peer.allowed_ips.push_back({host(number++, family)});
  }
  return peers;
}

}  // namespace wgu::bench
