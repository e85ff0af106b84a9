#include "bench/tunnel/rekey_losses.h"

#include <algorithm>

namespace wgu::bench {

RekeyLosses rekey_losses(const Intervals& sent, const Intervals& arrived, std::span<const std::int64_t> rekeys, std::int64_t distance) {
  RekeyLosses losses;
  for (std::size_t i = 0; i < Intervals::kMax; ++i) {
    if (sent.counts[i] == 0) continue;
    const auto lost = static_cast<double>(sent.counts[i] - std::min(arrived.counts[i], sent.counts[i]));
    const std::int64_t begin = sent.begin + static_cast<std::int64_t>(i) * sent.length;
    const bool is_near = std::any_of(rekeys.begin(), rekeys.end(), [&](std::int64_t rekey) {
      return begin < rekey + distance && begin + sent.length > rekey - distance;
    });
    (is_near ? losses.near : losses.elsewhere) += lost;
    losses.course.emplace_back(static_cast<double>(begin - sent.begin) / 1e9, lost / static_cast<double>(sent.counts[i]));
  }
  return losses;
}

}  // namespace wgu::bench
