#include "bench/traffic/sockets.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "bench/traffic/pacing.h"
#include "io/system_error.h"
#include "io/udp.h"

namespace wgu::bench {
namespace {

using io::FileDescriptor;
using io::system_error;

Result<FileDescriptor> open_socket(Family family, int type) {
  FileDescriptor fd(socket(family == Family::kIpv6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return system_error(errno, "socket");
  return fd;
}

void enlarge_buffers(int fd) {
  const int size = kUdpBuffer;
  for (const auto& [forced, asked] : {std::pair{SO_RCVBUFFORCE, SO_RCVBUF}, std::pair{SO_SNDBUFFORCE, SO_SNDBUF}}) {
    if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof size) != 0) setsockopt(fd, SOL_SOCKET, asked, &size, sizeof size);
  }
}

Result<void> bind_to(int fd, const Endpoint& local) {
  sockaddr_storage address{};
  const socklen_t length = io::encode_address(local, address);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0) return system_error(errno, "bind " + local.to_string());
  return {};
}

Result<FileDescriptor> open_bound(int type, const Endpoint& local, Family family) {
  auto fd = open_socket(family, type);
  if (!fd) return fd;
  if (type == SOCK_DGRAM) enlarge_buffers(fd->get());
  if (local.is_set()) {
    if (auto bound = bind_to(fd->get(), local); !bound) return std::move(bound).error();
  }
  return fd;
}

}  // namespace

Result<FileDescriptor> open_udp_sender(const Endpoint& remote, const Endpoint& local) {
  auto fd = open_bound(SOCK_DGRAM, local, remote.address.family);
  if (!fd) return fd;
  sockaddr_storage address{};
  const socklen_t length = io::encode_address(remote, address);
  if (connect(fd->get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    return system_error(errno, "connect to " + remote.to_string());
  }
  return fd;
}

Result<FileDescriptor> open_udp_sink(const Endpoint& local) { return open_bound(SOCK_DGRAM, local, local.address.family); }

Result<FileDescriptor> open_tcp_listener(const Endpoint& local) {
  auto fd = open_socket(local.address.family, SOCK_STREAM);
  if (!fd) return fd;
  const int on = 1;  // or the port of the round before could not be bound for a minute
  setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (auto bound = bind_to(fd->get(), local); !bound) return std::move(bound).error();
  if (listen(fd->get(), SOMAXCONN) != 0) return system_error(errno, "listen on " + local.to_string());
  return fd;
}

Result<FileDescriptor> connect_tcp(const Endpoint& remote, std::int64_t timeout, const Endpoint& local) {
  auto fd = open_bound(SOCK_STREAM, local, remote.address.family);
  if (!fd) return fd;
  sockaddr_storage address{};
  const socklen_t length = io::encode_address(remote, address);
  const std::string attempted = "connect to " + remote.to_string();
  if (connect(fd->get(), reinterpret_cast<const sockaddr*>(&address), length) == 0) return fd;
  if (errno != EINPROGRESS) return system_error(errno, attempted);
  pollfd waited = {fd->get(), POLLOUT, 0};
  const std::int64_t deadline = monotonic_now() + timeout;
  int ready = -1;
  do {
    const std::int64_t left = std::max<std::int64_t>(0, deadline - monotonic_now());
    ready = poll(&waited, 1, static_cast<int>((left + kMillisecond - 1) / kMillisecond));
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return system_error(errno, attempted);
  if (ready == 0) return system_error(ETIMEDOUT, attempted);
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd->get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return system_error(error, attempted);
  return fd;
}

Result<Endpoint> local_endpoint(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return system_error(errno, "getsockname");
  return io::decode_address(address);
}

}  // namespace wgu::bench
