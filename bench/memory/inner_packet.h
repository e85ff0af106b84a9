#pragma once
// The IP packets that go through the tunnel: IPv4 and UDP of a numbered flow, each with its number in the flow and a filling that
// belongs to that number, so that a packet that was damaged, or mixed up with another, is told from one that was not.

#include <cstdint>
#include <optional>
#include <span>

#include "wgu/net.h"

namespace wgu::bench {

inline constexpr std::size_t kMinInnerPacket = 40;  // bytes: IPv4 20, UDP 8, flow 4, sequence 8
inline constexpr std::size_t kMaxInnerPacket = 9000;
inline constexpr unsigned kMaxFlows = 16384;  // one UDP source port each

inline const IpAddress kSenderAddress = IpAddress::v4(10, 0, 0, 1);
inline const IpAddress kReceiverAddress = IpAddress::v4(10, 0, 0, 2);

struct PacketNumber {
  std::uint32_t flow = 0;      // below kMaxFlows
  std::uint64_t sequence = 0;  // in its flow, from 0
  friend bool operator==(const PacketNumber&, const PacketNumber&) = default;
};

// Fills all of `bytes`. \pre kMinInnerPacket..kMaxInnerPacket
void write_inner_packet(std::span<std::uint8_t> bytes, PacketNumber number) noexcept;
// None: not, to the last byte, what write_inner_packet() makes of some number.
[[nodiscard]] std::optional<PacketNumber> read_inner_packet(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace wgu::bench
