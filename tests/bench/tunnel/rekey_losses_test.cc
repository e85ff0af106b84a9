#include "bench/tunnel/rekey_losses.h"

#include <gtest/gtest.h>

#include <array>

namespace wgu::bench {
namespace {

constexpr std::int64_t kMs = 1'000'000;

// Ten intervals of 250 ms from second 100 on, ten packets in each.
Intervals ten_each() {
  Intervals intervals;
  intervals.begin = 100'000 * kMs;
  intervals.length = 250 * kMs;
  for (int i = 0; i < 10; ++i) intervals.counts[static_cast<std::size_t>(i)] = 10;
  return intervals;
}

TEST(RekeyLosses, AreNearWithinTheDistance) {
  const Intervals sent = ten_each();
  Intervals arrived = sent;
  arrived.counts[0] = 9;  // begins at 100.00
  arrived.counts[4] = 5;  // 101.00
  arrived.counts[9] = 0;  // 102.25
  const std::array<std::int64_t, 1> rekeys = {101'100 * kMs};
  const RekeyLosses losses = rekey_losses(sent, arrived, rekeys, 1000 * kMs);  // near: 100.10 to 102.10
  EXPECT_EQ(losses.near, 1 + 5);                                               // the first interval ends at 100.25
  EXPECT_EQ(losses.elsewhere, 10);
  ASSERT_EQ(losses.course.size(), 10U);
  EXPECT_EQ(losses.course[4], (std::pair<double, double>(1.0, 0.5)));
  EXPECT_EQ(losses.course[9], (std::pair<double, double>(2.25, 1.0)));
}

TEST(RekeyLosses, WithoutRekeysAreElsewhere) {
  const Intervals sent = ten_each();
  Intervals arrived = sent;
  arrived.counts[3] = 7;
  EXPECT_EQ(rekey_losses(sent, arrived, {}, 1000 * kMs).elsewhere, 3);
  EXPECT_EQ(rekey_losses(sent, arrived, {}, 1000 * kMs).near, 0);
}

TEST(RekeyLosses, MoreThanWasSentIsNoLoss) {
  const Intervals sent = ten_each();
  Intervals arrived = sent;
  arrived.counts[3] = 11;
  EXPECT_EQ(rekey_losses(sent, arrived, {}, 0).elsewhere, 0);
}

}  // namespace
}  // namespace wgu::bench
