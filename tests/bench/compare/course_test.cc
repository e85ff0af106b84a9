#include "bench/compare/course.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace wgu::bench {
namespace {

constexpr std::size_t kRounds = 12;

// Rows of both runs: row i at scale 10^i, in each round times what the machine did.
struct Runs {
  std::vector<Row> base, next;

  Runs(std::size_t rows, const std::vector<double>& machine_base, const std::vector<double>& machine_next) : base(rows), next(rows) {
    for (std::size_t i = 0; i < rows; ++i) {
      const double scale = std::pow(10, static_cast<double>(i));
      for (const double factor : machine_base) base[i].samples.push_back(scale * factor);
      for (const double factor : machine_next) next[i].samples.push_back(scale * factor);
    }
  }
  [[nodiscard]] std::vector<RowPair> pairs() const {
    std::vector<RowPair> list;
    for (std::size_t i = 0; i < base.size(); ++i) list.push_back({&base[i], &next[i]});
    return list;
  }
};

std::vector<double> steady(double factor) { return std::vector<double>(kRounds, factor); }

TEST(MachineCourse, TakesOutWhatReferencesHaveInCommonRoundByRound) {
  std::vector<double> wavering = steady(1);
  wavering[3] = 1.5;
  const Runs references(5, steady(1), wavering);
  const MachineCourse course(references.pairs());
  EXPECT_EQ(course.references(), 5U);
  EXPECT_TRUE(course.is_taken_out());
  const Runs ours(1, steady(2), wavering);
  const auto logs = course.samples(ours.pairs()[0]);
  ASSERT_TRUE(logs);
  for (std::size_t i = 1; i < kRounds; ++i) {
    EXPECT_NEAR(logs->next[i], logs->next[0], 1e-12) << i;
    EXPECT_NEAR(logs->base[i], logs->base[0], 1e-12) << i;
  }
  EXPECT_NEAR(logs->next[0] - logs->base[0], -std::log(2), 1e-12) << "our own difference stays";
}

TEST(MachineCourse, DriftIsThatOfTheMachine) {
  const Runs references(7, steady(1), steady(1.1));
  const MachineCourse course(references.pairs());
  EXPECT_NEAR(course.drift(), std::log(1.1), 1e-12);
  EXPECT_NEAR(course.noise().value(), 0, 1e-12);
}

TEST(MachineCourse, NoiseIsHowMuchReferencesStillDiffer) {
  Runs references(9, steady(1), steady(1.1));
  for (double& sample : references.next[4].samples) sample *= 1.2;  // one of nine: all count, below twenty
  EXPECT_NEAR(MachineCourse(references.pairs()).noise().value(), std::log(1.2), 1e-12);
}

TEST(MachineCourse, NoiseOfManyLeavesTheLastTwentiethAside) {
  Runs references(40, steady(1), steady(1));
  for (const std::size_t i : {0U, 1U, 2U}) {
    for (double& sample : references.next[i].samples) sample *= 1.1 + 0.1 * static_cast<double>(i);
  }
  EXPECT_NEAR(MachineCourse(references.pairs()).noise().value(), std::log(1.1), 1e-9) << "the 38th of 40";
}

TEST(MachineCourse, AFewReferencesTellTheNoiseButNotTheCourse) {
  const Runs references(4, steady(1), steady(1.07));
  const MachineCourse course(references.pairs());
  EXPECT_FALSE(course.is_taken_out());
  EXPECT_EQ(course.drift(), 0);
  EXPECT_NEAR(course.noise().value(), std::log(1.07), 1e-12);
}

TEST(MachineCourse, WithoutReferencesThereIsNone) {
  const MachineCourse course({});
  EXPECT_FALSE(course.noise());
  EXPECT_FALSE(course.is_taken_out());
  const Runs ours(1, steady(2), steady(3));
  EXPECT_NEAR(course.samples(ours.pairs()[0])->next[5], std::log(3), 1e-12);
}

TEST(MachineCourse, ReferencesOfTooFewOrOfZeroSamplesAreLeftOut) {
  Runs references(6, steady(1), steady(1));
  references.base[0].samples.resize(kLeastSamples - 1);
  references.next[1].samples[2] = 0;
  EXPECT_EQ(MachineCourse(references.pairs()).references(), 4U);
}

TEST(MachineCourse, ARowThatMissedRoundsLosesTheMiddleOfTheCourse) {
  const Runs references(5, steady(1), steady(1.1));
  Runs ours(1, steady(1), steady(1.1));
  ours.next[0].samples.pop_back();
  const auto logs = MachineCourse(references.pairs()).samples(ours.pairs()[0]);
  ASSERT_EQ(logs->next.size(), kRounds - 1);
  EXPECT_NEAR(logs->next[0] - logs->base[0], 0, 1e-12);
}

TEST(MachineCourse, ZerosHaveNoLogarithm) {
  Runs ours(1, steady(1), steady(1));
  ours.base[0].samples[1] = 0;
  EXPECT_FALSE(MachineCourse({}).samples(ours.pairs()[0]));
}

TEST(Autocorrelation, IsZeroForIndependentRoundsAndTheirOwnOtherwise) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  for (const double r : {0.0, 0.3, 0.6}) {
    std::vector<std::vector<double>> series;
    for (int i = 0; i < 2000; ++i) {
      std::vector<double> one;
      double value = normal(random);
      for (std::size_t round = 0; round < 15; ++round) {
        one.push_back(value);
        value = r * value + std::sqrt(1 - r * r) * normal(random);
      }
      series.push_back(std::move(one));
    }
    EXPECT_NEAR(autocorrelation(series), r, 0.06) << r;
  }
}

TEST(Autocorrelation, OfWhatStandsStillOrIsTooShortIsNone) {
  EXPECT_EQ(autocorrelation({std::vector<double>(20, 5.0)}), 0);
  EXPECT_EQ(autocorrelation({{1, 2, 3}}), 0);
  EXPECT_EQ(autocorrelation({}), 0);
}

TEST(Autocorrelation, OfWhatOnlyRisesIsHigh) {
  std::vector<double> rising;
  for (int i = 0; i < 15; ++i) rising.push_back(i);
  EXPECT_GT(autocorrelation({rising}), 0.9);
}

}  // namespace
}  // namespace wgu::bench
