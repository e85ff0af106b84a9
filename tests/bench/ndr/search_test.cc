#include "bench/ndr/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <utility>

namespace wgu::bench {
namespace {

const Goal kNdr{};
const Goal kPdr{.name = "pdr", .loss_ratio = 0.005};

Trials trials_of(std::initializer_list<double> losses) {
  Trials trials;
  for (const double loss : losses) trials.add(loss);
  return trials;
}

Trials trials_of(int good, int bad, double loss = 0.5) {
  Trials trials;
  for (int i = 0; i < good; ++i) trials.add(0);
  for (int i = 0; i < bad; ++i) trials.add(loss);
  return trials;
}

// Trials of 1 s, a sum of 21 s, half of which (10.5 s) may exceed: ten bad ones are tolerated, the eleventh is not.
TEST(Classification, IsAppendixA) {
  const struct {
    int good, bad;
    Bound expected;
  } rows[] =
      {
          {0, 0, Bound::kUndecided}, {10, 0, Bound::kUndecided},  {11, 0, Bound::kLower},
          {11, 10, Bound::kLower},   {10, 10, Bound::kUndecided}, {0, 10, Bound::kUndecided},
          {0, 11, Bound::kUpper},    {10, 11, Bound::kUpper},     {11, 11, Bound::kLower},  // 22 s measured: 11 of them tolerated
          {11, 12, Bound::kUpper},
      };
  for (const auto& row : rows)
    EXPECT_EQ(trials_of(row.good, row.bad).classify(kNdr, 21, 1), row.expected) << row.good << " good, " << row.bad << " bad";
}

TEST(Classification, WithASumOfZeroIsDecidedByWhatThereIs) {
  EXPECT_EQ(trials_of({0}).classify(kNdr, 0, 1), Bound::kLower);
  EXPECT_EQ(trials_of({0.1}).classify(kNdr, 0, 1), Bound::kUpper);
  EXPECT_EQ(trials_of({0.1, 0}).classify(kNdr, 0, 1), Bound::kLower);
}

TEST(Classification, ComparesWithTheGoalsLossRatio) {
  EXPECT_EQ(trials_of(0, 11, 0.005).classify(kPdr, 21, 1), Bound::kLower);  // not higher than the goal
  EXPECT_EQ(trials_of(0, 11, 0.0051).classify(kPdr, 21, 1), Bound::kUpper);
  EXPECT_EQ(trials_of(0, 11, 0.0001).classify(kNdr, 21, 1), Bound::kUpper);
}

TEST(Classification, OfOneLongTrialIsRfc2544) {
  const Goal goal{.exceed_ratio = 0, .duration_sum = 60};
  EXPECT_EQ(trials_of({0}).classify(goal, 60, 60), Bound::kLower);
  EXPECT_EQ(trials_of({1e-9}).classify(goal, 60, 60), Bound::kUpper);
}

// Sums that are not exact in binary: 21 x 0.1 s.
TEST(Classification, DoesNotSufferFromBinaryFractions) {
  const Goal goal{.duration_sum = 2.1};
  EXPECT_EQ(trials_of(10, 0).classify(goal, 2.1, 0.1), Bound::kUndecided);
  EXPECT_EQ(trials_of(11, 0).classify(goal, 2.1, 0.1), Bound::kLower);
  const Goal even{.duration_sum = 0.6};
  EXPECT_EQ(trials_of(3, 0).classify(even, 0.6, 0.1), Bound::kLower);  // half of 0.6 is 3 x 0.1
}

// The median of 21: the eleventh best.
TEST(ConditionalLoss, IsAppendixB) {
  EXPECT_DOUBLE_EQ(trials_of(11, 0).conditional_loss(kNdr, 1), 0);
  EXPECT_DOUBLE_EQ(trials_of(11, 10, 0.9).conditional_loss(kNdr, 1), 0);
  EXPECT_DOUBLE_EQ(trials_of(10, 11, 0.25).conditional_loss(kNdr, 1), 0.25);
  EXPECT_DOUBLE_EQ(trials_of(10, 0).conditional_loss(kNdr, 1), 1);  // what was not run counts as lost
  Trials rising;
  for (int i = 0; i < 11; ++i) rising.add(i * 0.0004);
  EXPECT_DOUBLE_EQ(rising.conditional_loss(kPdr, 1), 0.004);
  EXPECT_DOUBLE_EQ(trials_of({0.1, 0.3}).conditional_loss(Goal{.exceed_ratio = 0, .duration_sum = 2}, 1), 0.3);
}

// A device that is asked instead of measured: its loss at a rate.
using Device = std::function<double(std::uint64_t rate)>;

struct Searched {
  std::vector<GoalResult> results;
  int trials = 0;
  std::vector<std::uint64_t> rates;
};

Searched run(Search& search, const Device& device) {
  Searched run;
  while (const auto rate = search.next_rate()) {
    search.add(*rate, device(*rate));
    run.rates.push_back(*rate);
    if (++run.trials > 5000) {
      ADD_FAILURE() << "does not end";
      break;
    }
  }
  run.results = search.results();
  return run;
}

Searched run(const SearchOptions& options, const Device& device) {
  Search search(options);
  return run(search, device);
}

Device sharp_knee(double capacity) {
  return [capacity](std::uint64_t rate) { return std::max(0.0, 1 - capacity / static_cast<double>(rate)); };
}

SearchOptions options_of(std::vector<Goal> goals, std::uint64_t max_rate = 1'000'000) {
  return {.goals = std::move(goals), .min_rate = 1000, .max_rate = max_rate};
}

TEST(Search, FindsASharpKnee) {
  for (const double capacity : {2000.0, 33'333.0, 123'456.0, 500'000.0, 990'000.0}) {
    const Searched found = run(options_of({kNdr, kPdr}), sharp_knee(capacity));
    ASSERT_EQ(found.results.size(), 2U);
    const GoalResult& ndr = found.results[0];
    EXPECT_EQ(ndr.outcome, Outcome::kFound);
    EXPECT_LE(static_cast<double>(ndr.lower), capacity);
    EXPECT_GT(static_cast<double>(ndr.upper), capacity);
    EXPECT_LE(static_cast<double>(ndr.upper - ndr.lower), 0.005 * static_cast<double>(ndr.upper));
    EXPECT_EQ(ndr.conditional_throughput, static_cast<double>(ndr.lower));  // zero loss

    const GoalResult& pdr = found.results[1];
    const double knee = capacity / 0.995;  // where 0.5 % are lost
    EXPECT_EQ(pdr.outcome, Outcome::kFound);
    EXPECT_LE(static_cast<double>(pdr.lower), knee + 1);
    EXPECT_GT(static_cast<double>(pdr.upper), knee);
    EXPECT_LE(static_cast<double>(pdr.upper - pdr.lower), 0.005 * static_cast<double>(pdr.upper));
    EXPECT_NEAR(pdr.conditional_throughput, std::min(capacity, static_cast<double>(pdr.lower)), capacity * 0.001);
    EXPECT_LT(found.trials, 100) << capacity;  // two goals, two bounds each, eleven trials each, and the way there
  }
}

TEST(Search, BeginsWithTheMaximumToWarmUpThenWithWhatArrived) {
  const Searched found = run(options_of({kNdr}), sharp_knee(400'000));
  ASSERT_GE(found.rates.size(), 2U);
  EXPECT_EQ(found.rates[0], 1'000'000U);
  EXPECT_EQ(found.rates[1], 400'000U);
}

// What the warm-up lost says nothing: caches were cold, the handshake may have come first.
TEST(Search, DoesNotHoldTheWarmUpAgainstTheDevice) {
  bool is_first = true;
  Search search(options_of({kNdr}, 5000));
  const Searched found = run(search, [&](std::uint64_t) { return std::exchange(is_first, false) ? 0.5 : 0.0; });
  EXPECT_EQ(found.results[0].outcome, Outcome::kAboveMaximum);
  EXPECT_EQ(search.trials().at(5000).mean_loss(), 0);
}

TEST(Search, ReachesTheMaximumWhenNothingIsEverLost) {
  const Searched found = run(options_of({kNdr, kPdr}), [](std::uint64_t) { return 0.0; });
  for (const GoalResult& result : found.results) {
    EXPECT_EQ(result.outcome, Outcome::kAboveMaximum);
    EXPECT_EQ(result.lower, 1'000'000U);
    EXPECT_EQ(result.upper, 0U);
    EXPECT_EQ(result.conditional_throughput, 1e6);
  }
  EXPECT_EQ(found.trials, 1 + 11);  // warm-up, and the maximum until it is decided, for both goals at once
}

TEST(Search, FailsFastWhenSomethingIsLostAtEveryRate) {
  const Searched found = run(options_of({kNdr}), [](std::uint64_t) { return 0.3; });
  EXPECT_EQ(found.results[0].outcome, Outcome::kBelowMinimum);
  EXPECT_EQ(found.results[0].lower, 0U);
  EXPECT_EQ(found.results[0].upper, 1000U);
  EXPECT_EQ(found.results[0].conditional_throughput, 0);
  EXPECT_LT(found.trials, 30);
  const Searched dead = run(options_of({kNdr, kPdr}), [](std::uint64_t) { return 1.0; });
  EXPECT_EQ(dead.results[1].outcome, Outcome::kBelowMinimum);
  EXPECT_EQ(dead.trials, 1 + 11);  // nothing arrives: straight to the minimum
}

// One goal can fail while the other is found: a packet is lost now and then at any rate.
TEST(Search, FindsPdrWhereNdrFails) {
  const Searched found = run(options_of({kNdr, kPdr}), [](std::uint64_t rate) { return 0.0001 + sharp_knee(200'000)(rate); });
  EXPECT_EQ(found.results[0].outcome, Outcome::kBelowMinimum);
  EXPECT_EQ(found.results[1].outcome, Outcome::kFound);
  EXPECT_NEAR(static_cast<double>(found.results[1].lower), 201'000, 1100);
}

// Below the knee a fifth of the trials lose a little; above it, a fifth lose nothing. The median knows better.
TEST(Search, FindsANoisyKnee) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    std::bernoulli_distribution is_disturbed(0.2);
    const Device device = [&](std::uint64_t rate) {
      const double loss = sharp_knee(300'000)(rate);
      if (!is_disturbed(random)) return loss;
      return loss > 0 ? 0.0 : 0.001;
    };
    const Searched found = run(options_of({kNdr}), device);
    ASSERT_EQ(found.results[0].outcome, Outcome::kFound) << "seed " << seed;
    EXPECT_NEAR(static_cast<double>(found.results[0].lower), 300'000, 300'000 * 0.02) << "seed " << seed;
    EXPECT_LT(found.trials, 300) << "seed " << seed;
  }
}

TEST(Search, EndsWhateverTheDeviceSays) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> loss(0, 0.01);
    const Searched found = run(options_of({kNdr, kPdr}, 1200), [&](std::uint64_t) { return random() % 2 == 0 ? 0 : loss(random); });
    for (const GoalResult& result : found.results) EXPECT_NE(result.outcome, Outcome::kUnfinished) << "seed " << seed;
  }
}

// Where a higher rate lost less than a lower one (collapse that comes and goes), the lower one is believed.
TEST(Search, BelievesTheLowestUpperBound) {
  const Device gap = [](std::uint64_t rate) { return (rate > 100'000 && rate < 150'000) || rate > 800'000 ? 0.9 : 0.0; };
  Search search(options_of({kNdr}));
  const Searched found = run(search, gap);
  EXPECT_EQ(found.results[0].outcome, Outcome::kFound);
  for (const auto& [rate, trials] : search.trials()) {
    if (rate >= found.results[0].upper) break;
    EXPECT_EQ(trials.mean_loss(), 0) << rate;
  }
}

TEST(Search, TakesFewerTrialsWhenAskedForLess) {
  SearchOptions quick = options_of({{.duration_sum = 1, .width = 0.05}});
  quick.phases = 1;
  const Searched found = run(quick, sharp_knee(300'000));
  EXPECT_EQ(found.results[0].outcome, Outcome::kFound);
  EXPECT_NEAR(static_cast<double>(found.results[0].lower), 300'000, 300'000 * 0.05);
  EXPECT_LE(found.trials, 8);
}

TEST(Search, WorksWhereMinimumIsMaximum) {
  SearchOptions options = options_of({kNdr}, 1000);
  EXPECT_EQ(run(options, [](std::uint64_t) { return 0.0; }).results[0].outcome, Outcome::kAboveMaximum);
  EXPECT_EQ(run(options, [](std::uint64_t) { return 0.5; }).results[0].outcome, Outcome::kBelowMinimum);
}

TEST(Search, GivesWhatItKnowsBeforeItIsFinished) {
  Search search(options_of({kNdr}));
  EXPECT_EQ(search.results()[0].outcome, Outcome::kUnfinished);
  search.add(*search.next_rate(), 0.5);
  EXPECT_EQ(search.next_rate(), 500'000U);
  search.add(500'000, 0);
  const GoalResult result = search.results()[0];
  EXPECT_EQ(result.outcome, Outcome::kUnfinished);
  EXPECT_EQ(result.lower, 500'000U);
  EXPECT_EQ(result.conditional_throughput, 0);  // ten seconds of trials are still missing
}

}  // namespace
}  // namespace wgu::bench
