#include "bench/compare/history.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <random>

#include "scratch_folder.h"

namespace wgu::bench {
namespace {

// A run with one row of ours at `level` and six of a library's, all times what the machine did.
Results run(int number, double level, double machine, std::mt19937_64& random) {
  std::normal_distribution<double> noise(1, 0.005);
  Results results;
  results.command = "micro";
  results.begun = "2026-11-" + std::to_string(10 + number) + "T00:00:00Z";
  results.configuration_hash = "same";
  results.references = {"libsodium"};
  const auto add = [&](const std::string& name, const std::string& subject, double value) {
    Row row{name, subject, "cpu_time", "s", false};
    for (int i = 0; i < 10; ++i) row.samples.push_back(value * machine * noise(random));
    results.rows.push_back(row);
  };
  add("ours", "wgu", level);
  for (int i = 0; i < 6; ++i) add("reference" + std::to_string(i), "libsodium", 1);
  return results;
}

std::vector<Results> runs(int count, int slower_from, double by, bool is_drifting) {
  std::mt19937_64 random(4);
  std::vector<Results> all;
  for (int i = 0; i < count; ++i) all.push_back(run(i, i < slower_from ? 1 : by, is_drifting ? 1 + 0.02 * i : 1, random));
  return all;
}

HistoryVerdict check(std::vector<Results> all) {
  const Results next = all.back();
  all.pop_back();
  return check_history(all, next);
}

TEST(History, ALastingChangeIsNamedWithItsFirstRun) {
  const HistoryVerdict verdict = check(runs(16, 9, 1.06, false));
  EXPECT_EQ(verdict.runs, 16U);
  ASSERT_EQ(verdict.changes.size(), 1U);
  EXPECT_EQ(verdict.changes[0].name, "ours");
  EXPECT_EQ(verdict.changes[0].since, "2026-11-19T00:00:00Z");
  EXPECT_EQ(verdict.changes[0].runs_since, 7U);
  EXPECT_NEAR(verdict.changes[0].ratio, 1.06, 0.01);
  EXPECT_TRUE(verdict.changes[0].is_worse);
  EXPECT_NE(format_history(verdict).find("warning: ours, wgu, cpu_time: worse by "), std::string::npos);
}

TEST(History, ALevelIsNoChange) { EXPECT_TRUE(check(runs(16, 16, 1, false)).changes.empty()); }

TEST(History, WhatTheReferencesDoAsWellIsTheMachine) {
  EXPECT_TRUE(check(runs(16, 16, 1, true)).changes.empty());
  EXPECT_EQ(check(runs(16, 8, 1.06, true)).changes.size(), 1U) << "but a change of ours is found behind it";
}

TEST(History, WithoutReferencesADriftIsWarnedOf) {
  std::vector<Results> all = runs(16, 16, 1, true);
  for (Results& each : all) each.references.clear();
  EXPECT_FALSE(check(all).changes.empty());
}

TEST(History, SmallChangesAreNone) { EXPECT_TRUE(check(runs(16, 8, 1.01, false)).changes.empty()); }

TEST(History, SaysWhenThereAreTooFewRuns) {
  const HistoryVerdict verdict = check(runs(kLeastRuns - 1, 4, 2, false));
  EXPECT_TRUE(verdict.changes.empty());
  EXPECT_EQ(format_history(verdict), "\nhistory: 9 runs of this configuration; at least 10 are needed to see a change of level\n");
}

TEST(History, IsOfOneConfigurationAndCountsARunOnce) {
  std::vector<Results> all = runs(12, 6, 1.2, false);
  const Results next = all.back();
  for (std::size_t i = 0; i < 5; ++i) all[i].configuration_hash = "other";
  EXPECT_EQ(check_history(all, next).runs, 7U);
}

TEST(HistoryFile, GrowsByALineARun) {
  const test::ScratchFolder folder;
  std::vector<Results> all = runs(3, 3, 1, false);
  all[1].curves = {{"c", "wgu", "s", "s", {{1, 2}}}};
  for (const Results& each : all) ASSERT_TRUE(append_history(folder.file("h"), each).ok());
  all[1].curves.clear();
  EXPECT_EQ(*read_history(folder.file("h")), all);
}

TEST(HistoryFile, ThatIsAbsentIsEmpty) {
  const test::ScratchFolder folder;
  EXPECT_TRUE(read_history(folder.file("absent"))->empty());
}

TEST(HistoryFile, ErrorsNameTheLine) {
  const test::ScratchFolder folder;
  ASSERT_TRUE(append_history(folder.file("h"), Results{}).ok());
  std::ofstream(folder.file("h"), std::ios::app) << "{\"version\":1}\n";
  EXPECT_EQ(read_history(folder.file("h")).error().code, EINVAL);
  EXPECT_EQ(read_history(folder.file("h")).error().message, folder.file("h") + ": line 2: command: is not there");
  EXPECT_EQ(append_history(folder.file("absent/h"), Results{}).error().code, ENOENT);
}

}  // namespace
}  // namespace wgu::bench
