#include "engine/drop_deltas.h"

#include <gtest/gtest.h>

#include <map>

namespace wgu::engine {
namespace {

using Told = std::map<Drop, std::uint64_t>;

Told told_by(DropDeltas& deltas, const Counters& counters) {
  Told told;
  deltas.tell(counters, [&told](Drop reason, std::uint64_t packets) { told[reason] += packets; });
  return told;
}

TEST(DropDeltas, TellWhatHasGrownSinceTheLastTime) {
  Counters counters;
  counters.drop(Drop::kInBadTag, 7);
  DropDeltas deltas;
  EXPECT_TRUE(told_by(deltas, counters).empty()) << "from before anybody listened";
  EXPECT_TRUE(told_by(deltas, counters).empty());
  counters.drop(Drop::kInBadTag, 2);
  counters.drop(Drop::kInShutdown);
  EXPECT_EQ(told_by(deltas, counters), (Told{{Drop::kInBadTag, 2}, {Drop::kInShutdown, 1}}));
  EXPECT_TRUE(told_by(deltas, counters).empty());
}

TEST(DropDeltas, WhatIsForgottenIsNotTold) {
  Counters counters;
  DropDeltas deltas;
  told_by(deltas, counters);
  counters.drop(Drop::kOutNoPeer);
  deltas.forget();
  EXPECT_TRUE(told_by(deltas, counters).empty());
  counters.drop(Drop::kOutNoPeer);
  EXPECT_EQ(told_by(deltas, counters), (Told{{Drop::kOutNoPeer, 1}}));
}

}  // namespace
}  // namespace wgu::engine
