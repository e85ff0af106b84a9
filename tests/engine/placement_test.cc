// Who changes places with whom, on loads that are told; and two engines that fight for one CPU, simulated.

#include "engine/placement.h"

#include <gtest/gtest.h>

#include <array>

namespace wgu::engine {
namespace {

using namespace std::chrono_literals;
constexpr Duration kInterval = Placement::kInterval;

// Feeds a Placement shares of each interval: of running, of waiting.
class Told {
 public:
  struct Share {
    double running;
    double waiting;
  };
  Told(std::vector<int> cpus, std::size_t workers, std::uint64_t seed = 1) : placement_(std::move(cpus), workers, seed), times_(workers) {
    EXPECT_FALSE(placement_.decide(now_, times_));  // the first look
  }
  std::optional<Placement::Exchange> interval(const std::vector<Share>& shares) {
    now_ += kInterval;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      times_[i].running += std::chrono::duration_cast<Duration>(kInterval * shares[i].running);
      times_[i].waiting += std::chrono::duration_cast<Duration>(kInterval * shares[i].waiting);
    }
    return placement_.decide(now_, times_);
  }
  std::optional<Placement::Exchange> until_exchange(const std::vector<Share>& shares, int intervals = 64) {
    for (int i = 0; i < intervals; ++i) {
      if (auto exchange = interval(shares)) return exchange;
    }
    return std::nullopt;
  }
  [[nodiscard]] int cpu(std::size_t place) const { return placement_.cpu(place); }
  void pause(Duration pause) { now_ += pause; }

 private:
  Placement placement_;
  std::vector<RunTimes> times_;
  Instant now_ = Instant(1000s);
};

TEST(Placement, CrowdedWorkerChangesPlacesWithTheColleagueWhoDoesBest) {
  Told told({4, 5, 6}, 3);
  const auto exchange = told.until_exchange({{0.5, 0.5}, {0.1, 0.02}, {0.1, 0}});
  ASSERT_TRUE(exchange);
  EXPECT_EQ(exchange->worker, 0u);
  EXPECT_EQ(exchange->other, 2u);
  EXPECT_NEAR(exchange->waited, 0.5, 0.01);
  EXPECT_EQ(told.cpu(0), 6);
  EXPECT_EQ(told.cpu(1), 5);
  EXPECT_EQ(told.cpu(2), 4);
}

TEST(Placement, StaysWhereMovingHelpsNobody) {
  struct Row {
    const char* why;
    std::vector<Told::Share> shares;
  };
  const Row rows[] = {
      {"alone on its CPU, however busy", {{1, 0}, {0, 0}}},
      {"hardly crowded", {{0.85, 0.15}, {0, 0}}},
      {"not busy", {{0.1, 0.15}, {0, 0}}},
      {"crowded everywhere", {{0.5, 0.5}, {0.2, 0.2}}},
      {"little better elsewhere", {{0.5, 0.5}, {0.2, 0.12}}},
      {"the colleague is as busy", {{0.5, 0.5}, {0.9, 0.1}}},
  };
  for (const Row& row : rows) {
    Told told({0, 1}, 2);
    EXPECT_FALSE(told.until_exchange(row.shares)) << row.why;
    EXPECT_EQ(told.cpu(0), 0) << row.why;
  }
}

TEST(Placement, FreeCpusAreTriedInTurn) {
  Told told({0, 1, 2}, 1);
  std::vector<int> tried;
  for (int i = 0; i < 4; ++i) {
    const auto exchange = told.until_exchange({{0.5, 0.5}});
    ASSERT_TRUE(exchange);
    EXPECT_EQ(exchange->worker, 0u);
    EXPECT_GE(exchange->other, 1u);
    tried.push_back(told.cpu(0));
  }
  EXPECT_EQ(tried, (std::vector<int>{1, 2, 0, 1}));
}

TEST(Placement, FullMachineIsNotStirred) {
  for (const double other_got : {0.2, 0.5}) {  // the colleague does better wherever it is
    Told told({0, 1}, 2);
    int moves = 0;
    for (int i = 0; i < 5 * 60; ++i) moves += told.interval({{0.4, 0.6}, {other_got / 10, (1 - other_got) / 100}}).has_value();  // a minute
    EXPECT_GE(moves, 5);
    EXPECT_LE(moves, 14);
  }
}

TEST(Placement, RestBringsBackReadiness) {
  Told told({0, 1}, 2);
  for (int hour = 0; hour < 20; ++hour) {
    for (int move = 0; move < 4; ++move) ASSERT_TRUE(told.until_exchange({{0.5, 0.5}, {0.1, 0}}, 30)) << hour;  // 30 tosses
    for (int i = 0; i < 5 * 61; ++i) EXPECT_FALSE(told.interval({{1, 0}, {0.1, 0}}));
  }
}

TEST(Placement, GapSaysNothingAboutNow) {
  Told told({0, 1}, 2);
  for (int i = 0; i < 64; ++i) {
    told.pause(60s);
    EXPECT_FALSE(told.interval({{0.5, 0.5}, {0, 0}}));
  }
}

// Two engines, each with one worker that wants a whole CPU and one that wants little, on two CPUs: who shares a CPU with the
// other's hot worker gets half.
TEST(Placement, TwoEnginesFindACpuEach) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::array<Told, 2> engines{Told({0, 1}, 2, seed), Told({0, 1}, 2, seed * 0x9e3779b97f4a7c15)};
    int intervals = 0;
    int apart = 0;
    for (; intervals < 500 && apart < 20; ++intervals) {
      const bool is_shared = engines[0].cpu(0) == engines[1].cpu(0);
      apart = is_shared ? 0 : apart + 1;
      for (Told& engine : engines) {
        is_shared ? static_cast<void>(engine.interval({{0.5, 0.5}, {0.1, 0}}))
                  : static_cast<void>(engine.interval({{0.95, 0.05}, {0.05, 0.3}}));
      }
    }
    EXPECT_GE(apart, 20) << "seed " << seed;
    EXPECT_LT(intervals, 150) << "seed " << seed;  // 30 s at the very worst
  }
}

}  // namespace
}  // namespace wgu::engine
