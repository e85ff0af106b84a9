#pragma once
// What kept a round from carrying more.

#include <span>
#include <string>

#include "bench/memory/round.h"
#include "bench/results.h"
#include "bench/tunnel/limit.h"

namespace wgu::bench {

// All threads together waited this much for CPUs, in shares of the round: as they hand packets on, one that waits stops the others.
inline constexpr double kStarved = 0.3;

// kCpu: a worker of an engine was saturated. kGenerator: else, the feeder or the drain. kCpu: else, they were starved of CPUs. kWakeUps:
// none of that, so that with a full window all of them slept, waiting for each other. kUnknown: the kernel does not tell.
[[nodiscard]] Limit limit_of(const RoundReport& round) noexcept;

struct LimitOfRow {
  Limit limit = Limit::kUnknown;  // of most rounds
  std::string note{};             // what a reader has to know besides; empty: nothing
};
// \pre not empty
[[nodiscard]] LimitOfRow limit_of(std::span<const RoundReport> rounds);

}  // namespace wgu::bench
