#include "tunnel/deadlines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace wgu::tunnel {
namespace {

Instant at(std::int64_t ns) { return Instant{Duration(ns)}; }

TEST(Deadlines, TheEarliestIsOnTop) {
  Deadlines deadlines;
  EXPECT_TRUE(deadlines.empty());
  EXPECT_EQ(deadlines.at(7), kNever);
  deadlines.set(3, at(30));
  deadlines.set(900, at(10));
  deadlines.set(5, at(20));
  EXPECT_EQ(deadlines.top().slot, 900u);
  deadlines.set_no_later(3, at(31));
  EXPECT_EQ(deadlines.at(3), at(30));
  deadlines.set_no_later(3, at(5));
  EXPECT_EQ(deadlines.top().slot, 3u);
  deadlines.set(3, kNever);
  deadlines.set(3, kNever);
  EXPECT_EQ(deadlines.top().slot, 900u);
  deadlines.set(900, at(25));
  EXPECT_EQ(deadlines.top().slot, 5u);
}

TEST(Deadlines, AgreesWithAMapThroughRandomMoves) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  Deadlines deadlines;
  std::map<std::uint32_t, Instant> model;
  for (int i = 0; i < 20000; ++i) {
    const auto slot = static_cast<std::uint32_t>(random() % 60);
    const Instant when = at(static_cast<std::int64_t>(random() % 1000));
    switch (random() % 4) {
      case 0:
        deadlines.set(slot, kNever);
        model.erase(slot);
        break;
      case 1:
        deadlines.set_no_later(slot, when);
        if (!model.contains(slot) || when < model[slot]) model[slot] = when;
        break;
      default:
        deadlines.set(slot, when);
        model[slot] = when;
    }
    ASSERT_EQ(deadlines.empty(), model.empty());
    ASSERT_EQ(deadlines.at(slot), model.contains(slot) ? model[slot] : kNever);
    if (model.empty()) continue;
    const auto earliest = std::min_element(model.begin(), model.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    ASSERT_EQ(deadlines.top().when, earliest->second);
    ASSERT_EQ(model.at(deadlines.top().slot), earliest->second);
  }
}

}  // namespace
}  // namespace wgu::tunnel
