#pragma once
// Inner IP packets: the checks of both directions in the kernel's order, ECN across the tunnel (RFC 6040), padding, and the
// ICMP errors for a packet that has no way out, or is too big for it. Pure functions of bytes; nothing is read beyond the span.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "wgu/net.h"

namespace wgu::tunnel {

// Where things lie in a packet that passed a check.
struct InnerHeader {
  Family family = Family::kNone;
  std::size_t total_length = 0;               // of the IP packet; the rest of the span is padding
  const std::uint8_t* source = nullptr;       // 4 or 16 bytes
  const std::uint8_t* destination = nullptr;  // 4 or 16 bytes
  std::uint8_t traffic_class = 0;             // DSCP and ECN
};

// From the device: version 4 with at least 20 bytes, or version 6 with at least 40. total_length is the span's size.
[[nodiscard]] std::optional<InnerHeader> parse_outbound(std::span<const std::uint8_t> packet) noexcept;
// Decrypted: as above, and the header's own length (IPv4: at least 20) must fit the span; total_length is the header's.
[[nodiscard]] std::optional<InnerHeader> parse_inbound(std::span<const std::uint8_t> packet) noexcept;

// What stands behind the IP header and IPv6 extension headers.
struct UpperLayer {
  std::uint8_t protocol = 0;
  std::size_t offset = 0;         // up to the packet's size
  bool is_authenticated = false;  // IPv6, by the authentication header (RFC 4302): may not be changed
};
// Nothing where the headers end too early to tell, and for a fragment that is not the first. \pre packet passed parse_outbound
[[nodiscard]] std::optional<UpperLayer> find_upper_layer(std::span<const std::uint8_t> packet) noexcept;

// Plaintext size with padding: the next multiple of 16, but never past the MTU (kernel send.c). mtu 0: not known, no cap.
[[nodiscard]] std::size_t padded_size(std::size_t size, std::size_t mtu) noexcept;

// The outer traffic class of an inner packet: its ECN bits, DSCP 0 (RFC 6040 normal mode).
[[nodiscard]] std::uint8_t encapsulate_ecn(std::uint8_t inner_traffic_class) noexcept;
// Carries a congestion mark of the outer header into `packet` (IPv4 header checksum kept right). False: RFC 6040 figure 4 says
// drop (CE outside, not ECN-capable inside). \pre packet passed parse_inbound
[[nodiscard]] bool decapsulate_ecn(std::uint8_t outer_traffic_class, std::span<std::uint8_t> packet) noexcept;

inline constexpr std::size_t kMaxIcmpSize = 1280;  // RFC 4443 section 2.4(c); IPv4 errors quote less (576, RFC 1812 4.3.2.3)
// Do RFC 1122 3.2.2 and RFC 4443 2.4(e) allow an ICMP error about `packet`? Not about ICMP errors, fragments but the first, multicast,
// broadcast, unspecified or loopback addresses.
[[nodiscard]] bool may_be_answered(std::span<const std::uint8_t> packet) noexcept;
// ICMP host unreachable (type 3 code 1) or ICMPv6 address unreachable (type 1 code 3) that answers `packet`, as if from its
// destination. Writes to `out` (kMaxIcmpSize bytes) and returns the size; 0 when it may not be answered.
[[nodiscard]] std::size_t write_unreachable(std::span<const std::uint8_t> packet, std::uint8_t* out) noexcept;
// Likewise ICMP fragmentation needed (type 3 code 4, RFC 1191 section 4) or ICMPv6 packet too big (type 2, RFC 4443 section 3.2):
// no packet larger than `mtu` bytes gets through.
[[nodiscard]] std::size_t write_too_big(std::span<const std::uint8_t> packet, std::size_t mtu, std::uint8_t* out) noexcept;

}  // namespace wgu::tunnel
