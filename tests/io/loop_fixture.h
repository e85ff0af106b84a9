#pragma once
// Each test of a loop runs on every backend: io_uring, io_uring with plain device calls (before Linux 6.7), and epoll.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/file_descriptor.h"
#include "io/loop.h"
#include "io/udp.h"

namespace wgu::io {

struct Backend {
  const char* name;
  bool is_ring;
  bool plain_device_calls;
  friend void PrintTo(const Backend& backend, std::ostream* out) { *out << backend.name; }
};

inline constexpr Backend kBackends[] = {{"Ring", true, false}, {"RingPlainDevice", true, true}, {"Poller", false, false}};

constexpr std::size_t kReceiveHeadroom = 16;
constexpr std::size_t kDeviceHeadroom = 40;
constexpr std::size_t kDeviceTailroom = 31;

inline IpAddress loopback(Family family) {
  if (family == Family::kIpv4) return IpAddress::v4(127, 0, 0, 1);
  IpAddress address{Family::kIpv6, {}};
  address.bytes[15] = 1;
  return address;
}

struct SocketPair {
  FileDescriptor ours;   // given to the loop
  FileDescriptor other;  // the test's
  explicit SocketPair(int type = SOCK_DGRAM) {
    int fds[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
    ours = FileDescriptor(fds[0]);
    other = FileDescriptor(fds[1]);
    // Bounds what a test that expects something waits for it.
    const timeval limit{5, 0};
    ::setsockopt(other.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
};

class LoopTest : public ::testing::TestWithParam<Backend> {
 protected:
  void open(std::size_t packets = 1024, std::size_t capacity = 2048, std::size_t max_batch = 64) {
    loop_.reset();
    pool_.emplace(packets, capacity);
    auto loop = open_another(max_batch);
    ASSERT_TRUE(loop.ok()) << loop.error().message;
    loop_ = std::move(*loop);
  }

  virtual Result<std::unique_ptr<Loop>> open_another(std::size_t max_batch) {
    LoopOptions options;
    options.pool = &*pool_;
    options.receive_headroom = kReceiveHeadroom;
    options.device_headroom = kDeviceHeadroom;
    options.device_tailroom = kDeviceTailroom;
    options.max_batch = max_batch;
    options.plain_device_calls = GetParam().plain_device_calls;
    return GetParam().is_ring ? open_ring(options) : open_poller(options);
  }

  void open_sockets() {
    auto binding = bind_udp(0, 0, 1, {});
    ASSERT_TRUE(binding.ok()) << binding.error().message;
    binding_ = std::move(*binding);
    loop_->set_sockets(binding_.workers[0].v4.get(), binding_.workers[0].v6.get());
  }

  Packet packet(std::string_view text) {
    Packet made = pool_->take(0);
    EXPECT_TRUE(made);
    std::memcpy(made.data(), text.data(), text.size());
    made.resize(text.size());
    return made;
  }

  Datagram datagram(std::string_view text, Endpoint remote, std::uint64_t tag = 0) {
    Datagram made;
    made.packet = packet(text);
    made.remote = remote;
    made.tag = tag;
    return made;
  }

  void send(Datagram outgoing) { loop_->send({&outgoing, 1}); }
  void write(Packet outgoing) { loop_->write({&outgoing, 1}); }

  // Waits until `is_enough` holds; false after five seconds.
  template <class Condition>
  bool wait_until(Condition is_enough) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!is_enough()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      loop_->wait(std::chrono::milliseconds(100), arrivals_);
    }
    return true;
  }

  Endpoint self(Family family = Family::kIpv4) const { return {loopback(family), binding_.port, 0}; }

  static std::string text(const Packet& packet) { return {reinterpret_cast<const char*>(packet.data()), packet.size()}; }

  std::optional<PacketPool> pool_;
  Arrivals arrivals_;  // goes before the pool
  UdpBinding binding_;
  std::unique_ptr<Loop> loop_;
};

// A plain UDP socket of the test's own.
struct PlainSocket {
  FileDescriptor socket;
  explicit PlainSocket(Family family = Family::kIpv4, std::uint16_t port = 0) {
    const int domain = family == Family::kIpv4 ? AF_INET : AF_INET6;
    socket = FileDescriptor(::socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int one = 1;
    if (domain == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    sockaddr_storage address;
    const socklen_t length = encode_address({loopback(family), port, 0}, address);
    is_bound = ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), length) == 0;
    const timeval limit{5, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  bool is_bound = false;

  Endpoint endpoint() const {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length);
    return decode_address(address);
  }
  bool send_to(const Endpoint& to, std::string_view text) const {
    sockaddr_storage address;
    const socklen_t length = encode_address(to, address);
    return ::sendto(socket.get(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&address), length) ==
           static_cast<ssize_t>(text.size());
  }
  struct Received {
    std::string text;
    Endpoint from;
  };
  std::optional<Received> receive() const {
    std::vector<char> buffer(70000);
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    const ssize_t size = ::recvfrom(socket.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&address), &length);
    if (size < 0) return std::nullopt;
    return Received{std::string(buffer.data(), static_cast<std::size_t>(size)), decode_address(address)};
  }
};

}  // namespace wgu::io
