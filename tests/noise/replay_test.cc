// The counter steps are those of the kernel's own test; its window, threshold and limit are written out again here.

#include "noise/replay.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace wgu::noise {
namespace {

constexpr std::uint64_t kWindow = 8192 - 64;
constexpr std::uint64_t kLimit = kWindow + 1;
constexpr std::uint64_t kReject = UINT64_MAX - kWindow - 1;

TEST(Replay, KernelSteps) {
  struct Step {
    std::uint64_t counter;
    bool is_accepted;
  };
  constexpr Step kSteps[] = {
      {0, true},
      {1, true},
      {1, false},
      {9, true},
      {8, true},
      {7, true},
      {7, false},
      {kLimit, true},
      {kLimit - 1, true},
      {kLimit - 1, false},
      {kLimit - 2, true},
      {2, true},
      {2, false},
      {kLimit + 16, true},
      {3, false},
      {kLimit + 16, false},
      {kLimit * 4, true},
      {kLimit * 4 - (kLimit - 1), true},
      {10, false},
      {kLimit * 4 - kLimit, false},
      {kLimit * 4 - (kLimit + 1), false},
      {kLimit * 4 - (kLimit - 2), true},
      {kLimit * 4 + 1 - kLimit, false},
      {0, false},
      {kReject, false},
      {kReject - 1, true},
      {kReject, false},
      {kReject - 1, false},
      {kReject - 2, true},
      {kReject + 1, false},
      {kReject + 2, false},
      {kReject - 2, false},
      {kReject - 3, true},
      {0, false},
  };
  static_assert(std::size(kSteps) == 34);
  ReplayWindow window;
  int number = 0;
  for (const auto& [counter, is_accepted] : kSteps)
    EXPECT_EQ(window.accept(counter), is_accepted) << "step " << ++number << ", counter " << counter;
}

// From `first` to `last`, both included, upwards or downwards; all are accepted.
void expect_run_accepted(ReplayWindow& window, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t counter = first;; counter = first < last ? counter + 1 : counter - 1) {
    ASSERT_TRUE(window.accept(counter)) << counter;
    if (counter == last) return;
  }
}

TEST(Replay, KernelBulkRuns) {
  {
    ReplayWindow window;
    expect_run_accepted(window, 1, kWindow);
    EXPECT_TRUE(window.accept(0));
    EXPECT_FALSE(window.accept(0));
  }
  {
    ReplayWindow window;
    expect_run_accepted(window, 2, kWindow + 1);
    EXPECT_TRUE(window.accept(1));
    EXPECT_FALSE(window.accept(0));
  }
  {
    ReplayWindow window;
    expect_run_accepted(window, kWindow, 0);
  }
  {
    ReplayWindow window;
    expect_run_accepted(window, kWindow + 1, 1);
    EXPECT_FALSE(window.accept(0));
  }
  {
    ReplayWindow window;
    expect_run_accepted(window, kWindow, 1);
    EXPECT_TRUE(window.accept(kWindow + 1));
    EXPECT_FALSE(window.accept(0));
  }
  {
    ReplayWindow window;
    expect_run_accepted(window, kWindow, 1);
    EXPECT_TRUE(window.accept(0));
    EXPECT_TRUE(window.accept(kWindow + 1));
  }
}

TEST(Replay, GreatestIsTheGreatestAccepted) {
  ReplayWindow window;
  EXPECT_EQ(window.greatest(), 0U);
  EXPECT_TRUE(window.accept(500));
  EXPECT_TRUE(window.accept(400));
  EXPECT_FALSE(window.accept(UINT64_MAX));
  EXPECT_EQ(window.greatest(), 500U);
}

// What the window must do, as simply as it can be said.
class NaiveWindow {
 public:
  bool accept(std::uint64_t counter) {
    if (counter >= kReject) return false;
    if (!seen_.empty() && counter < *seen_.rbegin() && *seen_.rbegin() - counter > kWindow) return false;
    return seen_.insert(counter).second;
  }

 private:
  std::set<std::uint64_t> seen_;
};

TEST(Replay, AgreesWithNaiveModel) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (const std::uint64_t start : {std::uint64_t{0}, std::uint64_t{1} << 32, kReject - 20'000}) {
    ReplayWindow window;
    NaiveWindow naive;
    std::uint64_t around = start;
    for (int i = 0; i < 20'000; ++i) {
      // Mostly near the front, sometimes anywhere around the window's edge, rarely a leap past several windows.
      const std::uint64_t kind = random() % 100;
      std::uint64_t counter = 0;
      if (kind < 70) {
        counter = around + random() % 8;
      } else if (kind < 90) {
        counter = around - std::min<std::uint64_t>(around, random() % (kWindow + 200));
      } else if (kind < 99) {
        counter = around - std::min<std::uint64_t>(around, kWindow - 70 + random() % 140);
      } else {
        counter = around + random() % (3 * kWindow);
      }
      ASSERT_EQ(window.accept(counter), naive.accept(counter))
          << "step " << i << ", counter " << counter << ", greatest " << window.greatest();
      around = std::max(around, window.greatest());
    }
  }
}

}  // namespace
}  // namespace wgu::noise
