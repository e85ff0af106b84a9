#include "bench/compare/change_point.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace wgu::bench {
namespace {

using Series = std::vector<double>;

TEST(FindChangePoint, IsWhereAStepIs) {
  const ChangePoint found = find_change_point(Series{5, 5.1, 4.9, 5.05, 7, 7.1, 6.9});
  EXPECT_EQ(found.first_after, 4U);
  EXPECT_EQ(found.statistic, 12);  // all 4 * 3 pairs rise
}

TEST(FindChangePoint, CountsPairsAcrossTheCutByHand) {
  // 1 3 2 4: cut after 1: 3 rise; after 3: 1<2 1<4 3>2 3<4, 3 - 1 = 2; after 2: 3 rise.
  EXPECT_EQ(find_change_point(Series{1, 3, 2, 4}).statistic, 3);
  EXPECT_EQ(find_change_point(Series{2, 1}).statistic, 1);
  // Ties count neither way: 1 1 2 after the second: two rise.
  EXPECT_EQ(find_change_point(Series{1, 1, 2}).statistic, 2);
}

TEST(FindChangePoint, IsWhereTheLeastDeviationsRemain) {
  // The last of the old level is the greatest of it: by ranks it might belong to either side.
  EXPECT_EQ(find_change_point(Series{1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07, 2.03, 2.02, 2.01}).first_after, 7U);
}

TEST(FindChangePoint, OfALevelIsNone) { EXPECT_EQ(find_change_point(Series(9, 4.0)).statistic, 0); }

TEST(ChangePointChance, IsThatOfAllOrders) {
  // All 720 orders of six values, counted.
  Series order = {1, 2, 3, 4, 5, 6};
  std::vector<double> statistics;
  do {
    statistics.push_back(find_change_point(order).statistic);
  } while (std::next_permutation(order.begin(), order.end()));
  const ChangePointChance chance(6);
  for (const double statistic : {3.0, 5.0, 7.0, 9.0}) {
    const auto at_least = std::count_if(statistics.begin(), statistics.end(), [&](double each) { return each >= statistic; });
    EXPECT_NEAR(chance.p(statistic), static_cast<double>(at_least) / 720, 0.005) << statistic;
  }
  EXPECT_EQ(chance.p(0), 1);
  EXPECT_GT(chance.p(1000), 0);
}

TEST(ChangePointChance, IsTheSameForTheSameSeed) { EXPECT_EQ(ChangePointChance(12, 5).p(20), ChangePointChance(12, 5).p(20)); }

TEST(ChangePoint, FalseWarningsAreAsRareAsTheySay) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal;
  const ChangePointChance chance(20);
  int warned = 0, found = 0;
  constexpr int kTrials = 1000;
  for (int trial = 0; trial < kTrials; ++trial) {
    Series level, step;
    for (int i = 0; i < 20; ++i) {
      level.push_back(normal(random));
      step.push_back(normal(random) + (i < 13 ? 0 : 3));
    }
    warned += chance.p(find_change_point(level).statistic) <= 0.05 ? 1 : 0;
    const ChangePoint change = find_change_point(step);
    found += chance.p(change.statistic) <= 0.05 && change.first_after >= 12 && change.first_after <= 14 ? 1 : 0;
  }
  EXPECT_LE(warned, kTrials * 0.07);
  EXPECT_GE(warned, kTrials * 0.02);
  EXPECT_GE(found, kTrials * 0.9);
}

}  // namespace
}  // namespace wgu::bench
