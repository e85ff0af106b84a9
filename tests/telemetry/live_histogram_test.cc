#include "telemetry/live_histogram.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <thread>

namespace wgu::telemetry {
namespace {

TEST(LiveHistogram, ASnapshotIsWhatAHistogramWouldHold) {
  const auto live = std::make_unique<LiveHistogram>();
  Histogram expected;
  EXPECT_EQ(live->snapshot(), expected);
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t value = random() >> (random() % 64), times = random() % 4;
    if (times == 0) continue;
    live->record(value, times);
    expected.record(value, times);
  }
  EXPECT_EQ(live->snapshot(), expected);
}

TEST(LiveHistogram, SeveralAddUpToOne) {
  const auto one = std::make_unique<LiveHistogram>(), other = std::make_unique<LiveHistogram>();
  Histogram expected;
  for (std::uint64_t value = 1; value < 100'000; value += 7) {
    (value % 2 == 0 ? *one : *other).record(value);
    expected.record(value);
  }
  Histogram total;
  one->add_to(total);
  other->add_to(total);
  EXPECT_EQ(total, expected);
}

// A reader sees sums and extremes that cover what it counted, counts that only grow, and, in the end, everything.
TEST(LiveHistogram, MayBeReadWhileItIsWritten) {
  constexpr std::uint64_t kRecords = 300'000, kLeast = 100, kGreatest = 1100;
  const auto live = std::make_unique<LiveHistogram>();
  std::atomic<bool> is_done{false};
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < kRecords; ++i) live->record(kLeast + i % (kGreatest - kLeast + 1));
    is_done = true;
  });
  Histogram before;
  std::uint64_t snapshots = 0;
  while (!is_done) {
    const Histogram now = live->snapshot();
    ++snapshots;
    ASSERT_GE(now.count(), before.count());
    for (std::size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) ASSERT_GE(now.bucket_count(bucket), before.bucket_count(bucket));
    if (now.count() > 0) {
      ASSERT_GE(now.min(), kLeast);
      ASSERT_LE(now.max(), kGreatest);
      ASSERT_GE(now.sum(), now.count() * kLeast);
      ASSERT_GE(now.percentile(50), static_cast<double>(kLeast));
    }
    before = now;
  }
  writer.join();
  EXPECT_GT(snapshots, 0U);
  const Histogram all = live->snapshot();
  EXPECT_EQ(all.count(), kRecords);
  EXPECT_EQ(all.min(), kLeast);
  EXPECT_EQ(all.max(), kGreatest);
}

TEST(LiveHistogram, HasCacheLinesOfItsOwn) {
  EXPECT_EQ(alignof(LiveHistogram), 64U);
  EXPECT_EQ(sizeof(LiveHistogram) % 64, 0U);
}

}  // namespace
}  // namespace wgu::telemetry
