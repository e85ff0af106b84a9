#include "capture/source_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace wgu::capture {
namespace {

// `address`: the remote's before, ours after.
bool connect_and_look(int family, sockaddr* address, socklen_t size) noexcept {
  const int fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool is_connected = ::connect(fd, address, size) == 0 && ::getsockname(fd, address, &size) == 0;
  ::close(fd);
  return is_connected;
}

}  // namespace

IpAddress source_address_to(const Endpoint& remote) noexcept {
  IpAddress source{remote.address.family};
  if (remote.address.family == Family::kIpv4) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(remote.port);
    std::copy_n(remote.address.bytes.begin(), 4, reinterpret_cast<std::uint8_t*>(&address.sin_addr));
    if (!connect_and_look(AF_INET, reinterpret_cast<sockaddr*>(&address), sizeof address)) return {};
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&address.sin_addr), 4, source.bytes.begin());
    return source;
  }
  if (remote.address.family != Family::kIpv6) return {};
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(remote.port);
  address.sin6_scope_id = remote.scope;
  std::copy(remote.address.bytes.begin(), remote.address.bytes.end(), address.sin6_addr.s6_addr);
  if (!connect_and_look(AF_INET6, reinterpret_cast<sockaddr*>(&address), sizeof address)) return {};
  std::copy_n(address.sin6_addr.s6_addr, source.bytes.size(), source.bytes.begin());
  return source;
}

}  // namespace wgu::capture
