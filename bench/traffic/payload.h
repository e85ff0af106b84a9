#pragma once
// What our datagrams carry in their first bytes: whose they are, which one, and when it was meant to be sent. Both ends run on one
// machine: host byte order, one CLOCK_MONOTONIC. The check value keeps a foreign or damaged datagram from being counted as ours.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace wgu::bench {

struct Payload {
  std::uint32_t run = 0;       // one trial's number: what is late from the trial before is foreign
  std::uint64_t sequence = 0;  // from 0
  std::int64_t intended = 0;   // ns of CLOCK_MONOTONIC
  friend bool operator==(const Payload&, const Payload&) = default;
};

inline constexpr std::size_t kMinPayload = 24;     // run 4, check 4, sequence 8, intended 8
inline constexpr std::size_t kMaxPayload = 65507;  // of UDP over IPv4

// \pre bytes.size() >= kMinPayload; the bytes after that stay as they are
void write_payload(std::span<std::uint8_t> bytes, const Payload& payload) noexcept;
// None: too short, another run's, or not ours.
[[nodiscard]] std::optional<Payload> read_payload(std::span<const std::uint8_t> bytes, std::uint32_t run) noexcept;

}  // namespace wgu::bench
