#pragma once
// Sees WireGuard handshakes on the wire, whatever the daemons tell of them.

#include <array>
#include <cstdint>
#include <span>

#include "wgu/net.h"

namespace wgu::bench {

// A response is there once a handshake, and crosses the wire in front of whoever asked for it.
[[nodiscard]] bool is_response(std::span<const std::uint8_t> ip_packet) noexcept;

// Trivially copyable.
struct SeenHandshakes {
  static constexpr std::size_t kMax = 64;
  std::array<std::int64_t, kMax> times{};  // ns of CLOCK_MONOTONIC, ascending
  std::size_t count = 0;
  [[nodiscard]] std::span<const std::int64_t> all() const noexcept { return {times.data(), count}; }
};

// The responses in packets of that family that enter or leave the caller's network namespace until that time (or kMax of them).
// \throws BadResult
SeenHandshakes watch_handshakes(std::int64_t until, Family family);

}  // namespace wgu::bench
