#pragma once
// TCP connections through the tunnel whose segments fit it, whatever becomes of ICMP on the way: the maximum segment size that a
// SYN announces is lowered to what the tunnel carries (RFC 9293 section 3.7.1; "MSS clamping").

#include <cstddef>
#include <cstdint>
#include <span>

namespace wgu::tunnel {

// Lowers the MSS option of a SYN or SYN-ACK in `packet` to `mtu` less IP and TCP header, and keeps a right checksum right and a wrong
// one wrong. Never raises it or adds one. True when it changed something. Anything else stays as it is: other packets, later
// fragments, headers that contradict one another, TCP behind an authentication header.
// \pre packet passed parse_outbound or parse_inbound
bool clamp_mss(std::span<std::uint8_t> packet, std::size_t mtu) noexcept;

}  // namespace wgu::tunnel
