// The statistics on timings that are made up: what they must see, and what they must not mistake for it.
#include "crypto/timing/welch.h"

#include <gtest/gtest.h>

#include <random>

namespace wgu::crypto::timing {
namespace {

// A microsecond, a jitter of some per cent, and one in fifty struck by an interrupt.
class Machine {
 public:
  explicit Machine(unsigned seed) : random_(seed) {}
  // leak: by how much longer a fixed secret takes; drift: how much slower the machine is at the end than at the beginning.
  std::vector<Timing> measure(double leak, double drift = 0) {
    std::vector<Timing> timings;
    for (int i = 0; i < kCount; ++i) {
      const bool is_fixed = random_() % 2 == 0;
      double duration = 1000 + drift * i / kCount + std::normal_distribution<double>(0, 20)(random_) + (is_fixed ? leak : 0);
      if (random_() % 50 == 0) duration += std::exponential_distribution<double>(1 / 30'000.0)(random_);
      timings.push_back({is_fixed, duration});
    }
    return timings;
  }
  static constexpr int kCount = 20'000;

 private:
  std::mt19937 random_;
};

TEST(Welch, AsOnPaper) {
  // Means 4 and 3, variances 2.5 and 2.5, five of each: 1 / sqrt(0.5 + 0.5).
  std::vector<Timing> timings;
  for (int i = 1; i <= 5; ++i) {
    timings.push_back({false, static_cast<double>(i)});
    timings.push_back({true, static_cast<double>(i + 1)});
  }
  EXPECT_NEAR(welch_t(timings, 100), 1, 1e-12);
  // Of different sizes and variances: {1, 2, 3} and {10, 20}: (15 - 2) / sqrt(50 / 2 + 1 / 3).
  timings = {{false, 1}, {false, 2}, {false, 3}, {true, 10}, {true, 20}};
  EXPECT_NEAR(welch_t(timings, 100), 13 / std::sqrt(25 + 1.0 / 3), 1e-12);
  EXPECT_NEAR(welch_t({{{false, 1}, {false, 2}, {true, 5}, {true, 6}, {true, 1000}}}, 10), 4 / std::sqrt(0.5), 1e-12);  // cropped
}

TEST(Welch, OfTooFewOrEqualTimesIsZero) {
  EXPECT_EQ(largest_t({}), 0);
  EXPECT_EQ(largest_t(std::vector<Timing>{{true, 1}}), 0);
  EXPECT_EQ(largest_t(std::vector<Timing>(100, {true, 1})), 0);
  EXPECT_EQ(largest_t(std::vector<Timing>{{true, 7}, {true, 7}, {false, 7}, {false, 7}}), 0);
}

TEST(Welch, ADifferenceWithoutAnyNoiseIsInfinite) {
  EXPECT_TRUE(is_leak(largest_t(std::vector<Timing>{{true, 8}, {true, 8}, {false, 7}, {false, 7}})));
}

TEST(Welch, NoiseIsNoLeak) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    Machine machine(seed);
    EXPECT_LT(std::fabs(largest_t(machine.measure(0))), 7) << seed;
  }
}

TEST(Welch, DriftIsNoLeakWhereClassesAlternate) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    Machine machine(seed);
    EXPECT_LT(std::fabs(largest_t(machine.measure(0, 5000))), 7) << seed;
  }
}

TEST(Welch, ALeakIsSeenBehindInterrupts) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    Machine machine(seed);
    // Two per cent. Uncropped the interrupts hide it.
    EXPECT_FALSE(is_leak(welch_t(machine.measure(20), HUGE_VAL)));
    EXPECT_TRUE(is_leak(agreed_t([&] { return machine.measure(20); })));
    EXPECT_TRUE(is_leak(agreed_t([&] { return machine.measure(-20); })));
  }
}

TEST(Welch, AttemptsMustAgree) {
  int attempt = 0;
  Machine machine(1);
  EXPECT_FALSE(is_leak(agreed_t([&] { return machine.measure(++attempt == 3 ? 0 : 200); })));
  EXPECT_EQ(attempt, 3);  // and the first that shows nothing is the last
  attempt = 0;
  EXPECT_FALSE(is_leak(agreed_t([&] { return machine.measure(++attempt % 2 == 0 ? -200 : 200); })));
}

}  // namespace
}  // namespace wgu::crypto::timing
