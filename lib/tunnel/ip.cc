// device -> parse_outbound -> padded_size, encapsulate_ecn -> peer;  peer -> parse_inbound -> decapsulate_ecn -> device;
// device -> parse_outbound -> no peer or endpoint -> write_unreachable -> device;
// device -> parse_outbound -> larger than the path to the peer takes -> write_too_big -> device.

#include "tunnel/ip.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "noise/limits.h"
#include "values/ip_headers.h"

namespace wgu::tunnel {
namespace {

constexpr std::size_t kMaxIcmpv4Size = 576;
static_assert(kMaxIcmpv4Size <= kMaxIcmpSize);

constexpr std::uint8_t kEcnMask = 3;
constexpr std::uint8_t kNotEct = 0;
constexpr std::uint8_t kEct1 = 1;
constexpr std::uint8_t kEct0 = 2;
constexpr std::uint8_t kCe = 3;

// RFC 1071: the ones' complement sum of big-endian words. At most 64 KiB fit before `sum` overflows, with room for a pseudo header.
std::uint32_t add_words(std::uint32_t sum, std::span<const std::uint8_t> bytes) noexcept {
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += load_be16(&bytes[i]);
  if (i < bytes.size()) sum += std::uint32_t{bytes[i]} << 8;
  return sum;
}

std::uint16_t checksum(std::uint32_t sum) noexcept {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::uint8_t traffic_class_v6(const std::uint8_t* packet) noexcept {
  return static_cast<std::uint8_t>((packet[0] & 0x0f) << 4 | packet[1] >> 4);
}

// The two ECN bits are the low ones of IPv4's second byte, and bits 5 and 4 of IPv6's.
void set_ecn(std::uint8_t ecn, std::span<std::uint8_t> packet) noexcept {
  if (packet[0] >> 4 == 6) {
    packet[1] = static_cast<std::uint8_t>((packet[1] & ~(kEcnMask << 4)) | ecn << 4);
    return;
  }
  // RFC 1624 equation 3: HC' = ~(~HC + ~m + m'). A wrong checksum stays wrong.
  const std::uint16_t before = load_be16(&packet[0]);
  packet[1] = static_cast<std::uint8_t>((packet[1] & ~kEcnMask) | ecn);
  const std::uint32_t sum =
      (~std::uint32_t{load_be16(&packet[kIpv4Checksum])} & 0xffff) + (~std::uint32_t{before} & 0xffff) + load_be16(&packet[0]);
  store_be16(&packet[kIpv4Checksum], checksum(sum));
}

// Not "this network", loopback, multicast, class E or broadcast.
bool is_one_host_v4(const std::uint8_t* address) noexcept { return address[0] != 0 && address[0] != 127 && address[0] < 224; }

// Not multicast, unspecified or loopback.
bool is_one_host_v6(const std::uint8_t* address) noexcept {
  if (address[0] == 0xff) return false;
  return std::any_of(address, address + 15, [](std::uint8_t byte) { return byte != 0; }) || address[15] > 1;
}

// RFC 1122 3.2.2: no error about an ICMP error, and about no fragment but the first. Types unknown to us may be errors.
bool may_be_answered_v4(std::span<const std::uint8_t> packet) noexcept {
  const auto upper = find_upper_layer(packet);
  if (!upper) return false;
  if (upper->protocol != kIcmp) return true;
  if (packet.size() == upper->offset) return false;
  switch (packet[upper->offset]) {
    case 0:
    case 8:  // echo
    case 9:
    case 10:  // router discovery
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
    case 18:  // timestamp, information, address mask
    case 42:
    case 43:  // extended echo
      return true;
    default:
      return false;
  }
}

// RFC 4443 2.4(e): no error about an ICMPv6 error or redirect. Where the headers end too early to tell, none either; nor about a
// later fragment, which cannot tell.
bool may_be_answered_v6(std::span<const std::uint8_t> packet) noexcept {
  const auto upper = find_upper_layer(packet);
  if (!upper) return false;
  if (upper->protocol != kIcmpv6) return true;
  const auto icmp = packet.subspan(upper->offset);
  return !icmp.empty() && icmp[0] >= 128 && icmp[0] != 137;
}

// What an ICMP error says beside the packet it quotes. `rest` are the bytes 4 to 7, whose meaning depends on type and code.
struct IcmpError {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;
};
constexpr IcmpError kUnreachableV4{3, 1};  // host unreachable, RFC 792
constexpr IcmpError kUnreachableV6{1, 3};  // address unreachable, RFC 4443 section 3.1

void write_message(const IcmpError& error, std::span<const std::uint8_t> quoted, std::uint8_t* icmp) noexcept {
  icmp[0] = error.type;
  icmp[1] = error.code;
  store_be16(icmp + 4, error.rest >> 16);
  store_be16(icmp + 6, error.rest & 0xffff);
  std::memcpy(icmp + kIcmpHeaderSize, quoted.data(), quoted.size());
}

std::size_t write_icmpv4(const InnerHeader& header, std::span<const std::uint8_t> packet, const IcmpError& error,
                         std::uint8_t* out) noexcept {
  const std::size_t quoted = std::min(packet.size(), kMaxIcmpv4Size - kIpv4HeaderSize - kIcmpHeaderSize);
  const std::size_t size = kIpv4HeaderSize + kIcmpHeaderSize + quoted;
  std::memset(out, 0, kIpv4HeaderSize + kIcmpHeaderSize);
  out[0] = 0x45;
  store_be16(out + kIpv4Length, size);
  store_be16(out + kIpv4Fragment, kIpv4DontFragment);  // don't fragment, so that the identification may be zero (RFC 6864 section 4.1)
  out[kIpv4Ttl] = 64;
  out[kIpv4Protocol] = kIcmp;
  std::memcpy(out + kIpv4Source, header.destination, 4);
  std::memcpy(out + kIpv4Destination, header.source, 4);
  store_be16(out + kIpv4Checksum, checksum(add_words(0, {out, kIpv4HeaderSize})));
  std::uint8_t* icmp = out + kIpv4HeaderSize;
  write_message(error, packet.first(quoted), icmp);
  store_be16(icmp + kIcmpChecksum, checksum(add_words(0, {icmp, kIcmpHeaderSize + quoted})));
  return size;
}

std::size_t write_icmpv6(const InnerHeader& header, std::span<const std::uint8_t> packet, const IcmpError& error,
                         std::uint8_t* out) noexcept {
  const std::size_t quoted = std::min(packet.size(), kMaxIcmpSize - kIpv6HeaderSize - kIcmpHeaderSize);
  const std::size_t payload = kIcmpHeaderSize + quoted;
  std::memset(out, 0, kIpv6HeaderSize + kIcmpHeaderSize);
  out[0] = 0x60;
  store_be16(out + kIpv6Length, payload);
  out[kIpv6NextHeader] = kIcmpv6;
  out[kIpv6HopLimit] = 64;
  std::memcpy(out + kIpv6Source, header.destination, 16);
  std::memcpy(out + kIpv6Destination, header.source, 16);
  std::uint8_t* icmp = out + kIpv6HeaderSize;
  write_message(error, packet.first(quoted), icmp);
  // RFC 8200 section 8.1, the pseudo header: both addresses, the length, the protocol.
  const std::uint32_t pseudo = add_words(static_cast<std::uint32_t>(payload) + kIcmpv6, {out + kIpv6Source, 32});
  store_be16(icmp + kIcmpChecksum, checksum(add_words(pseudo, {icmp, payload})));
  return kIpv6HeaderSize + payload;
}

std::size_t write_error(std::span<const std::uint8_t> packet, const IcmpError& v4, const IcmpError& v6, std::uint8_t* out) noexcept {
  if (!may_be_answered(packet)) return 0;
  const InnerHeader header = *parse_inbound(packet);
  packet = packet.first(header.total_length);
  return header.family == Family::kIpv4 ? write_icmpv4(header, packet, v4, out) : write_icmpv6(header, packet, v6, out);
}

}  // namespace

// Extension headers are those of RFC 8200 section 4 and their successors.
std::optional<UpperLayer> find_upper_layer(std::span<const std::uint8_t> packet) noexcept {
  if (packet[0] >> 4 == 4) {
    if ((load_be16(&packet[kIpv4Fragment]) & kIpv4Offset) != 0) return std::nullopt;
    const std::size_t header = ipv4_header_size(packet.data());
    if (header < kIpv4HeaderSize || header > packet.size()) return std::nullopt;
    return UpperLayer{.protocol = packet[kIpv4Protocol], .offset = header};
  }
  std::uint8_t next = packet[kIpv6NextHeader];
  std::size_t at = kIpv6HeaderSize;
  bool is_authenticated = false;
  for (;;) {
    const std::span<const std::uint8_t> rest = packet.subspan(at);
    std::size_t size = 0;
    switch (next) {
      case kIpv6Fragment:
        if (rest.size() < kIpv6FragmentHeaderSize || (load_be16(&rest[kIpv6FragmentField]) & kIpv6Offset) != 0) return std::nullopt;
        size = kIpv6FragmentHeaderSize;
        break;
      case kAuthentication:
        if (rest.size() < 8) return std::nullopt;
        size = (std::size_t{rest[1]} + 2) * 4;
        is_authenticated = true;
        break;
      case kHopByHop:
      case kRouting:
      case kDestinationOptions:
      case kMobility:
      case kHostIdentity:
      case kShim6:
        if (rest.size() < 8) return std::nullopt;
        size = (std::size_t{rest[1]} + 1) * 8;
        break;
      default:
        return UpperLayer{next, at, is_authenticated};
    }
    if (size > rest.size()) return std::nullopt;
    next = rest[0];
    at += size;
  }
}

std::optional<InnerHeader> parse_outbound(std::span<const std::uint8_t> packet) noexcept {
  if (packet.size() >= kIpv4HeaderSize && packet[0] >> 4 == 4) {
    return InnerHeader{.family = Family::kIpv4,
                       .total_length = packet.size(),
                       .source = &packet[kIpv4Source],
                       .destination = &packet[kIpv4Destination],
                       .traffic_class = packet[1]};
  }
  if (packet.size() >= kIpv6HeaderSize && packet[0] >> 4 == 6) {
    return InnerHeader{.family = Family::kIpv6,
                       .total_length = packet.size(),
                       .source = &packet[kIpv6Source],
                       .destination = &packet[kIpv6Destination],
                       .traffic_class = traffic_class_v6(packet.data())};
  }
  return std::nullopt;
}

std::optional<InnerHeader> parse_inbound(std::span<const std::uint8_t> packet) noexcept {
  std::optional<InnerHeader> header = parse_outbound(packet);
  if (!header) return std::nullopt;
  if (header->family == Family::kIpv4) {
    header->total_length = load_be16(&packet[kIpv4Length]);
    if (header->total_length < kIpv4HeaderSize) return std::nullopt;
  } else {
    header->total_length = load_be16(&packet[kIpv6Length]) + kIpv6HeaderSize;
  }
  if (header->total_length > packet.size()) return std::nullopt;
  return header;
}

// Kernel send.c calculate_skb_padding: a packet larger than the MTU is padded as its last piece of that size would be.
std::size_t padded_size(std::size_t size, std::size_t mtu) noexcept {
  const auto rounded = [](std::size_t n) { return (n + noise::kPaddingMultiple - 1) / noise::kPaddingMultiple * noise::kPaddingMultiple; };
  if (mtu == 0) return rounded(size);
  const std::size_t last_piece = size > mtu ? size % mtu : size;
  return size - last_piece + std::min(rounded(last_piece), mtu);
}

std::uint8_t encapsulate_ecn(std::uint8_t inner_traffic_class) noexcept { return inner_traffic_class & kEcnMask; }

bool decapsulate_ecn(std::uint8_t outer_traffic_class, std::span<std::uint8_t> packet) noexcept {
  const std::uint8_t outer = outer_traffic_class & kEcnMask;
  const std::uint8_t inner = (packet[0] >> 4 == 6 ? packet[1] >> 4 : packet[1]) & kEcnMask;
  if (inner == kNotEct) return outer != kCe;
  if ((outer == kCe && inner != kCe) || (outer == kEct1 && inner == kEct0)) set_ecn(outer, packet);
  return true;
}

bool may_be_answered(std::span<const std::uint8_t> packet) noexcept {
  // A packet that lies about its length is no one's to answer.
  const std::optional<InnerHeader> header = parse_inbound(packet);
  if (!header) return false;
  packet = packet.first(header->total_length);
  return header->family == Family::kIpv4
             ? is_one_host_v4(header->source) && is_one_host_v4(header->destination) && may_be_answered_v4(packet)
             : is_one_host_v6(header->source) && is_one_host_v6(header->destination) && may_be_answered_v6(packet);
}

std::size_t write_unreachable(std::span<const std::uint8_t> packet, std::uint8_t* out) noexcept {
  return write_error(packet, kUnreachableV4, kUnreachableV6, out);
}

std::size_t write_too_big(std::span<const std::uint8_t> packet, std::size_t mtu, std::uint8_t* out) noexcept {
  const auto size = static_cast<std::uint32_t>(mtu);
  return write_error(packet, {3, 4, size & 0xffff}, {2, 0, size}, out);
}

}  // namespace wgu::tunnel
