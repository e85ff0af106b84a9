// IP header -> extension headers -> TCP header of a SYN -> its options -> MSS -> checksum. Each step ends at the first byte that does
// not fit: a packet is either understood whole or left alone.

#include "tunnel/mss_clamp.h"

#include <algorithm>

namespace wgu::tunnel {
namespace {

constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kTcpHeader = 20;

// IP protocol numbers (IANA).
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kDestinationOptions = 60;

// RFC 9293 section 3.1.
constexpr std::size_t kFlags = 13;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::size_t kChecksum = 16;
constexpr std::uint8_t kEndOfOptions = 0;
constexpr std::uint8_t kNoOperation = 1;
constexpr std::uint8_t kMss = 2;
constexpr std::size_t kMssSize = 4;

std::uint16_t load16(const std::uint8_t* p) noexcept { return static_cast<std::uint16_t>(p[0] << 8 | p[1]); }

void store16(std::uint8_t* p, std::size_t value) noexcept {
  p[0] = static_cast<std::uint8_t>(value >> 8);
  p[1] = static_cast<std::uint8_t>(value);
}

// Both return what follows the IP headers when that is the beginning of a TCP segment, and nothing otherwise.
std::span<std::uint8_t> tcp_in_v4(std::span<std::uint8_t> packet) noexcept {
  if (packet[9] != kTcp || (load16(&packet[6]) & 0x1fff) != 0) return {};
  const std::size_t header = std::size_t{packet[0] & 0x0fU} * 4;
  return header < kIpv4Header || header > packet.size() ? std::span<std::uint8_t>() : packet.subspan(header);
}

std::span<std::uint8_t> tcp_in_v6(std::span<std::uint8_t> packet) noexcept {
  std::uint8_t next = packet[6];
  std::span<std::uint8_t> rest = packet.subspan(kIpv6Header);
  while (next != kTcp) {
    if (rest.size() < 8) return {};
    std::size_t size = 8;
    if (next == kHopByHop || next == kRouting || next == kDestinationOptions) {
      size = (std::size_t{rest[1]} + 1) * 8;
    } else if (next != kFragment || (load16(&rest[2]) & 0xfff8) != 0) {
      return {};
    }
    if (size > rest.size()) return {};
    next = rest[0];
    rest = rest.subspan(size);
  }
  return rest;
}

// Where the value of the MSS option lies in `tcp`; 0: there is none, or the options are not well-formed up to it.
std::size_t find_mss(std::span<const std::uint8_t> tcp) noexcept {
  const std::size_t end = static_cast<std::size_t>(tcp[12] >> 4) * 4;
  if (end > tcp.size()) return 0;
  for (std::size_t at = kTcpHeader; at < end;) {
    if (tcp[at] == kEndOfOptions) return 0;
    if (tcp[at] == kNoOperation) {
      ++at;
      continue;
    }
    if (at + 1 >= end || tcp[at + 1] < 2 || at + tcp[at + 1] > end) return 0;
    if (tcp[at] == kMss) return tcp[at + 1] == kMssSize ? at + 2 : 0;
    at += tcp[at + 1];
  }
  return 0;
}

// RFC 1624 equation 3 for a field at `at`: HC' = ~(~HC + ~m + m'). At an odd place the field's bytes stand in two words, swapped,
// and the ones' complement sum of swapped bytes is the swapped sum (RFC 1071 section 2 B).
void replace16(std::span<std::uint8_t> tcp, std::size_t at, std::uint16_t value) noexcept {
  const auto as_summed = [&](std::uint32_t field) { return at % 2 == 0 ? field : (field & 0xff) << 8 | field >> 8; };
  std::uint32_t sum = ~std::uint32_t{load16(&tcp[kChecksum])} & 0xffff;
  sum += ~as_summed(load16(&tcp[at])) & 0xffff;
  sum += as_summed(value);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  store16(&tcp[at], value);
  store16(&tcp[kChecksum], ~sum & 0xffff);
}

}  // namespace

bool clamp_mss(std::span<std::uint8_t> packet, std::size_t mtu) noexcept {
  const bool is_v4 = packet[0] >> 4 == 4;
  const std::span<std::uint8_t> tcp = is_v4 ? tcp_in_v4(packet) : tcp_in_v6(packet);
  if (tcp.size() < kTcpHeader || (tcp[kFlags] & kSyn) == 0) return false;
  const std::size_t at = find_mss(tcp);
  const std::size_t headers = (is_v4 ? kIpv4Header : kIpv6Header) + kTcpHeader;
  if (at == 0 || mtu <= headers || load16(&tcp[at]) <= mtu - headers) return false;
  replace16(tcp, at, static_cast<std::uint16_t>(mtu - headers));
  return true;
}

}  // namespace wgu::tunnel
