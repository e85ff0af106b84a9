// IPv4 gets the checksum of its header and no UDP checksum, which is allowed (RFC 768); IPv6 must have one (RFC 8200 section 8.1), so it
// is computed.
#include "capture/outer_headers.h"

#include <algorithm>

namespace wgu::capture {
namespace {

constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kHopLimit = 64;  // RFC 1700's default; the real one is not known
constexpr std::size_t kUdpHeader = 8, kIpv4Header = 20, kIpv6Header = 40;

void put16(std::uint8_t* at, std::size_t value) noexcept {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

std::uint64_t sum_of(std::span<const std::uint8_t> bytes) noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
  return sum;
}

std::uint16_t folded(std::uint64_t sum) noexcept {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace

OuterHeaders::OuterHeaders(Direction direction, const OuterPath& path, std::span<const std::uint8_t> payload) noexcept {
  const bool is_outbound = direction == Direction::kOutbound;
  const bool is_ipv4 = path.remote.address.family == Family::kIpv4;
  const std::size_t address_size = is_ipv4 ? 4 : 16;
  const std::size_t ip_size = is_ipv4 ? kIpv4Header : kIpv6Header;
  const std::size_t udp_size = kUdpHeader + payload.size();
  const IpAddress& local = path.local.address;
  const IpAddress& remote = path.remote.address;
  std::uint8_t* const ip = bytes_.data();
  std::uint8_t* const addresses = ip + ip_size - 2 * address_size;
  std::copy_n(is_outbound ? local.bytes.begin() : remote.bytes.begin(), address_size, addresses);
  std::copy_n(is_outbound ? remote.bytes.begin() : local.bytes.begin(), address_size, addresses + address_size);
  std::uint8_t* const udp = ip + ip_size;
  put16(udp, is_outbound ? path.local_port : path.remote.port);
  put16(udp + 2, is_outbound ? path.remote.port : path.local_port);
  put16(udp + 4, udp_size);
  size_ = ip_size + kUdpHeader;
  if (is_ipv4) {
    ip[0] = 0x45;  // version 4, header of five words
    ip[1] = path.traffic_class;
    put16(ip + 2, ip_size + udp_size);
    ip[8] = kHopLimit;
    ip[9] = kUdp;
    put16(ip + 10, folded(sum_of({ip, kIpv4Header})));
    return;
  }
  ip[0] = static_cast<std::uint8_t>(0x60 | path.traffic_class >> 4);
  ip[1] = static_cast<std::uint8_t>(path.traffic_class << 4);
  put16(ip + 4, udp_size);
  ip[6] = kUdp;
  ip[7] = kHopLimit;
  const std::uint64_t pseudo_header = sum_of({addresses, 2 * address_size}) + udp_size + kUdp;
  const std::uint16_t checksum = folded(pseudo_header + sum_of({udp, kUdpHeader}) + sum_of(payload));
  put16(udp + 6, checksum == 0 ? 0xffff : checksum);  // zero would mean none
}

}  // namespace wgu::capture
