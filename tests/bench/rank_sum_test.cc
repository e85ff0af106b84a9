#include "bench/rank_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace wgu::bench {
namespace {

using Samples = std::vector<double>;

// U of every way to choose which of n + m places are x's, counted one by one: the definition of the exact distribution.
std::vector<double> counted(std::size_t n, std::size_t m) {
  std::vector<double> counts(n * m + 1);
  std::vector<bool> is_x(n + m);
  std::fill_n(is_x.begin(), n, true);
  do {
    std::size_t u = 0, xs = 0;
    for (const bool x : is_x) x ? ++xs : u += xs;  // a y above the xs so far
    ++counts[u];
  } while (std::prev_permutation(is_x.begin(), is_x.end()));
  const double all = std::accumulate(counts.begin(), counts.end(), 0.0);
  for (double& count : counts) count /= all;
  return counts;
}

TEST(RankSumDistribution, IsThatOfAllOrders) {
  for (std::size_t n = 1; n <= 6; ++n) {
    for (std::size_t m = 1; m <= 6; ++m) {
      const std::vector<double> expected = counted(n, m);
      const std::vector<double> found = rank_sum_distribution(n, m);
      ASSERT_EQ(found.size(), expected.size());
      for (std::size_t u = 0; u < found.size(); ++u) EXPECT_NEAR(found[u], expected[u], 1e-14) << n << " " << m << " " << u;
    }
  }
}

TEST(RankSumDistribution, OfTwentyASideSumsToOne) {
  const std::vector<double> found = rank_sum_distribution(20, 20);
  EXPECT_NEAR(std::accumulate(found.begin(), found.end(), 0.0), 1, 1e-12);
  EXPECT_NEAR(found[0] * 137846528820.0, 1, 1e-9);  // 40 choose 20
  EXPECT_NEAR(found[0], found[400], 1e-24);
}

TEST(RankSum, MatchesTheExampleInScipysDocumentation) {
  // scipy.stats.mannwhitneyu: ages at diagnosis of males and females, U1 = 17, p = 0.1111 (exact), 0.11134688653314041 (asymptotic).
  const RankSum result = rank_sum(Samples{20, 11, 17, 12}, Samples{19, 22, 16, 29, 24});
  EXPECT_EQ(result.u, 17);
  EXPECT_TRUE(result.is_exact);
  EXPECT_NEAR(result.p, 2 * 7.0 / 126, 1e-14);  // 126 orders; 1, 1, 2 and 3 of them have a U of 20, 19, 18 and 17
  EXPECT_NEAR(result.p_greater, 7.0 / 126, 1e-14);
}

TEST(RankSum, OfFullSeparationIsOneOrderOfAll) {
  const Samples low = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  Samples high = low;
  for (double& value : high) value += 100;
  const RankSum up = rank_sum(low, high);
  EXPECT_EQ(up.u, 100);
  EXPECT_NEAR(up.p, 2.0 / 184756, 1e-16);  // 20 choose 10
  EXPECT_NEAR(up.p_less, 1, 1e-12);
  const RankSum down = rank_sum(high, low);
  EXPECT_EQ(down.u, 0);
  EXPECT_NEAR(down.p, up.p, 1e-18);
  EXPECT_NEAR(down.p_less, up.p_greater, 1e-18);
}

TEST(RankSum, TiesAreCorrectedForByHand) {
  // The y lie above 2, 3.5, 4 and 4 of the x: U = 13.5 of 16, mean 8. Ties of 3, 2 and 2: sum of t^3 - t = 24 + 6 + 6 = 36; variance
  // 16/12 (9 - 36/56) = 11.142857; z = (5.5 - 0.5)/3.338092 = 1.497862; P(Z >= z) = 0.067085.
  const RankSum result = rank_sum(Samples{1, 2, 2, 3}, Samples{2, 3, 4, 4});
  EXPECT_EQ(result.u, 13.5);
  EXPECT_FALSE(result.is_exact);
  EXPECT_NEAR(result.p_greater, 0.067085, 2e-6);
  EXPECT_NEAR(result.p, 0.134170, 4e-6);
  EXPECT_NEAR(result.p_less, 0.963867, 2e-6);  // z = (-5.5 - 0.5)/3.338092 = -1.797434
}

TEST(RankSum, OfEqualSamplesSaysNothing) {
  const RankSum result = rank_sum(Samples(10, 3.0), Samples(12, 3.0));
  EXPECT_EQ(result.u, 60);
  EXPECT_EQ(result.p, 1);
}

TEST(RankSum, NormalAndExactAgreeWhereTheyMeet) {
  // 21 a side is beyond the exact; the same shape with 20 is not.
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  Samples x, y;
  for (int i = 0; i < 20; ++i) x.push_back(normal(random)), y.push_back(normal(random) + 0.8);
  const RankSum exact = rank_sum(x, y);
  Samples tied_x = x, tied_y = y;
  tied_x.push_back(100), tied_y.push_back(-100);
  tied_x.push_back(-100), tied_y.push_back(100);
  const RankSum approximate = rank_sum(tied_x, tied_y);
  EXPECT_TRUE(exact.is_exact);
  EXPECT_FALSE(approximate.is_exact);
  const double spread = std::sqrt(20.0 * 20 * 41 / 12);
  EXPECT_NEAR(exact.p, std::erfc((std::abs(exact.u - 200) - 0.5) / spread / std::sqrt(2)), 0.1 * exact.p + 0.002);
}

TEST(RankSum, RejectsEqualDistributionsAsOftenAsItSays) {
  std::mt19937_64 random(1);
  std::exponential_distribution<double> skewed;
  int rejected = 0;
  constexpr int kTrials = 4000;
  for (int trial = 0; trial < kTrials; ++trial) {
    Samples x, y;
    for (int i = 0; i < 11; ++i) x.push_back(skewed(random)), y.push_back(skewed(random));
    rejected += rank_sum(x, y).p <= 0.05 ? 1 : 0;
  }
  // Discrete: a little less than 5 %. Three standard deviations are 1 %.
  EXPECT_GT(rejected, kTrials * 0.035);
  EXPECT_LT(rejected, kTrials * 0.06);
}

TEST(HodgesLehmann, IsTheMedianOfAllDifferences) {
  // Differences of {1, 2, 10} and {4, 6}: 3 2 -6 5 4 -4; their median (2 + 3) / 2.
  EXPECT_EQ(hodges_lehmann(Samples{1, 2, 10}, Samples{4, 6}, 0.5).estimate, 2.5);
  EXPECT_EQ(hodges_lehmann(Samples{5}, Samples{7}, 0.95).estimate, 2);
}

TEST(HodgesLehmann, IntervalEndsAtTheTabulatedDifferences) {
  // The tables' critical value of U for 10 and 10 at 5 % two-sided is 23: the interval runs from the 24th least to the 24th greatest
  // difference. x all zero makes the differences y, ten times each.
  const Samples x(10, 0.0);
  const Samples y = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const Shift shift = hodges_lehmann(x, y, 0.95);
  EXPECT_EQ(shift.low, 3);  // 1 ten times, 2 ten times, 3
  EXPECT_EQ(shift.high, 8);
  EXPECT_EQ(shift.estimate, 5.5);
  // For 5 and 5 it is 2: from the 3rd difference on.
  const Shift few = hodges_lehmann(Samples{0, 0.1, 0.2, 0.3, 0.4}, Samples{1, 2, 3, 4, 5}, 0.95);
  EXPECT_NEAR(few.low, 0.8, 1e-12);   // 0.6 0.7 0.8
  EXPECT_NEAR(few.high, 4.8, 1e-12);  // 5.0 4.9 4.8
}

TEST(HodgesLehmann, OfTooFewSamplesIsAllDifferences) {
  const Shift shift = hodges_lehmann(Samples{1, 2}, Samples{4, 8}, 0.95);
  EXPECT_EQ(shift.low, 2);
  EXPECT_EQ(shift.high, 7);
}

TEST(HodgesLehmann, IntervalHoldsTheTruthAsOftenAsItSays) {
  std::mt19937_64 random(2);
  std::exponential_distribution<double> skewed;
  for (const std::size_t n : {11U, 30U}) {  // exact, approximate
    int held = 0;
    constexpr int kTrials = 1000;
    for (int trial = 0; trial < kTrials; ++trial) {
      Samples x, y;
      for (std::size_t i = 0; i < n; ++i) x.push_back(skewed(random)), y.push_back(skewed(random) + 0.5);
      const Shift shift = hodges_lehmann(x, y, 0.95);
      held += shift.low <= 0.5 && 0.5 <= shift.high ? 1 : 0;
    }
    EXPECT_GT(held, kTrials * 0.93) << n;
    EXPECT_LT(held, kTrials * 0.985) << n;
  }
}

TEST(Holm, IsTheStepDownByHand) {
  // Sorted 0.005 0.01 0.03 0.04: times 4, 3, 2, 1 = 0.02 0.03 0.06 0.04, of which the last may not fall below 0.06.
  const std::vector<double> adjusted = holm(Samples{0.01, 0.04, 0.03, 0.005});
  const Samples expected = {0.03, 0.06, 0.06, 0.02};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(adjusted[i], expected[i], 1e-15);
}

TEST(Holm, IsAtMostOneAndOfNothingNothing) {
  EXPECT_EQ(holm(Samples{0.9, 0.8}), (Samples{1, 1}));
  EXPECT_TRUE(holm(Samples{}).empty());
  EXPECT_EQ(holm(Samples{0.2}), Samples{0.2});
}

}  // namespace
}  // namespace wgu::bench
