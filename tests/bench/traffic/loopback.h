#pragma once
// Sockets on 127.0.0.1 that know each other, datagrams made by hand, and both ends of a run at once.

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "bench/traffic/payload.h"
#include "bench/traffic/sockets.h"
#include "io/file_descriptor.h"

namespace wgu::bench {

inline const IpAddress kLoopback = IpAddress::v4(127, 0, 0, 1);

struct UdpPair {
  io::FileDescriptor sink = open_udp_sink(Endpoint{kLoopback}).value();
  io::FileDescriptor sender = open_udp_sender(local_endpoint(sink.get()).value()).value();

  void send(std::span<const std::uint8_t> bytes) const {
    ASSERT_EQ(::send(sender.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  void send(const Payload& payload, std::size_t size = kMinPayload) const {
    std::vector<std::uint8_t> bytes(size);
    write_payload(bytes, payload);
    send(bytes);
  }
};

struct StopEvent {
  io::FileDescriptor fd{eventfd(0, EFD_CLOEXEC)};
  void set() const { eventfd_write(fd.get(), 1); }
};

// Runs `body` in a thread, which ends before this does.
class Alongside {
 public:
  template <class Body>
  explicit Alongside(Body body) : thread_(std::move(body)) {}
  Alongside(const Alongside&) = delete;
  Alongside& operator=(const Alongside&) = delete;
  ~Alongside() { join(); }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::thread thread_;
};

}  // namespace wgu::bench
