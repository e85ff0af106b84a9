#pragma once
// Where things lie in IPv4 (RFC 791), IPv6 (RFC 8200), ICMP (RFC 792, RFC 4443), TCP (RFC 9293) and UDP (RFC 768) headers, and how to
// read and write them.

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wgu {

inline constexpr std::size_t kMaxIpSize = 65535;  // of an IPv4 packet, and of what goes through a TUN in one piece

inline constexpr std::size_t kIpv4HeaderSize = 20;
inline constexpr std::size_t kIpv4Tos = 1;
inline constexpr std::size_t kIpv4Length = 2;
inline constexpr std::size_t kIpv4Id = 4;
inline constexpr std::size_t kIpv4Fragment = 6;
inline constexpr std::size_t kIpv4Ttl = 8;
inline constexpr std::size_t kIpv4Protocol = 9;
inline constexpr std::size_t kIpv4Checksum = 10;
inline constexpr std::size_t kIpv4Source = 12;
inline constexpr std::size_t kIpv4Destination = 16;
inline constexpr std::uint16_t kIpv4DontFragment = 0x4000;      // in the fragment field
inline constexpr std::uint16_t kIpv4MoreOrOffset = 0x3fff;      // MF and the offset: set in every fragment, in nothing else
inline constexpr std::uint16_t kIpv4Offset = 0x1fff;            // set in every fragment but the first

inline constexpr std::size_t kIpv6HeaderSize = 40;
inline constexpr std::size_t kIpv6Length = 4;  // of what follows the header
inline constexpr std::size_t kIpv6NextHeader = 6;
inline constexpr std::size_t kIpv6HopLimit = 7;
inline constexpr std::size_t kIpv6Source = 8;
inline constexpr std::size_t kIpv6Destination = 24;
inline constexpr std::size_t kIpv6FragmentHeaderSize = 8;
inline constexpr std::size_t kIpv6FragmentField = 2;        // of the fragment header
inline constexpr std::uint16_t kIpv6Offset = 0xfff8;        // set in every fragment but the first

inline constexpr std::uint8_t kIcmp = 1;  // IANA protocol numbers
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kIcmpv6 = 58;
inline constexpr std::uint8_t kHopByHop = 0;  // IPv6 extension headers behind which TCP or UDP may stand
inline constexpr std::uint8_t kRouting = 43;
inline constexpr std::uint8_t kIpv6Fragment = 44;
inline constexpr std::uint8_t kAuthentication = 51;
inline constexpr std::uint8_t kDestinationOptions = 60;
inline constexpr std::uint8_t kMobility = 135;
inline constexpr std::uint8_t kHostIdentity = 139;
inline constexpr std::uint8_t kShim6 = 140;

inline constexpr std::size_t kIcmpHeaderSize = 8;
inline constexpr std::size_t kIcmpChecksum = 2;

inline constexpr std::size_t kTcpHeaderSize = 20;
inline constexpr std::size_t kTcpSequence = 4;
inline constexpr std::size_t kTcpAcknowledgment = 8;
inline constexpr std::size_t kTcpDataOffset = 12;  // upper four bits, in units of four bytes
inline constexpr std::size_t kTcpFlags = 13;
inline constexpr std::size_t kTcpWindow = 14;
inline constexpr std::size_t kTcpChecksum = 16;
inline constexpr std::size_t kTcpUrgent = 18;
inline constexpr std::uint8_t kTcpFin = 0x01;
inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpRst = 0x04;
inline constexpr std::uint8_t kTcpPsh = 0x08;
inline constexpr std::uint8_t kTcpAck = 0x10;
inline constexpr std::uint8_t kTcpUrg = 0x20;
inline constexpr std::uint8_t kTcpEce = 0x40;
inline constexpr std::uint8_t kTcpCwr = 0x80;

inline constexpr std::size_t kUdpHeaderSize = 8;
inline constexpr std::size_t kUdpLength = 4;
inline constexpr std::size_t kUdpChecksum = 6;

inline std::uint16_t load_be16(const std::uint8_t* p) noexcept { return static_cast<std::uint16_t>(p[0] << 8 | p[1]); }
inline std::uint32_t load_be32(const std::uint8_t* p) noexcept { return std::uint32_t{load_be16(p)} << 16 | load_be16(p + 2); }
inline void store_be16(std::uint8_t* p, std::size_t value) noexcept {
  p[0] = static_cast<std::uint8_t>(value >> 8);
  p[1] = static_cast<std::uint8_t>(value);
}
inline void store_be32(std::uint8_t* p, std::uint32_t value) noexcept {
  store_be16(p, value >> 16);
  store_be16(p + 2, value & 0xffff);
}
// As they lie in memory, for comparing and for hashing.
inline std::uint32_t load_raw32(const std::uint8_t* p) noexcept {
  std::uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}
inline std::uint64_t load_raw64(const std::uint8_t* p) noexcept {
  std::uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

[[nodiscard]] inline std::size_t ipv4_header_size(const std::uint8_t* packet) noexcept { return std::size_t{packet[0] & 0x0fU} * 4; }
[[nodiscard]] inline std::size_t tcp_header_size(const std::uint8_t* tcp) noexcept { return (tcp[kTcpDataOffset] >> 4U) * std::size_t{4}; }

}  // namespace wgu
