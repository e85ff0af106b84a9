#pragma once
// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian, appended to a byte buffer. Pure functions: they allocate only when
// the buffer has no room.
//
//   section header, an interface description each, then in any order: secrets before the packets they decrypt, packets, statistics

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "wgu/stats.h"
#include "wgu/time.h"

namespace wgu::capture {

using Bytes = std::vector<std::uint8_t>;

// Interfaces are numbered in the order of their descriptions.
enum class CaptureInterface : std::uint32_t { kInner = 0, kOuter = 1 };
inline constexpr std::size_t kCaptureInterfaces = 2;

void append_section_header(Bytes& out, std::string_view application);
// Packets of it begin with an IPv4 or IPv6 header (LINKTYPE_RAW); timestamps are in nanoseconds.
void append_interface_description(Bytes& out, std::string_view name, std::string_view description);
// A packet in two pieces, so that headers made up for it need no copy of its payload.
void append_packet(Bytes& out, CaptureInterface on, Direction direction, WallTime when, std::span<const std::uint8_t> headers,
                   std::span<const std::uint8_t> payload);
// The bytes that append_packet adds for a packet of `size` bytes.
[[nodiscard]] std::size_t packet_block_size(std::size_t size) noexcept;
// Wireshark's key log of WireGuard. \post `out` holds the secrets: erase it
void append_decryption_secrets(Bytes& out, std::string_view key_log);

struct InterfaceStatistics {
  std::uint64_t seen = 0;     // packets
  std::uint64_t dropped = 0;  // of those, not in the file
};
void append_interface_statistics(Bytes& out, CaptureInterface of, WallTime when, InterfaceStatistics statistics);

}  // namespace wgu::capture
