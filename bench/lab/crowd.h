#pragma once
// Many initiators in one process: keys, initiations made beforehand, and one socket that sends each from an address of its own, out of
// 198.18.0.0/15 (RFC 2544) or 2001:2::/48 (RFC 5180), and hears what comes back to any of them.

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/lab/testbed.h"
#include "io/file_descriptor.h"
#include "noise/messages.h"
#include "wgu/key.h"
#include "wgu/net.h"
#include "wgu/result.h"

namespace wgu::bench {

using InitiationBytes = std::array<std::uint8_t, noise::kInitiationSize>;

class Crowd {
 public:
  Crowd(unsigned members, const PublicKey& responder);
  [[nodiscard]] std::vector<PublicKey> public_keys() const;
  // `count` initiations, of the members in turn, each newer than the member's one before. Number n has the sender index n, and MAC1.
  [[nodiscard]] std::vector<InitiationBytes> initiations(std::size_t count) const;

 private:
  PublicKey responder_;
  std::vector<PrivateKey> keys_;
};

// Makes all of the crowd's addresses live at End::kA of the testbed.
Result<void> settle_crowd(const Testbed& testbed);
// The address of number n; 2^17 different ones.
[[nodiscard]] IpAddress crowd_address(std::uint32_t number, Family family) noexcept;

class CrowdSocket {
 public:
  // In the caller's network namespace.
  inline static constexpr std::uint16_t kPort = 51821;  // at each of the addresses
  static Result<CrowdSocket> open(const Endpoint& responder);
  // Sends message i from crowd_address(first + i). How many the kernel took. \pre at most kBatch
  static constexpr std::size_t kBatch = 32;
  std::size_t send(std::span<const InitiationBytes> messages, std::uint32_t first) const;
  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }

 private:
  CrowdSocket(io::FileDescriptor fd, const Endpoint& responder);
  io::FileDescriptor fd_;
  Family family_;
  sockaddr_storage remote_{};
  socklen_t remote_size_;
};

}  // namespace wgu::bench
