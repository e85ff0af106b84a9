#pragma once
// What a handful of samples says.

#include <span>

namespace wgu::bench {

struct Spread {
  double median = 0;
  double min = 0;
  double max = 0;
  friend bool operator==(const Spread&, const Spread&) = default;
};

// Of an even count the mean of the two in the middle. \pre not empty
[[nodiscard]] double median(std::span<const double> samples);
[[nodiscard]] Spread spread(std::span<const double> samples);

// numerator[i] / denominator[i], over as many samples as both have. \pre neither is empty, no denominator is zero
[[nodiscard]] Spread ratio(std::span<const double> numerator, std::span<const double> denominator);

}  // namespace wgu::bench
