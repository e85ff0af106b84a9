#pragma once
// Durations in nanoseconds, counted in log-linear buckets: exact below 64 ns, then 64 buckets an octave, so that a bucket is at most
// 1/64 (1.6 %) of its values wide. Of fixed size and trivially copyable: it crosses a pipe as bytes, and two merge exactly.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace wgu::bench {

class LatencyHistogram {
 public:
  static constexpr unsigned kBucketBits = 6;  // 64 buckets an octave
  static constexpr unsigned kValueBits = 36;  // 68.7 s; what is longer counts in the last bucket, and max() still says how long
  static constexpr std::size_t kBuckets = (kValueBits - kBucketBits + 1) << kBucketBits;

  // Negative counts as 0.
  void add(std::int64_t nanoseconds) noexcept;
  LatencyHistogram& operator+=(const LatencyHistogram& other) noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  // Exact; 0 of none.
  [[nodiscard]] std::int64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::int64_t max() const noexcept { return max_; }
  [[nodiscard]] double mean() const noexcept { return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_); }
  // By nearest rank: the smallest value that at least `percent` of all do not exceed, as the middle of its bucket, never outside
  // [min, max]. 0 of none. \pre 0 <= percent <= 100
  [[nodiscard]] double percentile(double percent) const noexcept;

  // For whoever draws or merges otherwise.
  [[nodiscard]] std::uint64_t bucket_count(std::size_t bucket) const noexcept { return buckets_[bucket]; }
  [[nodiscard]] static std::size_t bucket_of(std::int64_t nanoseconds) noexcept;
  [[nodiscard]] static std::int64_t lower_bound(std::size_t bucket) noexcept;  // the upper bound is the next one's, exclusive

 private:
  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::int64_t min_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t max_ = 0;
};

}  // namespace wgu::bench
