#pragma once
// Token buckets that all workers use at once without a lock. A bucket of rate r and burst b is one number, the "theoretical
// arrival time" of the generic cell rate algorithm (ITU-T I.371): admit when it lies at most b-1 intervals ahead of now, then
// move it one interval on. One compare-and-swap; nothing to refill.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>

#include "wgu/net.h"
#include "wgu/time.h"

namespace wgu::tunnel {

// One bucket for everybody.
class TokenBucket {
 public:
  TokenBucket(unsigned per_second, unsigned burst) noexcept;
  [[nodiscard]] bool admit(Instant now) noexcept;

 private:
  std::int64_t interval_;   // ns a token
  std::int64_t tolerance_;  // ns: (burst - 1) * interval
  std::atomic<std::int64_t> arrival_{std::numeric_limits<std::int64_t>::min()};
};

// A bucket a source: IPv4 by /32, IPv6 by /64; 20 a second, burst 5 (noise/limits.h). A fixed table of 2^14 slots; a slot holds a
// 24-bit keyed tag and a 40-bit arrival time in one word. A full bucket equals an absent one, so a slot whose time has passed is
// free for another source; when all eight slots a source may use (one cache line) are busy, it is refused.
//
// Times count in 10 us and wrap after 127 days. No honest arrival time lies more than the burst and the workers' clock skew ahead,
// so one that seems to is old and its slot free; only a source that was last seen 127 days ago to within seconds finds its old
// bucket and waits those seconds.
class SourceLimiter {
 public:
  explicit SourceLimiter(std::span<const std::uint8_t, 16> hash_key);  // from Host: sources cannot be made to collide
  [[nodiscard]] bool admit(const IpAddress& source, Instant now) noexcept;

 private:
  static constexpr std::size_t kSlots = 1U << 14;
  static constexpr std::size_t kWays = 8;
  struct alignas(64) Line {
    std::array<std::atomic<std::uint64_t>, kWays> slots{};
  };
  std::array<std::uint8_t, 16> hash_key_;
  std::unique_ptr<Line[]> lines_;
};

}  // namespace wgu::tunnel
