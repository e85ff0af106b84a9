#pragma once
/// \file
/// Where randomness and wall time come from. Everything else a tunnel needs is an argument.

#include <cstdint>
#include <functional>
#include <span>

#include "wgu/time.h"

namespace wgu {

/// What a tunnel asks of its surroundings. Both may be called from any call into the tunnel, on the calling thread.
struct Host {
  /// Fills the span with bytes no one can guess. Seed it to replay a simulation.
  std::function<void(std::span<std::uint8_t>)> random;
  /// Unix time, for handshake timestamps. May jump; a peer refuses initiations older than the newest it has seen.
  std::function<WallTime()> wall_time;

  /// The system's: getrandom(2) and CLOCK_REALTIME.
  static Host system();
};

}  // namespace wgu
