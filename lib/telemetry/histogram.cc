// A value's bucket is its exponent and the five bits after the first; a percentile is found by adding up buckets from below. Windows
// are differences: nothing is ever reset, so any number of readers have windows of their own.
#include "wgu/histogram.h"

#include <cmath>
#include <type_traits>

namespace wgu {

static_assert(std::is_trivially_copyable_v<Histogram>);
static_assert(Histogram::bucket_of(std::uint64_t{1} << Histogram::kValueBits) == Histogram::kBuckets - 1);
static_assert(Histogram::upper_bound(Histogram::kBuckets - 1) == std::uint64_t{1} << Histogram::kValueBits);

Histogram Histogram::restored(std::span<const Bucket> buckets, std::uint64_t sum, std::uint64_t min, std::uint64_t max) noexcept {
  Histogram histogram;
  for (const auto& [bound, count] : buckets) histogram.record(bound, count);
  if (histogram.count_ == 0) return {};
  histogram.sum_ = sum;
  histogram.min_ = min;
  histogram.max_ = max;
  return histogram;
}

void Histogram::record(std::uint64_t value, std::uint64_t times) noexcept {
  if (times == 0) return;
  buckets_[bucket_of(value)] += times;
  count_ += times;
  sum_ += value * times;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

Histogram& Histogram::operator+=(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  return *this;
}

Histogram Histogram::since(const Histogram& earlier) const noexcept {
  Histogram window;
  std::size_t least = kBuckets;
  std::size_t greatest = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    window.buckets_[i] = buckets_[i] - earlier.buckets_[i];
    if (window.buckets_[i] == 0) continue;
    least = std::min(least, i);
    greatest = i;
  }
  window.count_ = count_ - earlier.count_;
  window.sum_ = sum_ - earlier.sum_;
  if (window.count_ == 0) return window;
  const std::uint64_t lower = least == 0 ? 0 : upper_bound(least - 1) + 1;
  const bool is_open_ended = greatest == kBuckets - 1;
  window.min_ = min_ != earlier.min_ ? min_ : std::max(lower, min_);
  window.max_ = max_ != earlier.max_ || is_open_ended ? max_ : std::min(upper_bound(greatest), max_);
  return window;
}

double Histogram::percentile(double percent) const noexcept {
  if (count_ == 0) return 0;
  // The factor undoes the rounding of percent/100, which must not push a rank such as 99.9 % of 1000 up by one.
  const double exact = percent / 100 * static_cast<double>(count_) * (1 - 1e-12);
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(exact)));
  std::size_t bucket = 0;
  for (std::uint64_t below = buckets_[0]; below < rank && bucket + 1 < kBuckets; below += buckets_[bucket]) ++bucket;
  if (bucket + 1 == kBuckets) return static_cast<double>(max_);  // it has no upper end
  const double lower = bucket == 0 ? 0 : static_cast<double>(upper_bound(bucket - 1) + 1);
  const double middle = (lower + static_cast<double>(upper_bound(bucket))) / 2;
  return std::clamp(middle, static_cast<double>(min_), static_cast<double>(max_));
}

std::uint64_t Histogram::count_up_to(std::uint64_t bound) const noexcept {
  std::uint64_t total = 0;
  for (std::size_t bucket = 0; bucket + 1 < kBuckets && upper_bound(bucket) <= bound; ++bucket) total += buckets_[bucket];
  return total + (bound >= max_ ? buckets_[kBuckets - 1] : 0);
}

}  // namespace wgu
