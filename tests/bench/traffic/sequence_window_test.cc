#include "bench/traffic/sequence_window.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace wgu::bench {
namespace {

using Arrival = SequenceWindow::Arrival;
constexpr std::uint64_t kWindow = 1 << 20;  // written out again

TEST(SequenceWindow, TellsFirstReorderedAndDuplicate) {
  SequenceWindow window;
  EXPECT_EQ(window.add(0), Arrival::kFirst);
  EXPECT_EQ(window.add(3), Arrival::kFirst);
  EXPECT_EQ(window.add(1), Arrival::kReordered);
  EXPECT_EQ(window.add(1), Arrival::kDuplicate);
  EXPECT_EQ(window.add(3), Arrival::kDuplicate);
  EXPECT_EQ(window.add(2), Arrival::kReordered);
  EXPECT_EQ(window.add(4), Arrival::kFirst);
}

TEST(SequenceWindow, RemembersExactlyItsLength) {
  SequenceWindow window;
  EXPECT_EQ(window.add(kWindow), Arrival::kFirst);  // the newest: 1 is the oldest within
  EXPECT_EQ(window.add(1), Arrival::kReordered);
  EXPECT_EQ(window.add(1), Arrival::kDuplicate);
  EXPECT_EQ(window.add(0), Arrival::kTooOld);
}

// A bit of the ring stands for a number a whole window older until it is cleared.
TEST(SequenceWindow, ForgetsWhatALeapPassesOver) {
  SequenceWindow window;
  for (std::uint64_t i = 0; i < 1000; ++i) ASSERT_EQ(window.add(i), Arrival::kFirst);
  EXPECT_EQ(window.add(kWindow + 2000), Arrival::kFirst);
  EXPECT_EQ(window.add(kWindow + 500), Arrival::kReordered);
  EXPECT_EQ(window.add(3 * kWindow), Arrival::kFirst);
  EXPECT_EQ(window.add(2 * kWindow + 2000), Arrival::kReordered);
}

TEST(SequenceWindow, RefusesAnAbsurdLeapAndStaysAsItWas) {
  SequenceWindow window;
  EXPECT_EQ(window.add(5), Arrival::kFirst);
  EXPECT_EQ(window.add(~std::uint64_t{0}), Arrival::kForeign);
  EXPECT_EQ(window.add(std::uint64_t{1} << 62), Arrival::kForeign);
  EXPECT_EQ(window.add(6), Arrival::kFirst);
  EXPECT_EQ(window.add(5), Arrival::kDuplicate);
}

TEST(SequenceWindow, AgreesWithASetOfEverythingSeen) {
  std::mt19937_64 random(42);
  SequenceWindow window;
  std::set<std::uint64_t> seen;
  std::uint64_t base = 0;
  for (int i = 0; i < 200'000; ++i) {
    if (random() % 5000 == 0) base += random() % (2 * kWindow);
    base += random() % 3;
    const std::uint64_t sequence = base + 100 - random() % 100;
    const std::uint64_t next = seen.empty() ? 0 : *seen.rbegin() + 1;
    const Arrival expected = sequence >= next            ? Arrival::kFirst
                             : next - sequence > kWindow ? Arrival::kTooOld
                             : seen.count(sequence) != 0 ? Arrival::kDuplicate
                                                         : Arrival::kReordered;
    ASSERT_EQ(window.add(sequence), expected) << i;
    seen.insert(sequence);
  }
}

}  // namespace
}  // namespace wgu::bench
