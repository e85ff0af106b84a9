#include "wgu/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace wgu {
namespace {

constexpr std::uint64_t kGreatest = std::uint64_t{1} << 40;  // 2^40 ns: 18 minutes
constexpr double kPercents[] = {0, 0.1, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100};

// The naive model: every value, kept.
struct Values {
  std::vector<std::uint64_t> all;

  [[nodiscard]] double percentile(double percent) const {  // the definition of the nearest rank
    std::vector<std::uint64_t> sorted = all;
    std::sort(sorted.begin(), sorted.end());
    const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(percent * static_cast<double>(sorted.size()) / 100)));
    return static_cast<double>(sorted[rank - 1]);
  }
  [[nodiscard]] Histogram histogram() const {
    Histogram histogram;
    for (const std::uint64_t value : all) histogram.record(value);
    return histogram;
  }
};

// From one to 2^40, the same number of each octave.
Values random_values(std::size_t count, std::uint32_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> exponent(0, 40);
  Values values;
  for (std::size_t i = 0; i < count; ++i) values.all.push_back(static_cast<std::uint64_t>(std::exp2(exponent(random))));
  return values;
}

Values operator+(Values left, const Values& right) {
  left.all.insert(left.all.end(), right.all.begin(), right.all.end());
  return left;
}

TEST(Histogram, OfNothingIsZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.sum(), 0U);
  EXPECT_EQ(histogram.min(), 0U);
  EXPECT_EQ(histogram.max(), 0U);
  EXPECT_EQ(histogram.mean(), 0);
  EXPECT_EQ(histogram.count_up_to(kGreatest), 0U);
  for (const double percent : kPercents) EXPECT_EQ(histogram.percentile(percent), 0);
}

TEST(Histogram, BucketsFollowEachOtherWithoutAGap) {
  EXPECT_EQ(Histogram::bucket_of(0), 0U);
  EXPECT_EQ(Histogram::upper_bound(0), 0U);
  for (std::size_t bucket = 1; bucket < Histogram::kBuckets; ++bucket) {
    const std::uint64_t lower = Histogram::upper_bound(bucket - 1), upper = Histogram::upper_bound(bucket);
    ASSERT_LT(lower, upper) << bucket;
    ASSERT_EQ(Histogram::bucket_of(lower + 1), bucket);
    ASSERT_EQ(Histogram::bucket_of(upper), bucket);
  }
  EXPECT_EQ(Histogram::upper_bound(Histogram::kBuckets - 1), kGreatest);
}

// The bound that the type promises, from its definition: the middle of a bucket is at most 1/64 of any of its values away.
TEST(Histogram, TheMiddleOfABucketIsWithinASixtyFourthOfItsValues) {
  for (std::size_t bucket = 1; bucket < Histogram::kBuckets; ++bucket) {
    const double least = static_cast<double>(Histogram::upper_bound(bucket - 1) + 1),
                 greatest = static_cast<double>(Histogram::upper_bound(bucket));
    const double middle = (least + greatest) / 2;
    ASSERT_LE(middle - least, least / 64) << bucket;
    ASSERT_LE(greatest - middle, greatest / 64) << bucket;
  }
}

TEST(Histogram, IsExactUpToSixtyFour) {
  Histogram histogram;
  for (std::uint64_t value = 0; value <= 64; ++value) {
    ASSERT_EQ(Histogram::bucket_of(value), value);
    histogram.record(value);
  }
  for (std::uint64_t value = 0; value <= 64; ++value) EXPECT_EQ(histogram.count_up_to(value), value + 1);
  EXPECT_EQ(histogram.percentile(50), 32);
  EXPECT_EQ(histogram.mean(), 32);
}

TEST(Histogram, PowersOfTwoAreUpperBounds) {
  Histogram histogram;
  for (unsigned exponent = 0; exponent < 40; ++exponent) {
    const std::uint64_t power = std::uint64_t{1} << exponent;
    EXPECT_EQ(Histogram::upper_bound(Histogram::bucket_of(power)), power);
    EXPECT_NE(Histogram::bucket_of(power), Histogram::bucket_of(power + 1));
    histogram.record(power);
    histogram.record(power + 1);
  }
  for (unsigned exponent = 1; exponent < 40; ++exponent) {
    // 1, 2, then of each exponent the power and the one above it, of the last only the power; 2 is recorded twice
    EXPECT_EQ(histogram.count_up_to(std::uint64_t{1} << exponent), 2 * exponent + 1) << exponent;
  }
}

TEST(Histogram, PercentilesAreWithinOnePointSixPercentOfTheValuesThemselves) {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    const Values values = random_values(20'000, seed);
    const Histogram histogram = values.histogram();
    for (const double percent : kPercents) {
      const double exact = values.percentile(percent);
      EXPECT_NEAR(histogram.percentile(percent), exact, exact / 64) << "seed " << seed << ", " << percent;
    }
    EXPECT_EQ(histogram.count(), values.all.size());
    EXPECT_EQ(histogram.min(), *std::min_element(values.all.begin(), values.all.end()));
    EXPECT_EQ(histogram.max(), *std::max_element(values.all.begin(), values.all.end()));
    std::uint64_t sum = 0;
    for (const std::uint64_t value : values.all) sum += value;
    EXPECT_EQ(histogram.sum(), sum);
    EXPECT_DOUBLE_EQ(histogram.mean(), static_cast<double>(sum) / 20'000);
  }
}

TEST(Histogram, OneValueIsAllItsPercentiles) {
  Histogram histogram;
  histogram.record(1'000'003, 7);
  for (const double percent : kPercents) EXPECT_EQ(histogram.percentile(percent), 1'000'003);
}

// 99.9 % of 1000 is rank 999 although 99.9 has no exact binary form.
TEST(Histogram, RanksDoNotSufferFromBinaryFractions) {
  Histogram histogram;
  histogram.record(10, 999);
  histogram.record(1'000'000);
  EXPECT_EQ(histogram.percentile(99.9), 10);
  EXPECT_EQ(histogram.percentile(100), 1'000'000);
}

TEST(Histogram, AWeightIsAsManyRecords) {
  const Values values = random_values(100, 3);
  Histogram one_by_one, weighted;
  for (const std::uint64_t value : values.all) {
    for (int i = 0; i < 13; ++i) one_by_one.record(value);
    weighted.record(value, 13);
  }
  EXPECT_EQ(weighted, one_by_one);
  weighted.record(77, 0);
  EXPECT_EQ(weighted, one_by_one);
}

TEST(Histogram, MergingIsTheSameAsRecordingAllInOne) {
  const Values left = random_values(3000, 1), right = random_values(5000, 2);
  Histogram merged = left.histogram();
  merged += right.histogram();
  merged += Histogram();
  EXPECT_EQ(merged, (left + right).histogram());
}

TEST(Histogram, IsRestoredFromItsExportedBuckets) {
  Histogram values = random_values(5000, 9).histogram();
  values.record(std::uint64_t{1} << 45);
  std::vector<Histogram::Bucket> buckets;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    if (values.bucket_count(i) > 0) buckets.push_back({Histogram::upper_bound(i), values.bucket_count(i)});
  }
  EXPECT_EQ(Histogram::restored(buckets, values.sum(), values.min(), values.max()), values);
  EXPECT_EQ(Histogram::restored({}, 0, 0, 0), Histogram());
}

TEST(Histogram, AWindowIsWhatWasRecordedInIt) {
  const Values before = random_values(4000, 5), within = random_values(6000, 6);
  const Histogram earlier = before.histogram();
  const Histogram window = (before + within).histogram() - earlier;
  const Histogram exact = within.histogram();
  EXPECT_EQ(window.count(), exact.count());
  EXPECT_EQ(window.sum(), exact.sum());
  for (std::size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) ASSERT_EQ(window.bucket_count(bucket), exact.bucket_count(bucket));
  for (const double percent : kPercents)
    EXPECT_NEAR(window.percentile(percent), within.percentile(percent), within.percentile(percent) / 64);
}

TEST(Histogram, ExtremesOfAWindowAreExactWhereItMovedThemAndElseBoundsOfBuckets) {
  Histogram histogram;
  histogram.record(1000);
  histogram.record(100'000);
  const Histogram earlier = histogram;
  EXPECT_EQ((histogram - earlier), Histogram());

  histogram.record(5001);
  Histogram window = histogram - earlier;
  EXPECT_EQ(Histogram::bucket_of(window.min()), Histogram::bucket_of(5001));
  EXPECT_EQ(Histogram::bucket_of(window.max()), Histogram::bucket_of(5001));
  EXPECT_LE(window.min(), 5001U);
  EXPECT_GE(window.max(), 5001U);

  histogram.record(999);
  histogram.record(200'003);
  window = histogram - earlier;
  EXPECT_EQ(window.min(), 999U);
  EXPECT_EQ(window.max(), 200'003U);
}

TEST(Histogram, WhatIsGreaterThanTheLastBoundCountsInTheLastBucket) {
  Histogram histogram;
  const std::uint64_t day = 86'400'000'000'000;
  histogram.record(day);
  EXPECT_EQ(histogram.bucket_count(Histogram::kBuckets - 1), 1U);
  EXPECT_EQ(histogram.max(), day);
  EXPECT_EQ(histogram.percentile(100), static_cast<double>(day));  // not the bucket's bound
  EXPECT_EQ(histogram.count_up_to(kGreatest), 0U);
  EXPECT_EQ(histogram.count_up_to(day), 1U);
  const Histogram earlier = histogram;
  histogram.record(day - 1);
  EXPECT_EQ((histogram - earlier).max(), day);  // the window did not move it: a bound
  histogram.record(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(histogram.bucket_count(Histogram::kBuckets - 1), 3U);
}

}  // namespace
}  // namespace wgu
