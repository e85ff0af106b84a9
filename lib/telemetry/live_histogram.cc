#include "telemetry/live_histogram.h"

#include <algorithm>

namespace wgu::telemetry {

void LiveHistogram::add_to(Histogram& total) const noexcept {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    const std::uint64_t in_bucket = buckets_[i].load(std::memory_order_acquire);
    total.buckets_[i] += in_bucket;
    count += in_bucket;
  }
  total.count_ += count;
  // After the buckets, which published them.
  total.sum_ += sum_.load(std::memory_order_relaxed);
  total.max_ = std::max(total.max_, max_.load(std::memory_order_relaxed));
  total.min_ = std::min(total.min_, min_.load(std::memory_order_relaxed));
}

Histogram LiveHistogram::snapshot() const noexcept {
  Histogram copy;
  add_to(copy);
  return copy;
}

}  // namespace wgu::telemetry
