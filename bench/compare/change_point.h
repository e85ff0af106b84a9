#pragma once
// Did a series change its level somewhere? Whether it did says A. N. Pettitt's test (A non-parametric approach to the change-point problem,
// 1979): of all ways to cut the series in two, the one after which values differ most in rank from those before; how large that is by
// chance follows from random orders of as many values, drawn with a fixed seed. Where it did says the cut that leaves the least absolute
// deviations from the medians of its sides: ranks alone lean to the middle.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wgu::bench {

struct ChangePoint {
  std::size_t first_after = 0;  // the index of the first value of the new level
  double statistic = 0;         // max over cuts of |pairs that rise - pairs that fall| across the cut
};

// \pre at least two values
[[nodiscard]] ChangePoint find_change_point(std::span<const double> series);

// How probable a statistic at least so large is in `length` values of one level.
class ChangePointChance {
 public:
  explicit ChangePointChance(std::size_t length, std::uint64_t seed = 1);
  [[nodiscard]] double p(double statistic) const;  // never zero: at least one of all orders drawn, and this one

 private:
  std::vector<double> statistics_;  // of random orders, ascending
};

}  // namespace wgu::bench
