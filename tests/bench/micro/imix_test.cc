#include "bench/micro/imix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace wgu::bench {
namespace {

std::map<std::uint32_t, std::size_t> histogram(const std::vector<std::uint32_t>& lengths) {
  std::map<std::uint32_t, std::size_t> counts;
  for (const std::uint32_t length : lengths) ++counts[length];
  return counts;
}

using Histogram = std::map<std::uint32_t, std::size_t>;

// 40 is padded to 48; 576 is a multiple of 16; 1500 is cut to the MTU, which padding does not pass.
TEST(Imix, IsSevenToFourToOneOfPaddedLengths) {
  EXPECT_EQ(histogram(imix_lengths(12, 1)), (Histogram{{48, 7}, {576, 4}, {1420, 1}}));
  EXPECT_EQ(histogram(imix_lengths(120, 1)), (Histogram{{48, 70}, {576, 40}, {1420, 10}}));
}

// 64 * 7/12 = 37 1/3, 64 * 4/12 = 21 1/3, 64 / 12 = 5 1/3: equal remainders, the first gets the one that is left.
// 5 * 7/12 = 2 11/12, 5 * 4/12 = 1 8/12, 5/12: the two greatest remainders get the two that are left.
TEST(Imix, GivesWhatIsLeftToTheLargestRemainders) {
  EXPECT_EQ(histogram(imix_lengths(64, 1)), (Histogram{{48, 38}, {576, 21}, {1420, 5}}));
  EXPECT_EQ(histogram(imix_lengths(5, 1)), (Histogram{{48, 3}, {576, 2}}));
  EXPECT_EQ(histogram(imix_lengths(1, 1)), (Histogram{{48, 1}}));
  EXPECT_TRUE(imix_lengths(0, 1).empty());
}

TEST(Imix, IsMixedTheSameWayForTheSameSeed) {
  const auto lengths = imix_lengths(64, 1);
  EXPECT_EQ(lengths, imix_lengths(64, 1));
  EXPECT_NE(lengths, imix_lengths(64, 2));
  EXPECT_FALSE(std::is_sorted(lengths.begin(), lengths.end()));
}

}  // namespace
}  // namespace wgu::bench
