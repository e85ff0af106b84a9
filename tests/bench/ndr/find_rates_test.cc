#include "bench/ndr/find_rates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

namespace wgu::bench {
namespace {

// A device that carries so many packets a second, and whose daemons are busy above.
Trial device(double capacity) {
  return [capacity](double rate, double seconds) -> Result<TrialOutcome> {
    TrialOutcome outcome;
    outcome.sent.intended = outcome.sent.sent = static_cast<std::uint64_t>(std::llround(rate * seconds));
    outcome.received.received = static_cast<std::uint64_t>(std::llround(std::min(rate, capacity) * seconds));
    outcome.has_daemons = true;
    outcome.daemon_busy = rate > capacity ? 1 : rate / capacity;
    return outcome;
  };
}

SearchOptions options_of(std::uint64_t max_rate = 1'000'000) {
  return {.goals = {{}, {.name = "pdr", .loss_ratio = 0.005}}, .min_rate = 100, .max_rate = max_rate};
}

TEST(FindRates, FindsEachContendersOwn) {
  const auto found = find_rates({{"slow", device(20'000)}, {"fast", device(300'000)}}, options_of(), nullptr);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].subject, "slow");
  EXPECT_NEAR(found[0].goals[0].conditional_throughput, 20'000, 100);
  EXPECT_NEAR(found[1].goals[0].conditional_throughput, 300'000, 1500);
  EXPECT_EQ(found[1].limits, (std::vector<Limit>{Limit::kCpu, Limit::kCpu}));
  EXPECT_TRUE(found[1].failure.empty());
  ASSERT_GT(found[1].loss_by_rate.size(), 2U);
  EXPECT_TRUE(std::is_sorted(found[1].loss_by_rate.begin(), found[1].loss_by_rate.end()));
}

TEST(FindRates, TakesTurns) {
  std::vector<std::string> order;
  (void)find_rates({{"a", device(1000)}, {"b", device(1000)}}, options_of(),
                   [&](const std::string& subject, unsigned number, std::uint64_t) { order.push_back(subject + std::to_string(number)); });
  ASSERT_GE(order.size(), 4U);
  EXPECT_EQ((std::vector<std::string>(order.begin(), order.begin() + 4)), (std::vector<std::string>{"a1", "b1", "a2", "b2"}));
  EXPECT_EQ(std::count_if(order.begin(), order.end(), [](const std::string& s) { return s[0] == 'a'; }) * 2,
            static_cast<std::ptrdiff_t>(order.size()));
}

TEST(FindRates, SaysThatTheGeneratorWasTheLimit) {
  const auto found = find_rates({{"a", device(1e9)}}, options_of(), nullptr);
  EXPECT_EQ(found[0].goals[0].outcome, Outcome::kAboveMaximum);
  EXPECT_EQ(found[0].limits[0], Limit::kGenerator);
}

TEST(FindRates, ForgivesOneFailureAndNotTwoInARow) {
  int calls = 0;
  const Trial hiccup = [&](double rate, double seconds) -> Result<TrialOutcome> {
    if (++calls % 3 == 0) return Error{EIO, "hiccup"};
    return device(5000)(rate, seconds);
  };
  const Trial broken = [&](double, double) -> Result<TrialOutcome> { return Error{ETIMEDOUT, "nothing gets through"}; };
  const Trial dead = [&](double, double) -> Result<TrialOutcome> { return Error{ECHILD, "the daemon ended"}; };
  const auto found = find_rates({{"hiccup", hiccup}, {"broken", broken}, {"dead", dead}}, options_of(), nullptr);
  EXPECT_TRUE(found[0].failure.empty());
  EXPECT_NEAR(found[0].goals[0].conditional_throughput, 5000, 25);
  EXPECT_EQ(found[1].failure, "nothing gets through");
  EXPECT_EQ(found[1].goals[0].outcome, Outcome::kUnfinished);
  EXPECT_EQ(found[2].failure, "the daemon ended");
  EXPECT_EQ(found[2].trials, 0U);
}

RatesFound round_of(Outcome outcome, double rate, Limit limit) {
  return {.subject = "wgu",
          .goals = {{"ndr", outcome, 1, 2, rate}},
          .limits = {limit},
          .loss_by_rate = {{1, 0}, {2, 0.5}},
          .trials = 9,
          .failure = ""};
}

TEST(AddRows, GivesASampleARound) {
  Results results;
  add_rows(results, "bytes:64",
           {round_of(Outcome::kFound, 1000, Limit::kNetwork), round_of(Outcome::kFound, 1100, Limit::kCpu),
            round_of(Outcome::kFound, 900, Limit::kCpu)});
  ASSERT_EQ(results.rows.size(), 1U);
  EXPECT_EQ(results.rows[0], (Row{.name = "ndr/bytes:64",
                                  .subject = "wgu",
                                  .metric = "packet_rate",
                                  .unit = "packet/s",
                                  .samples = {1000, 1100, 900},
                                  .limit = Limit::kCpu}));
  ASSERT_EQ(results.curves.size(), 1U);
  EXPECT_EQ(results.curves[0], (Curve{"loss/bytes:64", "wgu", "packet/s", "1", {{1, 0}, {2, 0.5}}}));
}

TEST(AddRows, SaysWhenABorderWasReached) {
  Results results;
  add_rows(results, "imix", {round_of(Outcome::kFound, 9, Limit::kCpu), round_of(Outcome::kAboveMaximum, 10, Limit::kGenerator)});
  EXPECT_EQ(results.rows[0].note, "carried all that was offered in 1 of 2 rounds");
  add_rows(results, "bytes:9", {round_of(Outcome::kBelowMinimum, 0, Limit::kNetwork)});
  EXPECT_EQ(results.rows[1].note, "lost too much even at the least rate in 1 of 1 rounds");
}

TEST(AddRows, LeavesOutWhatFailed) {
  Results results;
  RatesFound failed = round_of(Outcome::kUnfinished, 0, Limit::kUnknown);
  failed.failure = "the daemon ended";
  add_rows(results, "imix", {failed});
  EXPECT_TRUE(results.rows.empty());
  EXPECT_EQ(results.left_out, (std::vector<std::pair<std::string, std::string>>{{"imix, wgu", "the daemon ended"}}));
}

}  // namespace
}  // namespace wgu::bench
