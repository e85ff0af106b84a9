#pragma once
// A histogram that one thread writes and any thread reads at any time. The writer loads, adds and stores without a locked
// instruction, because nobody else stores; readers wait for nobody.
//
// A snapshot's count is that of the buckets it read, and its sum and extremes cover at least those values: what the writer records
// meanwhile may be in sum and extremes already and not yet in a bucket. Each cell only grows, so that windows are never negative.

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>

#include "wgu/histogram.h"

namespace wgu::telemetry {

// On cache lines of its own, or a neighbour's writer would slow down this one.
class alignas(64) LiveHistogram {
 public:
  // The writer only.
  void record(std::uint64_t value, std::uint64_t times = 1) noexcept {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    sum_.store(sum_.load(kRelaxed) + value * times, kRelaxed);
    if (value > max_.load(kRelaxed)) max_.store(value, kRelaxed);
    if (value < min_.load(kRelaxed)) min_.store(value, kRelaxed);
    Cell& bucket = buckets_[Histogram::bucket_of(value)];
    bucket.store(bucket.load(kRelaxed) + times, std::memory_order_release);  // who sees it sees the above
  }

  // Any thread. Adds what was recorded so far: all workers' into one, without a copy of 9 KiB for each.
  void add_to(Histogram& total) const noexcept;
  [[nodiscard]] Histogram snapshot() const noexcept;

 private:
  using Cell = std::atomic<std::uint64_t>;
  static_assert(Cell::is_always_lock_free);

  Cell sum_{0};
  Cell max_{0};
  Cell min_{std::numeric_limits<std::uint64_t>::max()};
  std::array<Cell, Histogram::kBuckets> buckets_{};
};

}  // namespace wgu::telemetry
