// A value's bucket is its leading seven bits: the exponent chooses the octave, the six bits after the first choose the bucket in it.
#include "bench/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

namespace wgu::bench {

static_assert(std::is_trivially_copyable_v<LatencyHistogram>);

std::size_t LatencyHistogram::bucket_of(std::int64_t nanoseconds) noexcept {
  constexpr std::int64_t kLast = (std::int64_t{1} << kValueBits) - 1;
  const auto value = static_cast<std::uint64_t>(std::clamp<std::int64_t>(nanoseconds, 0, kLast));
  if (value < (1U << kBucketBits)) return value;
  const unsigned octave = static_cast<unsigned>(std::bit_width(value)) - (kBucketBits + 1);
  return (std::size_t{octave} << kBucketBits) + (value >> octave);
}

std::int64_t LatencyHistogram::lower_bound(std::size_t bucket) noexcept {
  constexpr std::size_t kOctave = 1U << kBucketBits;
  if (bucket < 2 * kOctave) return static_cast<std::int64_t>(bucket);
  return static_cast<std::int64_t>(kOctave + bucket % kOctave) << (bucket / kOctave - 1);
}

void LatencyHistogram::add(std::int64_t nanoseconds) noexcept {
  const std::int64_t value = std::max<std::int64_t>(nanoseconds, 0);
  ++buckets_[bucket_of(value)];
  ++count_;
  sum_ += static_cast<std::uint64_t>(value);
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

LatencyHistogram& LatencyHistogram::operator+=(const LatencyHistogram& other) noexcept {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  return *this;
}

double LatencyHistogram::percentile(double percent) const noexcept {
  if (count_ == 0) return 0;
  // The factor undoes the rounding of percent/100, which must not push a rank such as 99.9 % of 1000 up by one.
  const double exact = percent / 100 * static_cast<double>(count_) * (1 - 1e-12);
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(exact)));
  std::size_t bucket = 0;
  for (std::uint64_t below = buckets_[0]; below < rank && bucket + 1 < kBuckets; below += buckets_[bucket]) ++bucket;
  if (bucket + 1 == kBuckets) return static_cast<double>(max_);  // it has no upper end
  const double middle = static_cast<double>(lower_bound(bucket) + lower_bound(bucket + 1) - 1) / 2;
  return std::clamp(middle, static_cast<double>(min_), static_cast<double>(max_));
}

}  // namespace wgu::bench
