// With ranks r from 1 to n, ties sharing theirs, the cut after t values has |2 (r1 + ... + rt) - t (n + 1)|: Pettitt's U by ranks.
#include "bench/compare/change_point.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "bench/statistics.h"

namespace wgu::bench {
namespace {

constexpr std::size_t kOrders = 100'000;

double greatest_statistic(std::span<const double> ranks) {
  double greatest = 0;
  double sum = 0;
  for (std::size_t t = 1; t < ranks.size(); ++t) {
    sum += ranks[t - 1];
    greatest = std::max(greatest, std::abs(2 * sum - static_cast<double>(t) * static_cast<double>(ranks.size() + 1)));
  }
  return greatest;
}

double deviations(std::span<const double> side) {
  const double middle = median(side);
  return std::accumulate(side.begin(), side.end(), 0.0, [&](double sum, double value) { return sum + std::abs(value - middle); });
}

std::size_t best_cut(std::span<const double> series) {
  std::size_t best = 1;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t t = 1; t < series.size(); ++t) {
    const double here = deviations(series.first(t)) + deviations(series.subspan(t));
    if (here < least) {
      least = here;
      best = t;
    }
  }
  return best;
}

}  // namespace

ChangePoint find_change_point(std::span<const double> series) {
  std::vector<double> ranks;
  for (const double each : series) {
    double rank = 0.5;
    for (const double other : series) rank += other < each ? 1.0 : other == each ? 0.5 : 0.0;
    ranks.push_back(rank);
  }
  return {best_cut(series), greatest_statistic(ranks)};
}

ChangePointChance::ChangePointChance(std::size_t length, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> ranks(length);
  std::iota(ranks.begin(), ranks.end(), 1.0);
  statistics_.reserve(kOrders);
  for (std::size_t i = 0; i < kOrders; ++i) {
    std::shuffle(ranks.begin(), ranks.end(), random);
    statistics_.push_back(greatest_statistic(ranks));
  }
  std::sort(statistics_.begin(), statistics_.end());
}

double ChangePointChance::p(double statistic) const {
  const auto at_least = statistics_.end() - std::lower_bound(statistics_.begin(), statistics_.end(), statistic);
  return static_cast<double>(at_least + 1) / static_cast<double>(statistics_.size() + 1);
}

}  // namespace wgu::bench
