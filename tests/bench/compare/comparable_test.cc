#include "bench/compare/comparable.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace wgu::bench {
namespace {

Results run() {
  Results results;
  results.command = "tunnel";
  results.configuration = {{"mtu", "1420"}, {"streams", "4"}};
  results.environment = {{"wgu", "0.1.0"}, {"build", "aa"}, {"compiler", "g++ 12"}, {"cpu", "x"}, {"note/load", "1"}};
  return results;
}

Results with(const std::string& key, const std::string& value) {
  Results results = run();
  if (results.configuration.contains(key)) {
    results.configuration[key] = value;
    return results;
  }
  for (auto& [name, old] : results.environment) {
    if (name == key) old = value;
  }
  return results;
}

TEST(Differences, AreOfEveryKindInOrder) {
  Results next = with("mtu", "1280");
  next.command = "memory";
  next.configuration.erase("streams");
  next.environment = {{"wgu", "0.2.0"}, {"build", "bb"}, {"compiler", "g++ 12"}, {"cpu", "y"}, {"note/load", "9"}, {"veth", "slow"}};
  EXPECT_EQ(differences(run(), next), (std::vector<Difference>{{"command", "tunnel", "memory"},
                                                               {"mtu", "1420", "1280"},
                                                               {"streams", "4", "(absent)"},
                                                               {"cpu", "x", "y"},
                                                               {"veth", "(absent)", "slow"},
                                                               {"build", "0.1.0, aa", "0.2.0, bb"}}));
}

TEST(Comparable, WhatMayVary) {
  const struct {
    Results next;
    std::string varies;
    bool is_comparable;
  } rows[] = {
      {run(), kBuildKey, true},
      {with("build", "bb"), kBuildKey, true},
      {with("wgu", "0.2.0"), kBuildKey, true},
      {with("note/load", "7"), kBuildKey, true},
      {with("mtu", "1280"), kBuildKey, false},
      {with("cpu", "y"), kBuildKey, false},
      {with("compiler", "clang"), kBuildKey, false},
      {with("mtu", "1280"), "mtu", true},
      {with("mtu", "1280"), "streams", false},
      {with("cpu", "y"), "cpu", true},
      {with("build", "bb"), "mtu", false},
      {with("build", "bb"), "compiler", true},  // another compiler is another build
      {with("build", "bb"), "cpu", false},
      {run(), "mtu", true},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(check_comparable(run(), row.next, row.varies).ok(), row.is_comparable) << row.varies;
    EXPECT_EQ(check_comparable(row.next, run(), row.varies).ok(), row.is_comparable) << row.varies;
  }
}

TEST(Comparable, ARefusalListsWhatDiffers) {
  Results next = with("mtu", "1280");
  next.environment[3].second = "y";
  const Result<void> result = check_comparable(run(), next, "mtu");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, EINVAL);
  EXPECT_EQ(result.error().message,
            "the runs differ in more than \"mtu\", so a difference would say nothing about it:\n  cpu: \"x\" and \"y\"");
}

TEST(KeepsReferences, OnlyWhileTheMachineStaysWhatItIs) {
  EXPECT_TRUE(keeps_references(kBuildKey));
  EXPECT_TRUE(keeps_references("compiler"));
  EXPECT_FALSE(keeps_references("mtu"));
  EXPECT_FALSE(keeps_references("governor"));
}

}  // namespace
}  // namespace wgu::bench
