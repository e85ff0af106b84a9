#include "tunnel/handshake_budget.h"

#include <gtest/gtest.h>

namespace wgu::tunnel {
namespace {

using namespace std::chrono_literals;

class HandshakeBudgetTest : public ::testing::Test {
 protected:
  // Ten windows of data at that rate; how many handshakes had their turn.
  int handshakes_beside(double packets_a_second, Duration round = 100us) {
    int handshakes = 0;
    for (const Instant end = now_ + 100ms; now_ < end; now_ += round) {
      budget_.advance(now_, static_cast<std::size_t>(packets_a_second * std::chrono::duration<double>(round).count()));
      for (int left = HandshakeBudget::kMostAtOnce; left > 0 && budget_.has_credit(); --left) {
        budget_.charge(130us);
        ++handshakes;
      }
    }
    return handshakes;
  }
  Instant now_{1h};
  HandshakeBudget budget_;
};

TEST_F(HandshakeBudgetTest, BeginsWithCredit) {
  EXPECT_TRUE(budget_.has_credit());
  EXPECT_EQ(budget_.next_credit(), Instant::min());
}

TEST_F(HandshakeBudgetTest, WithoutMuchDataFourHaveTheirTurnInEachRound) {
  EXPECT_EQ(handshakes_beside(0), 4000);
  EXPECT_EQ(handshakes_beside(50'000), 4000) << "500 packets in 10 ms";
}

TEST_F(HandshakeBudgetTest, BesideMuchDataTheyGetATenthOfTheTimeHoweverOftenAsked) {
  handshakes_beside(100'000);  // until the data is seen to be much
  EXPECT_NEAR(handshakes_beside(100'000), 77, 1);
  EXPECT_NEAR(handshakes_beside(1'000'000, 20us), 77, 1);
  EXPECT_NEAR(handshakes_beside(1'000'000, 5ms), 20, 1) << "one message at a time";
}

// Data that comes in bursts, with rounds without any between them.
TEST_F(HandshakeBudgetTest, MuchDataRestrainsTheRoundsWithoutAnyToo) {
  int handshakes = 0;
  for (int round = 0; round < 1000; ++round, now_ += 100us) {
    budget_.advance(now_, round % 10 == 0 ? 100 : 0);
    while (budget_.has_credit()) {
      budget_.charge(130us);
      handshakes += round >= 200;
    }
  }
  EXPECT_NEAR(handshakes, 80 / 1.3, 1);
}

TEST_F(HandshakeBudgetTest, DataThatEndsIsForgottenAfterTwoWindows) {
  handshakes_beside(100'000);
  budget_.advance(now_ += 5ms, 0);
  budget_.charge(130us);
  EXPECT_FALSE(budget_.has_credit());
  budget_.advance(now_ += 15ms, 0);
  EXPECT_TRUE(budget_.has_credit());
  handshakes_beside(100'000);
  budget_.advance(now_ += 1h, 0);
  budget_.charge(4 * 130us - 1ns);
  EXPECT_TRUE(budget_.has_credit()) << "all four";
}

TEST_F(HandshakeBudgetTest, SaysWhenThereWillBeCredit) {
  handshakes_beside(100'000);
  while (budget_.has_credit()) budget_.charge(130us);
  const Instant next = budget_.next_credit();
  ASSERT_GT(next, now_ - 100us);
  HandshakeBudget before = budget_;
  before.advance(next - 1ns, 0);
  EXPECT_FALSE(before.has_credit());
  budget_.advance(next, 0);
  EXPECT_TRUE(budget_.has_credit());
}

TEST_F(HandshakeBudgetTest, ClaimsAreLookedAtForHalfAMillisecondOrATwentiethOfTheTime) {
  budget_.advance(now_, 0);
  budget_.charge_claim(500us - 1ns);
  EXPECT_TRUE(budget_.may_look_at_claim());
  budget_.charge_claim(1us);
  EXPECT_FALSE(budget_.may_look_at_claim());
  budget_.advance(now_ += 1us, 511);
  EXPECT_TRUE(budget_.may_look_at_claim()) << "little data";
  budget_.charge_claim(500us);
  budget_.advance(now_ += 1us, 1);
  EXPECT_TRUE(budget_.may_look_at_claim()) << "50 ns were paid off";
  budget_.charge_claim(500us);
  budget_.advance(now_ += 9ms, 0);
  EXPECT_FALSE(budget_.may_look_at_claim()) << "of 1 ms less 50 ns";
  budget_.advance(now_ += 1100us, 512);
  EXPECT_TRUE(budget_.may_look_at_claim());
}

TEST_F(HandshakeBudgetTest, ATimeThatGoesBackwardsEarnsAndCostsNothing) {
  handshakes_beside(100'000);
  while (budget_.has_credit()) budget_.charge(130us);
  budget_.advance(now_ - 1s, 0);
  EXPECT_FALSE(budget_.has_credit());
}

}  // namespace
}  // namespace wgu::tunnel
