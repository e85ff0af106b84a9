// H. B. Mann, D. R. Whitney: On a test of whether one of two random variables is stochastically larger than the other (1947);
// J. L. Hodges, E. L. Lehmann: Estimates of location based on rank tests (1963); S. Holm: A simple sequentially rejective multiple
// test procedure (1979).
#include "bench/rank_sum.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>

#include "bench/statistics.h"

namespace wgu::bench {
namespace {

// P(Z >= z) of a standard normal Z.
double upper_tail(double z) { return std::erfc(z / std::numbers::sqrt2) / 2; }

// Sum of t^3 - t over the groups of t equal values among both samples.
double tie_term(std::span<const double> x, std::span<const double> y) {
  std::map<double, double> counts;
  for (const double value : x) ++counts[value];
  for (const double value : y) ++counts[value];
  double sum = 0;
  for (const auto& [value, count] : counts) sum += count * count * count - count;
  return sum;
}

double pairs_above(std::span<const double> x, std::span<const double> y) {
  double pairs = 0;
  for (const double a : x) {
    for (const double b : y) pairs += b > a ? 1.0 : b == a ? 0.5 : 0.0;
  }
  return pairs;
}

double variance(std::size_t n, std::size_t m, double ties) {
  const double all = static_cast<double>(n + m);
  return static_cast<double>(n * m) / 12 * (all + 1 - (all > 1 ? ties / (all * (all - 1)) : 0));
}

// How many of the sorted differences lie below the interval's lower end: the greatest k with P(U < k) <= (1 - confidence) / 2.
std::size_t differences_below(std::size_t n, std::size_t m, double confidence) {
  const double tail = (1 - confidence) / 2;
  if (n <= kMostForExact && m <= kMostForExact) {
    const std::vector<double> probabilities = rank_sum_distribution(n, m);
    std::size_t k = 0;
    for (double below = probabilities[0]; below <= tail; below += probabilities[k]) ++k;
    return k;
  }
  // Of the normal approximation, by bisection of its tail.
  double z = 0;
  for (double step = 8; step > 1e-9; step /= 2) {
    if (upper_tail(z + step) > tail) z += step;
  }
  const double k = static_cast<double>(n * m) / 2 - z * std::sqrt(variance(n, m, 0)) - 0.5;
  return k > 0 ? static_cast<std::size_t>(k) : 0;
}

}  // namespace

std::vector<double> rank_sum_distribution(std::size_t n, std::size_t m) {
  // The greatest of all values is an x with probability n / (n + m), and then lies above no y; or it is a y, above all n of x.
  std::vector<std::vector<double>> row(m + 1, std::vector<double>{1.0});  // row[j]: of i and j samples
  for (std::size_t i = 1; i <= n; ++i) {
    for (std::size_t j = 1; j <= m; ++j) {
      std::vector<double> probabilities(i * j + 1, 0.0);
      const double x_is_greatest = static_cast<double>(i) / static_cast<double>(i + j);
      for (std::size_t u = 0; u < row[j].size(); ++u) probabilities[u] += x_is_greatest * row[j][u];
      for (std::size_t u = 0; u < row[j - 1].size(); ++u) probabilities[u + i] += (1 - x_is_greatest) * row[j - 1][u];
      row[j] = std::move(probabilities);
    }
  }
  return row[m];
}

RankSum rank_sum(std::span<const double> x, std::span<const double> y) {
  RankSum result;
  result.u = pairs_above(x, y);
  const double ties = tie_term(x, y);
  result.is_exact = ties == 0 && x.size() <= kMostForExact && y.size() <= kMostForExact;
  if (result.is_exact) {
    const std::vector<double> probabilities = rank_sum_distribution(x.size(), y.size());
    const auto u = probabilities.begin() + static_cast<std::ptrdiff_t>(result.u);
    result.p_less = std::min(1.0, std::accumulate(probabilities.begin(), u + 1, 0.0));
    result.p_greater = std::min(1.0, std::accumulate(u, probabilities.end(), 0.0));
  } else if (const double spread = std::sqrt(variance(x.size(), y.size(), ties)); spread > 0) {
    constexpr double kContinuity = 0.5;
    const double above = result.u - static_cast<double>(x.size() * y.size()) / 2;
    result.p_greater = upper_tail((above - kContinuity) / spread);
    result.p_less = upper_tail((-above - kContinuity) / spread);
  }
  result.p = std::min(1.0, 2 * std::min(result.p_less, result.p_greater));
  return result;
}

Shift hodges_lehmann(std::span<const double> x, std::span<const double> y, double confidence) {
  std::vector<double> differences;
  differences.reserve(x.size() * y.size());
  for (const double a : x) {
    for (const double b : y) differences.push_back(b - a);
  }
  std::sort(differences.begin(), differences.end());
  const std::size_t below = differences_below(x.size(), y.size(), confidence);
  // d(k) to d(nm + 1 - k), counted from one; where not even the outermost is beyond the confidence, all of them.
  const std::size_t k = std::max<std::size_t>(below, 1);
  return {median(differences), differences[k - 1], differences[differences.size() - k]};
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double least = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    least = std::max(least, std::min(1.0, p[order[i]] * static_cast<double>(p.size() - i)));
    adjusted[order[i]] = least;
  }
  return adjusted;
}

}  // namespace wgu::bench
