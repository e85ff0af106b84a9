#include "bench/lab/handshake_watch.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "bench/traffic/pacing.h"
#include "io/file_descriptor.h"
#include "io/system_error.h"
#include "noise/messages.h"

namespace wgu::bench {

namespace {

// Of the IP header, when UDP is behind it; no extension headers, as WireGuard's own packets have none. 0: no such packet.
std::size_t header_before_udp(std::span<const std::uint8_t> packet) noexcept {
  if (packet.size() < sizeof(iphdr)) return 0;
  if (packet[0] >> 4 == 6) {
    ip6_hdr ip{};
    if (packet.size() < sizeof ip) return 0;
    std::memcpy(&ip, packet.data(), sizeof ip);
    return ip.ip6_nxt == IPPROTO_UDP ? sizeof ip : 0;
  }
  iphdr ip{};
  std::memcpy(&ip, packet.data(), sizeof ip);
  const std::size_t header = std::size_t{ip.ihl} * 4;
  return ip.version == 4 && header >= sizeof ip && ip.protocol == IPPROTO_UDP ? header : 0;
}

}  // namespace

bool is_response(std::span<const std::uint8_t> packet) noexcept {
  udphdr udp{};
  const std::size_t header = header_before_udp(packet);
  if (header == 0) return false;
  if (packet.size() < header + sizeof udp + noise::kResponseSize) return false;
  std::memcpy(&udp, packet.data() + header, sizeof udp);
  return ntohs(udp.len) == sizeof udp + noise::kResponseSize &&
         packet[header + sizeof udp] == static_cast<std::uint8_t>(noise::MessageType::kResponse);
}

SeenHandshakes watch_handshakes(std::int64_t until, Family family) {
  const std::uint16_t protocol = family == Family::kIpv6 ? ETH_P_IPV6 : ETH_P_IP;
  const io::FileDescriptor socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(protocol)));
  if (!socket) throw BadResult(io::system_error(errno, "watch the wire"));
  SeenHandshakes seen;
  std::array<std::uint8_t, 256> packet;
  for (std::int64_t now = monotonic_now(); now < until && seen.count < SeenHandshakes::kMax; now = monotonic_now()) {
    pollfd ready{socket.get(), POLLIN, 0};
    if (::poll(&ready, 1, 100) <= 0) continue;
    const ssize_t count = ::recv(socket.get(), packet.data(), packet.size(), MSG_DONTWAIT);
    if (count > 0 && is_response({packet.data(), static_cast<std::size_t>(count)})) seen.times[seen.count++] = monotonic_now();
  }
  return seen;
}

}  // namespace wgu::bench
