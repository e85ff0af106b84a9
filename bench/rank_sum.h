#pragma once
// Are two samples from the same distribution, and if one is shifted, by how much? By ranks alone: no sample is assumed to be normal, and
// an outlier counts as one sample, however far out it lies.

#include <span>
#include <vector>

namespace wgu::bench {

// The Mann-Whitney U test (Wilcoxon's rank-sum test). `u` counts the pairs (x, y) in which y is the greater, ties by half.
struct RankSum {
  double u = 0;
  double p_greater = 1;   // one-sided: of a u at least this large if both were from one distribution
  double p_less = 1;      // one-sided: of a u at most this large
  double p = 1;           // two-sided: twice the lesser, at most 1
  bool is_exact = false;  // else the normal approximation, corrected for ties and continuity
};

inline constexpr std::size_t kMostForExact = 20;  // samples a side; with ties never exact

// \pre neither is empty
[[nodiscard]] RankSum rank_sum(std::span<const double> x, std::span<const double> y);

// Probability of each u from 0 to n * m, without ties, if both samples are from one distribution.
[[nodiscard]] std::vector<double> rank_sum_distribution(std::size_t n, std::size_t m);

// By how much y lies above x: the Hodges-Lehmann estimate, which is the median of all differences y - x, and the interval of those shifts
// that the two-sided test would not reject.
struct Shift {
  double estimate = 0;
  double low = 0;
  double high = 0;
};
// \param confidence  e.g. 0.95; samples too few for it give all differences, least to greatest
// \pre neither is empty
[[nodiscard]] Shift hodges_lehmann(std::span<const double> x, std::span<const double> y, double confidence);

// Holm's adjustment: rejecting where the adjusted p is at most alpha rejects any true hypothesis with probability alpha at most, whatever
// the dependence between them. In the order of `p`.
[[nodiscard]] std::vector<double> holm(std::span<const double> p);

}  // namespace wgu::bench
