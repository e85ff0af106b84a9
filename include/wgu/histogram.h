#pragma once
/// \file
/// How values were distributed (times in nanoseconds, sizes in bytes, depths in packets): counts in buckets that are narrow for small
/// values and wide for large ones, so that each percentile is known to 1.6 % from 9 KiB, whatever the range.
///
/// A Histogram is a plain value: what one thread records, what two sum up to (operator+=), what a window held (operator-). What a
/// worker records while others look is a telemetry::LiveHistogram, whose snapshots are Histograms.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace wgu {

namespace telemetry {
class LiveHistogram;
}

/// Bucket n holds the value n up to 64; from there on an octave (2^k, 2^(k+1)] is cut into 32 buckets of equal width. Each bucket
/// excludes its lower bound and includes its upper one, as Prometheus's `le` does, and powers of two are upper bounds: counts below
/// such a bound are exact.
///
/// The error: a bucket above 2^k is 2^k/32 wide, so its middle is at most 2^k/64, which is 1/64 of any value in it, away.
class Histogram {
 public:
  static constexpr unsigned kBucketBits = 5;  ///< 2^5 buckets an octave: half of one is 1/64
  static constexpr unsigned kValueBits = 40;  ///< 2^40 ns are 18 minutes; what is greater counts in the last bucket, max() still tells it
  static constexpr std::size_t kBuckets = ((kValueBits - kBucketBits + 1) << kBucketBits) + 1;

  /// What an export says of a bucket.
  struct Bucket {
    std::uint64_t upper_bound;
    std::uint64_t count;
  };
  /// The histogram that was exported: its buckets that are not empty, and what they do not tell.
  [[nodiscard]] static Histogram restored(std::span<const Bucket> buckets, std::uint64_t sum, std::uint64_t min,
                                          std::uint64_t max) noexcept;

  void record(std::uint64_t value, std::uint64_t times = 1) noexcept;

  /// The same as if everything had been recorded in one.
  Histogram& operator+=(const Histogram& other) noexcept;
  /// What was recorded between two snapshots of one histogram. Least and greatest of a window are those of all, where the window
  /// moved them, otherwise bounds of buckets. \pre `earlier` is the earlier
  [[nodiscard]] friend Histogram operator-(const Histogram& later, const Histogram& earlier) noexcept { return later.since(earlier); }
  friend bool operator==(const Histogram&, const Histogram&) = default;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }  ///< modulo 2^64: nanoseconds of 584 years
  [[nodiscard]] std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
  [[nodiscard]] double mean() const noexcept { return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_); }
  /// By nearest rank: the least value that at least `percent` of all do not exceed, as the middle of its bucket, never outside
  /// [min, max]. 0 of nothing. \pre 0 <= percent <= 100
  [[nodiscard]] double percentile(double percent) const noexcept;
  /// How many were at most `bound`: exact where `bound` is an upper bound of a bucket (a power of two), else those of all buckets
  /// that end below it.
  [[nodiscard]] std::uint64_t count_up_to(std::uint64_t bound) const noexcept;

  /// For whoever draws or exports otherwise.
  [[nodiscard]] std::uint64_t bucket_count(std::size_t bucket) const noexcept { return buckets_[bucket]; }
  [[nodiscard]] static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    if (value <= 2U << kBucketBits) return value;
    const std::uint64_t inside = std::min(value, std::uint64_t{1} << kValueBits) - 1;  // upper bounds belong to the bucket below
    const unsigned octave = static_cast<unsigned>(std::bit_width(inside)) - (kBucketBits + 1);
    return (std::size_t{octave} << kBucketBits) + (inside >> octave) + 1;
  }
  /// Inclusive; of the last bucket only nominal, as it holds all that is greater too.
  [[nodiscard]] static constexpr std::uint64_t upper_bound(std::size_t bucket) noexcept {
    constexpr std::size_t kOctave = 1U << kBucketBits;
    if (bucket <= 2 * kOctave) return bucket;
    const std::size_t octave = (bucket - 1) / kOctave - 1;
    return std::uint64_t{kOctave + (bucket - 1) % kOctave + 1} << octave;
  }

 private:
  friend class telemetry::LiveHistogram;
  [[nodiscard]] Histogram since(const Histogram& earlier) const noexcept;

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;  // the sum of all buckets
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t max_ = 0;
};

}  // namespace wgu
