#include "bench/compare/judgement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace wgu::bench {
namespace {

// `count` samples that lie within one percent of each other, each value another, in an order that resembles nothing.
std::vector<double> around(double level, std::size_t count = 12) {
  std::vector<double> samples;
  for (std::size_t i = 0; i < count; ++i)
    samples.push_back(level * (1 + 0.01 * static_cast<double>(i * 7 % count) / static_cast<double>(count)));
  return samples;
}

Row row(const std::string& name, const std::string& subject, std::vector<double> samples, bool higher_is_better = false) {
  return {name, subject, "m", "s", higher_is_better, std::move(samples)};
}

Results of(std::vector<Row> rows) {
  Results results;
  results.rows = std::move(rows);
  results.references = {"veth"};
  return results;
}

// Of a single row.
Judgement judge(const Row& base, const Row& next, const Criteria& criteria = {}) {
  return compare(of({base}), of({next}), criteria).rows.at(0);
}

TEST(Judgement, WorseAndBetterDependOnTheDirection) {
  const struct {
    double next;
    bool higher_is_better;
    Verdict verdict;
  } rows[] = {
      {2, false, Verdict::kRegression},  {2, true, Verdict::kImprovement},   {0.5, false, Verdict::kImprovement},
      {0.5, true, Verdict::kRegression}, {1, false, Verdict::kNoDifference}, {1, true, Verdict::kNoDifference},
  };
  for (const auto& each : rows) {
    const Judgement judgement =
        judge(row("a", "wgu", around(1), each.higher_is_better), row("a", "wgu", around(each.next), each.higher_is_better));
    EXPECT_EQ(judgement.verdict, each.verdict) << each.next << each.higher_is_better;
    EXPECT_NEAR(judgement.ratio, each.next, 1e-9);
    EXPECT_LE(judgement.low, judgement.ratio);
    EXPECT_GE(judgement.high, judgement.ratio);
    EXPECT_GT(judgement.low, each.next * 0.99);
    EXPECT_LT(judgement.high, each.next * 1.01);
  }
}

TEST(Judgement, BelowTheLeastEffectThereIsNone) {
  // 4 % is clear of all noise, but less than the 5 % that count without references.
  EXPECT_EQ(judge(row("a", "wgu", around(1)), row("a", "wgu", around(1.04))).verdict, Verdict::kNoDifference);
  EXPECT_EQ(judge(row("a", "wgu", around(1)), row("a", "wgu", around(1.08))).verdict, Verdict::kRegression);
  Criteria criteria;
  criteria.least_effect = 0.01;
  EXPECT_EQ(judge(row("a", "wgu", around(1)), row("a", "wgu", around(1.04)), criteria).verdict, Verdict::kRegression);
}

TEST(Judgement, PIsThatOfTheRankSumBeyondTheFloor) {
  Criteria criteria;
  criteria.least_effect = 0;
  const Judgement judgement = judge(row("a", "wgu", around(1, 10)), row("a", "wgu", around(2, 10)), criteria);
  EXPECT_NEAR(judgement.p, 2.0 / 184756, 1e-9);
  EXPECT_EQ(judgement.p_adjusted, judgement.p) << "one row";
}

TEST(Judgement, PIsAdjustedOverAllRows) {
  std::vector<Row> base, next;
  for (int i = 0; i < 5; ++i) {
    base.push_back(row(std::to_string(i), "wgu", around(1)));
    next.push_back(row(std::to_string(i), "wgu", around(2)));
  }
  const Comparison comparison = compare(of(base), of(next), {});
  for (const Judgement& judgement : comparison.rows) EXPECT_NEAR(judgement.p_adjusted, 5 * judgement.p, 1e-12);
}

TEST(Judgement, WithFewerThanTenSamplesItCannotTell) {
  const Judgement judgement = judge(row("a", "wgu", around(1, 12)), row("a", "wgu", around(9, 9)));
  EXPECT_EQ(judgement.verdict, Verdict::kCannotTell);
  EXPECT_EQ(judgement.reason, "9 samples; at least 10 are needed");
  EXPECT_EQ(judge(row("a", "wgu", around(1, 10)), row("a", "wgu", around(9, 10))).verdict, Verdict::kRegression);
}

TEST(Judgement, WithoutSamplesItCannotTell) {
  EXPECT_EQ(judge(row("a", "wgu", {}), row("a", "wgu", around(1))).verdict, Verdict::kCannotTell);
  EXPECT_EQ(judge(row("a", "wgu", {}), row("a", "wgu", {})).verdict, Verdict::kCannotTell);
}

TEST(Judgement, SaysWhenSoManyRowsLeaveNoChance) {
  // The least p of ten a side is 1.08e-5: among a thousand rows not even full separation would be below 1 %.
  std::vector<Row> rows, slower;
  for (int i = 0; i < 1000; ++i) {
    rows.push_back(row(std::to_string(i), "wgu", around(1, 10)));
    slower.push_back(row(std::to_string(i), "wgu", around(2, 10)));
  }
  const Comparison comparison = compare(of(rows), of(slower), {});
  EXPECT_EQ(comparison.count(Verdict::kCannotTell), 1000U);
  EXPECT_EQ(comparison.rows[0].reason, "10 samples are too few to find anything among so many rows");
}

TEST(Judgement, RowsThatAreCountedDifferentlyAreNotCompared) {
  Row next = row("a", "wgu", around(1));
  next.unit = "ns";
  EXPECT_EQ(judge(row("a", "wgu", around(1)), next).reason, "the runs count it differently");
}

TEST(Judgement, RoundsThatResembleEachOtherCountForLess) {
  // The same values in an order that rises and falls slowly.
  std::vector<double> mixed = around(1), slow = mixed;
  std::sort(slow.begin(), slow.end());
  std::vector<double> slow_next = slow;
  for (double& value : slow_next) value *= 2;
  Criteria criteria;
  criteria.least_effect = 0;
  const Judgement independent = judge(row("a", "wgu", mixed), row("a", "wgu", around(2)), criteria);
  const Judgement resembling = judge(row("a", "wgu", slow), row("a", "wgu", slow_next), criteria);
  EXPECT_EQ(independent.verdict, Verdict::kRegression);
  EXPECT_EQ(resembling.verdict, Verdict::kCannotTell);
  EXPECT_EQ(resembling.reason, "12 samples are too few to find anything, as rounds resemble each other");
  EXPECT_LT(resembling.low, independent.low);
  EXPECT_GT(resembling.high, independent.high);
}

TEST(Judgement, ZerosAreComparedWithoutARatio) {
  std::vector<double> lossy = around(0.02);
  const Judgement more = judge(row("loss", "wgu", std::vector<double>(12, 0.0)), row("loss", "wgu", lossy));
  EXPECT_EQ(more.verdict, Verdict::kRegression);
  EXPECT_FALSE(more.has_ratio);
  const Judgement none = judge(row("loss", "wgu", std::vector<double>(12, 0.0)), row("loss", "wgu", std::vector<double>(12, 0.0)));
  EXPECT_EQ(none.verdict, Verdict::kNoDifference);
}

// Six rows of the bare veth at `level`.
void add_references(std::vector<Row>& rows, double level) {
  for (int i = 0; i < 6; ++i) rows.push_back(row("reference" + std::to_string(i), "veth", around(level)));
}

TEST(Judgement, WhatTheReferencesDoIsTakenOut) {
  std::vector<Row> base = {row("a", "wgu", around(1)), row("b", "wgu", around(1))};
  std::vector<Row> next = {row("a", "wgu", around(1.2)), row("b", "wgu", around(1.3))};
  add_references(base, 5);
  add_references(next, 6);
  const Comparison comparison = compare(of(base), of(next), {});
  EXPECT_EQ(comparison.rows[0].verdict, Verdict::kNoDifference);
  EXPECT_NEAR(comparison.rows[0].ratio, 1, 1e-9);
  EXPECT_EQ(comparison.rows[1].verdict, Verdict::kRegression);
  EXPECT_NEAR(comparison.rows[1].ratio, 1.3 / 1.2, 1e-9);
  EXPECT_EQ(comparison.count(Verdict::kReference), 6U);
  ASSERT_EQ(comparison.noise.size(), 1U);
  EXPECT_NEAR(comparison.noise[0].drift, 1.2, 1e-9);
  EXPECT_NEAR(comparison.noise[0].floor, kLeastEffect, 1e-9);
}

TEST(Judgement, WhatReferencesStillDifferByRaisesTheFloor) {
  std::vector<Row> base = {row("a", "wgu", around(1))};
  std::vector<Row> next = {row("a", "wgu", around(1.1))};
  add_references(base, 5);
  add_references(next, 5);
  next.back().samples = around(5 * 1.08);  // one of six moved by 8 %: 12 % and less do not count
  const Comparison comparison = compare(of(base), of(next), {});
  EXPECT_EQ(comparison.rows[0].verdict, Verdict::kNoDifference);
  EXPECT_NEAR(comparison.noise[0].floor, std::pow(1.08, kNoiseMargin) - 1, 1e-9);
}

TEST(Judgement, ReferencesAreRowsWhenTheyMayMove) {
  std::vector<Row> base = {row("a", "wgu", around(1))}, next = {row("a", "wgu", around(1))};
  add_references(base, 5);
  add_references(next, 6);
  Criteria criteria;
  criteria.has_references = false;
  const Comparison comparison = compare(of(base), of(next), criteria);
  EXPECT_EQ(comparison.count(Verdict::kRegression), 6U);
  EXPECT_EQ(comparison.count(Verdict::kReference), 0U);
}

TEST(Comparison, NamesTheRowsOfOneRunOnly) {
  const Comparison comparison =
      compare(of({row("a", "wgu", around(1)), row("b", "wgu", around(1))}), of({row("b", "wgu", around(1)), row("b", "x", {})}), {});
  EXPECT_EQ(comparison.only_in_base, std::vector<std::string>{"a, wgu, m"});
  EXPECT_EQ(comparison.only_in_next, std::vector<std::string>{"b, x, m"});
  EXPECT_EQ(comparison.rows.size(), 1U);
}

}  // namespace
}  // namespace wgu::bench
