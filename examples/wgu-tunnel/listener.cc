#include "listener.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "wgu/net.h"

namespace {

constexpr std::string_view kUnix = "unix:";
constexpr int kBacklog = 32;

wgu::Error failed(const std::string& address, int code) { return {code, "--metrics " + address + ": " + std::strerror(code)}; }

wgu::Result<wgu::Endpoint> endpoint_of(const std::string& address) {
  const bool is_port = !address.empty() && address.find_first_not_of("0123456789") == std::string::npos;
  auto endpoint = wgu::Endpoint::parse(is_port ? "127.0.0.1:" + address : address);
  if (endpoint) return endpoint;
  return wgu::Error{EINVAL, "--metrics " + address + ": neither PORT, ADDRESS:PORT, [ADDRESS]:PORT nor unix:/PATH"};
}

socklen_t write_address(const wgu::Endpoint& endpoint, sockaddr_storage& storage) {
  if (endpoint.address.family == wgu::Family::kIpv4) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.address.bytes.data(), sizeof v4.sin_addr);
    return sizeof v4;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  v6.sin6_scope_id = endpoint.scope;
  std::memcpy(&v6.sin6_addr, endpoint.address.bytes.data(), sizeof v6.sin6_addr);
  return sizeof v6;
}

wgu::Result<Listener> listen_on(const wgu::Endpoint& endpoint, const std::string& address) {
  sockaddr_storage storage{};
  const socklen_t size = write_address(endpoint, storage);
  Listener listener{wgu::io::FileDescriptor(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))};
  const int fd = listener.socket.get();
  const int on = 1;
  // Connections of a daemon that has just ended linger; IPv6 means IPv6, so that 0.0.0.0 and [::] can both be asked for.
  if (!listener.socket || ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      (storage.ss_family == AF_INET6 && ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
      ::bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0 || ::listen(fd, kBacklog) != 0) {
    return failed(address, errno);
  }
  return listener;
}

}  // namespace

wgu::Result<Listener> open_listener(const std::string& address) {
  if (address.starts_with(kUnix)) {
    auto file = wgu::control::UapiSocket::create_at(address.substr(kUnix.size()));
    if (!file) return wgu::Error{file.error().code, "--metrics " + address + ": " + file.error().message};
    wgu::io::FileDescriptor socket = file->take_listener();
    return Listener{std::move(socket), std::move(file).value()};
  }
  const auto endpoint = endpoint_of(address);
  if (!endpoint) return endpoint.error();
  return listen_on(*endpoint, address);
}
