#pragma once
// Inner packets and keys that tests make up.

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/blake2s.h"
#include "wgu/key.h"
#include "wgu/net.h"
#include "wgu/packet.h"

namespace wgu::tunnel {

using Bytes = std::vector<std::uint8_t>;

inline crypto::Hash hash_of(std::string_view text) {
  return crypto::hash({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// The private key of whoever has that name.
inline PrivateKey key_of(std::string_view name) { return PrivateKey(std::span<const std::uint8_t, kKeySize>(hash_of(name))); }

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
inline Endpoint endpoint(std::string_view text) { return Endpoint::parse(text).value(); }
inline Prefix prefix(std::string_view text) { return Prefix::parse(text).value(); }

inline std::uint16_t ones_complement_sum(std::span<const std::uint8_t> bytes, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

// A whole IPv4 or IPv6 packet of `size` bytes (protocol 253: experiments, RFC 3692), filled with `fill`.
inline Bytes inner_packet(const IpAddress& from, const IpAddress& to, std::size_t size, std::uint8_t traffic_class = 0,
                          std::uint8_t fill = 0xa5) {
  Bytes packet(size, fill);
  if (from.family == Family::kIpv4) {
    const std::array<std::uint8_t, 12> header{
        0x45, traffic_class, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size), 0, 0, 0, 0, 64, 253};
    std::copy(header.begin(), header.end(), packet.begin());
    std::copy_n(from.bytes.begin(), 4, packet.begin() + 12);
    std::copy_n(to.bytes.begin(), 4, packet.begin() + 16);
    const std::uint16_t sum = static_cast<std::uint16_t>(~ones_complement_sum(std::span(packet).first(20)));
    packet[10] = static_cast<std::uint8_t>(sum >> 8);
    packet[11] = static_cast<std::uint8_t>(sum);
  } else {
    const std::size_t payload = size - 40;
    const std::array<std::uint8_t, 8> header{static_cast<std::uint8_t>(0x60 | traffic_class >> 4),
                                             static_cast<std::uint8_t>(traffic_class << 4),
                                             0,
                                             0,
                                             static_cast<std::uint8_t>(payload >> 8),
                                             static_cast<std::uint8_t>(payload),
                                             253,
                                             64};
    std::copy(header.begin(), header.end(), packet.begin());
    std::copy_n(from.bytes.begin(), 16, packet.begin() + 8);
    std::copy_n(to.bytes.begin(), 16, packet.begin() + 24);
  }
  return packet;
}

inline Bytes with_df(Bytes packet) {
  packet[6] |= 0x40;
  packet[10] = packet[11] = 0;
  const std::uint16_t sum = static_cast<std::uint16_t>(~ones_complement_sum(std::span(packet).first(20)));
  packet[10] = static_cast<std::uint8_t>(sum >> 8);
  packet[11] = static_cast<std::uint8_t>(sum);
  return packet;
}

inline Packet packet_of(PacketPool& pool, std::span<const std::uint8_t> bytes) {
  Packet packet = pool.take(kPacketHeadroom);
  if (!packet) return packet;
  packet.resize(bytes.size());
  std::copy(bytes.begin(), bytes.end(), packet.data());
  return packet;
}

}  // namespace wgu::tunnel
