#pragma once
// Which losses of a steady stream fall to its rekeys.

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "bench/traffic/intervals.h"

namespace wgu::bench {

struct RekeyLosses {
  double near = 0;                                  // packets, within `distance` of a rekey
  double elsewhere = 0;                             // packets
  std::vector<std::pair<double, double>> course{};  // seconds since the begin, share lost: one an interval in which something was sent
};

// Both by intended time, in intervals of one begin and length; an interval is near a rekey when any part of it is.
[[nodiscard]] RekeyLosses rekey_losses(const Intervals& sent, const Intervals& arrived, std::span<const std::int64_t> rekeys,
                                       std::int64_t distance);

}  // namespace wgu::bench
