#include "bench/statistics.h"

#include <gtest/gtest.h>

#include <vector>

namespace wgu::bench {
namespace {

TEST(Statistics, MedianIsTheMiddleSampleWhateverTheOrder) {
  EXPECT_EQ(median(std::vector{7.0}), 7.0);
  EXPECT_EQ(median(std::vector{9.0, 1.0, 5.0}), 5.0);
  EXPECT_EQ(median(std::vector{4.0, 1.0, 3.0, 100.0, 2.0}), 3.0);
}

TEST(Statistics, MedianOfAnEvenCountIsTheMeanOfTheTwoInTheMiddle) {
  EXPECT_EQ(median(std::vector{2.0, 1.0}), 1.5);
  EXPECT_EQ(median(std::vector{10.0, 1.0, 4.0, 2.0}), 3.0);
}

TEST(Statistics, SpreadHasTheExtremes) {
  EXPECT_EQ(spread(std::vector{3.0, 8.0, 5.0}), (Spread{5, 3, 8}));
  EXPECT_EQ(spread(std::vector{2.0}), (Spread{2, 2, 2}));
}

TEST(Statistics, RatioIsTakenRepetitionByRepetition) {
  // Quotients 5, 3, 4; the ratio of the medians would be 60 / 15 = 4 as well, that of the extremes 100 / 10 = 10.
  EXPECT_EQ(ratio(std::vector{100.0, 30.0, 60.0}, std::vector{20.0, 10.0, 15.0}), (Spread{4, 3, 5}));
  // Quotients 1, 10, 2: here the ratio of the medians, 20 / 10, is not the greatest and not the least.
  EXPECT_EQ(ratio(std::vector{10.0, 100.0, 20.0}, std::vector{10.0, 10.0, 10.0}), (Spread{2, 1, 10}));
}

TEST(Statistics, RatioUsesAsManySamplesAsBothHave) {
  EXPECT_EQ(ratio(std::vector{10.0, 20.0, 90.0}, std::vector{10.0, 5.0}), (Spread{2.5, 1, 4}));
  EXPECT_EQ(ratio(std::vector{10.0}, std::vector{5.0, 1.0}), (Spread{2, 2, 2}));
}

}  // namespace
}  // namespace wgu::bench
