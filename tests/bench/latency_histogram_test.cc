#include "bench/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace wgu::bench {
namespace {

// The definition of the nearest rank, on the samples themselves.
double exact_percentile(std::vector<std::int64_t> samples, double percent) {
  std::sort(samples.begin(), samples.end());
  const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(percent * static_cast<double>(samples.size()) / 100)));
  return static_cast<double>(samples[rank - 1]);
}

LatencyHistogram histogram_of(const std::vector<std::int64_t>& samples) {
  LatencyHistogram histogram;
  for (const std::int64_t sample : samples) histogram.add(sample);
  return histogram;
}

// Times from a nanosecond to seconds, the same number of each decade.
std::vector<std::int64_t> samples_of(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> decades(0, 9.5);
  std::vector<std::int64_t> samples(count);
  for (std::int64_t& sample : samples) sample = static_cast<std::int64_t>(std::pow(10, decades(random)));
  return samples;
}

TEST(LatencyHistogram, OfNothingIsZero) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.mean(), 0);
  EXPECT_EQ(histogram.percentile(50), 0);
}

TEST(LatencyHistogram, BucketsFollowEachOtherAndAreAtMostASixtyFourthWide) {
  for (std::size_t bucket = 0; bucket + 1 < LatencyHistogram::kBuckets; ++bucket) {
    const std::int64_t lower = LatencyHistogram::lower_bound(bucket), upper = LatencyHistogram::lower_bound(bucket + 1);
    ASSERT_LT(lower, upper);
    ASSERT_LE((upper - lower - 1) * 64, lower) << bucket;  // the greatest of a bucket is at most 1/64 above its least
    ASSERT_EQ(LatencyHistogram::bucket_of(lower), bucket);
    ASSERT_EQ(LatencyHistogram::bucket_of(upper - 1), bucket);
  }
  EXPECT_EQ(LatencyHistogram::lower_bound(64), 64);
  EXPECT_EQ(LatencyHistogram::lower_bound(128), 128);
  EXPECT_EQ(LatencyHistogram::lower_bound(129), 130);
  EXPECT_EQ(LatencyHistogram::bucket_of((std::int64_t{1} << 36) - 1), LatencyHistogram::kBuckets - 1);
}

TEST(LatencyHistogram, IsExactBelow128Nanoseconds) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.add(i);
  for (const int percent : {1, 50, 90, 99, 100}) EXPECT_EQ(histogram.percentile(percent), percent);
  EXPECT_EQ(histogram.percentile(0), 1);
  EXPECT_EQ(histogram.mean(), 50.5);
}

TEST(LatencyHistogram, PercentilesAreWithinOnePointSixPercentOfTheSortedSamples) {
  const auto samples = samples_of(50'000, 7);
  const LatencyHistogram histogram = histogram_of(samples);
  for (const double percent : {0.0, 0.1, 1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const double exact = exact_percentile(samples, percent);
    EXPECT_NEAR(histogram.percentile(percent), exact, exact * 0.016) << percent;
  }
  EXPECT_EQ(histogram.min(), *std::min_element(samples.begin(), samples.end()));
  EXPECT_EQ(histogram.max(), *std::max_element(samples.begin(), samples.end()));
}

// 99.9 % of 1000 is rank 999 although 99.9 has no exact binary form.
TEST(LatencyHistogram, RanksDoNotSufferFromBinaryFractions) {
  LatencyHistogram histogram;
  for (int i = 0; i < 999; ++i) histogram.add(10);
  histogram.add(1'000'000);
  EXPECT_EQ(histogram.percentile(99.9), 10);
  EXPECT_EQ(histogram.percentile(100), 1'000'000);
}

TEST(LatencyHistogram, MergingIsTheSameAsAddingAllToOne) {
  const auto left = samples_of(3000, 1), right = samples_of(5000, 2);
  std::vector<std::int64_t> both = left;
  both.insert(both.end(), right.begin(), right.end());
  LatencyHistogram merged = histogram_of(left);
  merged += histogram_of(right);
  merged += LatencyHistogram();
  const LatencyHistogram all = histogram_of(both);
  for (std::size_t bucket = 0; bucket < LatencyHistogram::kBuckets; ++bucket)
    ASSERT_EQ(merged.bucket_count(bucket), all.bucket_count(bucket));
  EXPECT_EQ(merged.count(), all.count());
  EXPECT_EQ(merged.mean(), all.mean());
  EXPECT_EQ(merged.min(), all.min());
  EXPECT_EQ(merged.max(), all.max());
}

TEST(LatencyHistogram, TakesWhatIsOutOfRange) {
  LatencyHistogram histogram;
  histogram.add(-5);
  EXPECT_EQ(histogram.min(), 0);
  constexpr std::int64_t kTwoMinutes = 120'000'000'000;
  histogram.add(kTwoMinutes);
  EXPECT_EQ(histogram.max(), kTwoMinutes);
  EXPECT_EQ(histogram.percentile(100), kTwoMinutes);  // not the last bucket's lower end
}

}  // namespace
}  // namespace wgu::bench
