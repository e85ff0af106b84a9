#include "bench/lab/handshake_watch.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
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

bool is_response(std::span<const std::uint8_t> packet) noexcept {
  iphdr ip{};
  udphdr udp{};
  if (packet.size() < sizeof ip) return false;
  std::memcpy(&ip, packet.data(), sizeof ip);
  const std::size_t header = std::size_t{ip.ihl} * 4;
  if (ip.version != 4 || header < sizeof ip || ip.protocol != IPPROTO_UDP) return false;
  if (packet.size() < header + sizeof udp + noise::kResponseSize) return false;
  std::memcpy(&udp, packet.data() + header, sizeof udp);
  return ntohs(udp.len) == sizeof udp + noise::kResponseSize &&
         packet[header + sizeof udp] == static_cast<std::uint8_t>(noise::MessageType::kResponse);
}

SeenHandshakes watch_handshakes(std::int64_t until) {
  const io::FileDescriptor socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP)));
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
