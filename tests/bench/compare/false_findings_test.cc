// How often `compare` finds a difference between two runs of one build, and how often a planted one, in simulated runs on machines of
// several kinds. The seed is fixed: the counts are always the same.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "bench/compare/judgement.h"

namespace wgu::bench {
namespace {

constexpr int kPairs = 100;
constexpr int kRows = 16;
constexpr std::size_t kRounds = 12;

// Standard deviations, as shares.
struct Machine {
  const char* name;
  int references = 0;
  double sample = 0.015;   // of each sample, by itself
  double resemblance = 0;  // of a row's sample with its one of the round before
  double outliers = 0;     // how many samples are up to 30 % too slow
  double run_shift = 0;    // of the whole machine from run to run: another clock, another neighbour
  double wander = 0;       // of the whole machine from round to round, adding up
  double row_shift = 0;    // of each row from run to run, by itself
};

constexpr Machine kMachines[] = {
    {"quiet", 12},
    {"quiet, without references"},
    {"another clock in each run", 12, 0.015, 0, 0, 0.1},
    {"neighbours that come and go", 12, 0.015, 0, 0.1, 0.05, 0.03},
    {"rows that move by themselves", 12, 0.01, 0, 0, 0.02, 0, 0.006},
    {"rounds that resemble each other", 12, 0.02, 0.5},
    {"rounds that resemble each other, without references", 0, 0.02, 0.5},
    {"all of it", 12, 0.015, 0.3, 0.1, 0.05, 0.02, 0.005},
};

class Simulation {
 public:
  explicit Simulation(const Machine& machine, std::uint64_t seed) : machine_(machine), random_(seed) {}

  Results run(double our_cost) {
    std::vector<double> course(kRounds);
    double level = machine_.run_shift * normal_(random_);
    for (double& round : course) round = level += machine_.wander * normal_(random_);
    Results results;
    for (int i = 0; i < kRows; ++i) add(results, "row" + std::to_string(i), "wgu", our_cost, course);
    for (int i = 0; i < machine_.references; ++i) add(results, "row" + std::to_string(i), "libsodium", 1, course);
    results.references = {"libsodium"};
    return results;
  }

 private:
  void add(Results& results, const std::string& name, const std::string& subject, double cost, const std::vector<double>& course) {
    Row row{name, subject, "cpu_time", "s", false};
    const double own = machine_.row_shift * normal_(random_);
    const double r = machine_.resemblance;
    double state = normal_(random_);
    for (const double common : course) {
      const double outlier = uniform_(random_) < machine_.outliers ? 0.3 * uniform_(random_) : 0;
      row.samples.push_back(cost * std::exp(common + own + machine_.sample * state + outlier));
      state = r * state + std::sqrt(1 - r * r) * normal_(random_);
    }
    results.rows.push_back(std::move(row));
  }

  const Machine& machine_;
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  std::uniform_real_distribution<double> uniform_;
};

bool differs(const Comparison& comparison) { return comparison.count(Verdict::kRegression) + comparison.count(Verdict::kImprovement) > 0; }

class FalseFindings : public testing::TestWithParam<Machine> {};

TEST_P(FalseFindings, AreInAtMostOneOfTwentyPairsOfEqualRuns) {
  constexpr std::uint64_t kSeed = 20261123;
  Simulation simulation(GetParam(), kSeed);
  int different = 0;
  for (int pair = 0; pair < kPairs; ++pair) {
    const Results base = simulation.run(1);
    different += differs(compare(base, simulation.run(1), {})) ? 1 : 0;
  }
  RecordProperty("different", different);
  EXPECT_LE(different, kPairs / 20) << GetParam().name << ", seed " << kSeed;
}

INSTANTIATE_TEST_SUITE_P(OnAMachine, FalseFindings, testing::ValuesIn(kMachines));

TEST(PlantedSlowdown, OfFivePercentIsFound) {
  const struct {
    const Machine& machine;
    int least;  // of kPairs
  } rows[] = {{kMachines[0], 90}, {kMachines[2], 90}, {kMachines[3], 75}};
  for (const auto& [machine, least] : rows) {
    Simulation simulation(machine, 5);
    int found = 0;
    for (int pair = 0; pair < kPairs; ++pair) {
      const Results base = simulation.run(1);
      const Comparison comparison = compare(base, simulation.run(1.05), {});
      found += comparison.count(Verdict::kRegression) > 0 ? 1 : 0;
      EXPECT_EQ(comparison.count(Verdict::kImprovement), 0U);
    }
    EXPECT_GE(found, least) << machine.name;
  }
}

// What the defences are there for: without them the same runs would be found different.
TEST(FalseFindingsWithout, ReferencesAMovingMachinePassesForADifference) {
  Simulation simulation(kMachines[2], 6);
  int different = 0;
  for (int pair = 0; pair < kPairs; ++pair) {
    Results base = simulation.run(1), next = simulation.run(1);
    base.references.clear();
    next.references.clear();
    different += differs(compare(base, next, {})) ? 1 : 0;
  }
  EXPECT_GT(different, kPairs / 4);
}

}  // namespace
}  // namespace wgu::bench
