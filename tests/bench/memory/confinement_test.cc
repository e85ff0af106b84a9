#include "bench/memory/confinement.h"

#include <gtest/gtest.h>

#include <thread>

#include "engine/cpus.h"

namespace wgu::bench {
namespace {

using engine::affinity_of_this_thread;

TEST(Confinement, HoldsForThisThreadAndThoseItStartsUntilItEnds) {
  const std::vector<int> before = affinity_of_this_thread();
  if (before.size() < 2) GTEST_SKIP() << "one CPU only";
  std::vector<int> of_started;
  {
    const Confinement confinement({before.back()});
    EXPECT_EQ(affinity_of_this_thread(), std::vector<int>{before.back()});
    std::thread([&of_started] { of_started = affinity_of_this_thread(); }).join();
  }
  EXPECT_EQ(of_started, std::vector<int>{before.back()});
  EXPECT_EQ(affinity_of_this_thread(), before);
}

TEST(Confinement, WhatTheSystemDoesNotGrantChangesNothing) {
  const std::vector<int> before = affinity_of_this_thread();
  for (const auto& cpus : {std::vector<int>{}, std::vector<int>{-1}, std::vector<int>{1 << 30}}) {
    const Confinement confinement(cpus);
    EXPECT_EQ(affinity_of_this_thread(), before);
  }
  EXPECT_EQ(affinity_of_this_thread(), before);
}

TEST(Confinement, WorkersHaveTheFirstCpusOfThoseNamedOrOfAll) {
  EXPECT_EQ(cpus_of_workers({7, 3, 5}, 2), (std::vector<int>{7, 3}));
  EXPECT_EQ(cpus_of_workers({7}, 4), std::vector<int>{7});
  const std::vector<int> all = affinity_of_this_thread();
  EXPECT_EQ(cpus_of_workers({}, 1), std::vector<int>{all.front()});
  EXPECT_EQ(cpus_of_workers({}, static_cast<unsigned>(all.size()) + 1), all);
}

}  // namespace
}  // namespace wgu::bench
