// IP header -> extension headers -> TCP header of a SYN -> its options -> MSS -> checksum. Each step ends at the first byte that does
// not fit: a packet is either understood whole or left alone.

#include "tunnel/mss_clamp.h"

#include <algorithm>

#include "tunnel/ip.h"
#include "values/ip_headers.h"

namespace wgu::tunnel {
namespace {

// RFC 9293 section 3.1.
constexpr std::uint8_t kEndOfOptions = 0;
constexpr std::uint8_t kNoOperation = 1;
constexpr std::uint8_t kMss = 2;
constexpr std::size_t kMssSize = 4;

// Where the value of the MSS option lies in `tcp`; 0: there is none, or the options are not well-formed up to it.
std::size_t find_mss(std::span<const std::uint8_t> tcp) noexcept {
  const std::size_t end = tcp_header_size(tcp.data());
  if (end > tcp.size()) return 0;
  for (std::size_t at = kTcpHeaderSize; at < end;) {
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
  std::uint32_t sum = ~std::uint32_t{load_be16(&tcp[kTcpChecksum])} & 0xffff;
  sum += ~as_summed(load_be16(&tcp[at])) & 0xffff;
  sum += as_summed(value);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  store_be16(&tcp[at], value);
  store_be16(&tcp[kTcpChecksum], ~sum & 0xffff);
}

}  // namespace

bool clamp_mss(std::span<std::uint8_t> packet, std::size_t mtu) noexcept {
  const auto upper = find_upper_layer(packet);
  if (!upper || upper->protocol != kTcp || upper->is_authenticated) return false;
  const std::span<std::uint8_t> tcp = packet.subspan(upper->offset);
  if (tcp.size() < kTcpHeaderSize || (tcp[kTcpFlags] & kTcpSyn) == 0) return false;
  const std::size_t at = find_mss(tcp);
  const std::size_t headers = (packet[0] >> 4 == 4 ? kIpv4HeaderSize : kIpv6HeaderSize) + kTcpHeaderSize;
  if (at == 0 || mtu <= headers || load_be16(&tcp[at]) <= mtu - headers) return false;
  replace16(tcp, at, static_cast<std::uint16_t>(mtu - headers));
  return true;
}

}  // namespace wgu::tunnel
