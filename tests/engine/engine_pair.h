#pragma once
// Two engines in one process, no privilege needed: datagram socket pairs are their devices, loopback is their network.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "io/file_descriptor.h"
#include "wgu/engine.h"

// Starts, or skips where the kernel refuses the backend.
#define START_OR_SKIP(what, ...)                                                                                 \
  if (const Result<void> started = (what).start(__VA_ARGS__); !started) {                                        \
    if (GetParam().io == IoBackend::kUring && (started.error().code == ENOSYS || started.error().code == EPERM)) \
      GTEST_SKIP() << "io_uring: " << started.error().message;                                                   \
    FAIL() << started.error().message;                                                                           \
  }

namespace wgu::engine {

struct EngineCase {
  IoBackend io;
  unsigned workers;
  unsigned queues;
};

inline std::string case_name(const testing::TestParamInfo<EngineCase>& info) {
  return std::string(info.param.io == IoBackend::kUring ? "Uring" : "Epoll") + std::to_string(info.param.workers) + "Workers" +
         std::to_string(info.param.queues) + "Queues";
}

// An engine and the far ends of its device's queues.
struct Node {
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  std::optional<Engine> engine;
  std::vector<io::FileDescriptor> device;  // what a host's IP stack would hold
  PrivateKey key = PrivateKey::generate();
  std::mutex log_mutex;
  std::vector<std::string> log;
  PathPolicy path{};
  std::function<void(const Event&)> on_event;
  CaptureFiles capture{};
  std::uint16_t bound_port = 0;

  // Whatever a test did: when all has come to rest, no packet is unaccounted for, at any worker or between them.
  ~Node() {
    if (!engine) return;
    engine->stop();
    Counters sum;
    for (const Counters& worker : engine->worker_counters()) {
      EXPECT_EQ(worker.unexplained(Direction::kOutbound), 0);
      EXPECT_EQ(worker.unexplained(Direction::kInbound), 0);
      sum += worker;
    }
    EXPECT_EQ(sum.outbound_forwarded, sum.outbound_adopted);
    EXPECT_EQ(sum.inbound_forwarded, sum.inbound_adopted);
    EXPECT_EQ(sum.outbound_queued + sum.inbound_queued, 0U);
  }

  // Nothing when the kernel refuses io_uring: the caller skips.
  [[nodiscard]] Result<void> start(const EngineCase& how, int type = SOCK_DGRAM) {
    EngineOptions options{.workers = how.workers,
                          .io = how.io,
                          .path = path,
                          .buffers_per_worker = 512,
                          .follow_interface = false,
                          .capture = capture,
                          .on_event = on_event};
    options.log = [this](LogLevel, const std::string& line) {
      const std::lock_guard lock(log_mutex);
      log.push_back(line);
    };
    for (unsigned i = 0; i < how.queues; ++i) {
      int ends[2];
      if (socketpair(AF_UNIX, type, 0, ends) != 0) return Error{errno, "socketpair"};
      const int size = 1 << 20;
      for (const int end : ends) setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
      device.emplace_back(ends[0]);
      options.device_fds.push_back(ends[1]);
    }
    Result<Engine> started = Engine::start(std::move(options));
    if (!started) return started.error();
    engine.emplace(std::move(started).value());
    bound_port = port();
    return {};
  }

  [[nodiscard]] std::uint16_t port() { return engine->status().listen_port; }

  void write(const std::vector<std::uint8_t>& packet, unsigned queue = 0) {
    ASSERT_EQ(::write(device[queue].get(), packet.data(), packet.size()), static_cast<ssize_t>(packet.size())) << std::strerror(errno);
  }

  // The next packet that comes out of any queue; empty after `milliseconds`.
  [[nodiscard]] std::vector<std::uint8_t> read(int milliseconds = 5000) {
    std::vector<pollfd> waits;
    for (const auto& fd : device) waits.push_back({fd.get(), POLLIN, 0});
    if (poll(waits.data(), waits.size(), milliseconds) <= 0) return {};
    for (const pollfd& one : waits) {
      if ((one.revents & POLLIN) == 0) continue;
      std::vector<std::uint8_t> packet(65536);
      const ssize_t size = ::read(one.fd, packet.data(), packet.size());
      packet.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
      return packet;
    }
    return {};
  }
};

// An IPv4 packet of an experimental protocol: 10.0.<from> to 10.0.<to>, a number, filler.
inline std::vector<std::uint8_t> inner_packet(std::uint16_t from, std::uint16_t to, std::uint32_t number, std::size_t size) {
  std::vector<std::uint8_t> packet(size, static_cast<std::uint8_t>(number));
  const std::uint8_t header[20] = {0x45,
                                   0,
                                   static_cast<std::uint8_t>(size >> 8),
                                   static_cast<std::uint8_t>(size),
                                   0,
                                   0,
                                   0,
                                   0,
                                   64,
                                   253,
                                   0,
                                   0,
                                   10,
                                   0,
                                   static_cast<std::uint8_t>(from >> 8),
                                   static_cast<std::uint8_t>(from),
                                   10,
                                   0,
                                   static_cast<std::uint8_t>(to >> 8),
                                   static_cast<std::uint8_t>(to)};
  std::memcpy(packet.data(), header, sizeof header);
  std::memcpy(packet.data() + 20, &number, sizeof number);
  return packet;
}

inline std::uint32_t number_of(const std::vector<std::uint8_t>& packet) {
  std::uint32_t number = 0;
  std::memcpy(&number, packet.data() + 20, sizeof number);
  return number;
}

inline PeerChange peer_of(const PublicKey& key, std::uint16_t port, const std::string& allowed_ips) {
  PeerChange peer;
  peer.public_key = key;
  if (port != 0) peer.endpoint = Endpoint{IpAddress::v4(127, 0, 0, 1), port, 0};
  peer.allowed_ips.push_back({Prefix::parse(allowed_ips).value()});
  return peer;
}

// Both up, each the other's peer: 10.0.0.1 is left, 10.0.0.2 is right.
struct EnginePair {
  Node left, right;

  [[nodiscard]] Result<void> start(const EngineCase& how) {
    if (Result<void> started = left.start(how); !started) return started;
    if (Result<void> started = right.start(how); !started) return started;
    DeviceChange to_left, to_right;
    to_left.private_key = left.key.copy();
    to_left.peers.push_back(peer_of(right.key.public_key(), right.port(), "10.0.0.2/32"));
    to_right.private_key = right.key.copy();
    to_right.peers.push_back(peer_of(left.key.public_key(), left.port(), "10.0.0.1/32"));
    if (Result<void> applied = left.engine->apply(std::move(to_left)); !applied) return applied;
    return right.engine->apply(std::move(to_right));
  }

  void expect_all_explained() {
    for (Node* node : {&left, &right}) {
      for (const Counters& counters : node->engine->worker_counters()) {
        EXPECT_EQ(counters.unexplained(Direction::kOutbound), 0);
        EXPECT_EQ(counters.unexplained(Direction::kInbound), 0);
      }
    }
  }
};

}  // namespace wgu::engine
