#pragma once
/// \file
/// Time as a value. Nothing in the library's lower layers reads a clock: the caller passes the current `Instant` into every
/// call, so that a test can run virtual hours in seconds and an application decides which clock counts.

#include <chrono>
#include <cstdint>

namespace wgu {

/// The time line of a tunnel. It has no now(): an application uses CLOCK_BOOTTIME (keys age while a machine sleeps), a test
/// uses a counter. Only differences matter; instants never go backwards.
struct Clock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<Clock, duration>;
  static constexpr bool is_steady = true;
};

using Instant = Clock::time_point;
using Duration = Clock::duration;

/// Later than every instant: an unarmed timer.
inline constexpr Instant kNever = Instant::max();

/// Unix time (UTC). Needed in two places only: the TAI64N timestamp of a handshake and the "latest handshake" a user sees.
struct WallTime {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;

  friend bool operator==(const WallTime&, const WallTime&) = default;
  friend auto operator<=>(const WallTime&, const WallTime&) = default;
};

}  // namespace wgu
