#include "telemetry/event_limiter.h"

#include <gtest/gtest.h>

#include <chrono>

namespace wgu::telemetry {
namespace {

using namespace std::chrono_literals;

Event event_at(Instant when, EventKind kind = EventKind::kHandshakeFailed) {
  Event event;
  event.kind = kind;
  event.when = when;
  return event;
}

TEST(EventLimiter, TellsABurstAndHoldsBackTheRest) {
  EventLimiter limiter;
  unsigned told = 0;
  for (int i = 0; i < 1000; ++i) {
    Event event = event_at(Instant(5s));
    if (limiter.admit(event)) {
      ++told;
      EXPECT_EQ(event.held_back, 0U);
    }
  }
  EXPECT_EQ(told, 200U);
  Event next = event_at(Instant(6s));
  ASSERT_TRUE(limiter.admit(next));
  EXPECT_EQ(next.held_back, 800U);
  Event after = event_at(Instant(6s));
  ASSERT_TRUE(limiter.admit(after));
  EXPECT_EQ(after.held_back, 0U) << "said once";
}

TEST(EventLimiter, WhatWasLostBeforeOrAfterItCountsAsHeldBack) {
  EventLimiter limiter;
  Event first = event_at(Instant(5s));
  first.held_back = 4;  // by whoever gathered it
  ASSERT_TRUE(limiter.admit(first));
  EXPECT_EQ(first.held_back, 4U);
  limiter.take_back(first);
  Event other = event_at(Instant(5s), EventKind::kMtuChanged);
  ASSERT_TRUE(limiter.admit(other));
  EXPECT_EQ(other.held_back, 0U);
  Event next = event_at(Instant(5s));
  next.held_back = 2;
  ASSERT_TRUE(limiter.admit(next));
  EXPECT_EQ(next.held_back, 4U + 1 + 2);
}

TEST(EventLimiter, TellsAHundredASecondForEver) {
  EventLimiter limiter;
  unsigned told = 0;
  for (int millisecond = 0; millisecond < 60'000; ++millisecond) {
    Event event = event_at(Instant(1000s) + std::chrono::milliseconds(millisecond));
    if (limiter.admit(event)) ++told;
  }
  EXPECT_NEAR(told, 60 * 100 + 200, 1);
}

TEST(EventLimiter, KindsDoNotTakeEachOthersRoom) {
  EventLimiter limiter;
  for (int i = 0; i < 1000; ++i) {
    Event event = event_at(Instant(5s));
    static_cast<void>(limiter.admit(event));
  }
  for (const EventInfo& row : event_table()) {
    if (row.kind == EventKind::kHandshakeFailed) continue;
    Event event = event_at(Instant(5s), row.kind);
    EXPECT_TRUE(limiter.admit(event)) << row.name;
    EXPECT_EQ(event.held_back, 0U) << row.name;
  }
}

}  // namespace
}  // namespace wgu::telemetry
