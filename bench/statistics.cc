// Medians rather than means: what disturbs a measurement only ever makes it slower, and by any amount.
#include "bench/statistics.h"

#include <algorithm>
#include <vector>

namespace wgu::bench {

double median(std::span<const double> samples) {
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

Spread spread(std::span<const double> samples) {
  const auto [least, greatest] = std::minmax_element(samples.begin(), samples.end());
  return {median(samples), *least, *greatest};
}

Spread ratio(std::span<const double> numerator, std::span<const double> denominator) {
  std::vector<double> quotients;
  for (std::size_t i = 0; i < std::min(numerator.size(), denominator.size()); ++i) quotients.push_back(numerator[i] / denominator[i]);
  return spread(quotients);
}

}  // namespace wgu::bench
