#pragma once
// What kept a round from carrying more.

#include <span>
#include <string>

#include "bench/memory/round.h"
#include "bench/results.h"

namespace wgu::bench {

// A thread that ran or waited for a CPU for this share of the time is what the others waited for.
inline constexpr double kSaturated = 0.9;
// All threads together waited this much for CPUs, in shares of the round: as they hand packets on, one that waits stops the others.
inline constexpr double kStarved = 0.3;

// kCpu: a worker of an engine was saturated. kGenerator: else, the feeder or the drain. kCpu: else, they were starved of CPUs. kUnknown:
// none of that, so that the window held all of them back together, or the kernel does not tell.
[[nodiscard]] Limit limit_of(const RoundReport& round) noexcept;

struct LimitOfRow {
  Limit limit = Limit::kUnknown;  // of most rounds
  std::string note{};             // what a reader has to know besides; empty: nothing
};
// \pre not empty
[[nodiscard]] LimitOfRow limit_of(std::span<const RoundReport> rounds);

}  // namespace wgu::bench
