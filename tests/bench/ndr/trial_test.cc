#include "bench/ndr/trial.h"

#include <gtest/gtest.h>

namespace wgu::bench {
namespace {

TrialOutcome outcome_of(std::uint64_t intended, std::uint64_t sent, std::uint64_t received) {
  TrialOutcome outcome;
  outcome.sent.intended = intended;
  outcome.sent.sent = sent;
  outcome.sent.unsent = intended - sent;
  outcome.received.received = received;
  outcome.has_daemons = true;
  return outcome;
}

TEST(TrialOutcome, LossCountsWhatWasNeverSent) {
  EXPECT_DOUBLE_EQ(outcome_of(1000, 1000, 1000).loss(), 0);
  EXPECT_DOUBLE_EQ(outcome_of(1000, 1000, 990).loss(), 0.01);
  EXPECT_DOUBLE_EQ(outcome_of(1000, 900, 890).loss(), 0.11);
  EXPECT_DOUBLE_EQ(outcome_of(0, 0, 0).loss(), 1);  // nothing was tried: nothing is shown
}

TEST(TrialOutcome, SaysWhatLimitedIt) {
  TrialOutcome lossy = outcome_of(1000, 1000, 900);
  EXPECT_EQ(lossy.limit(), Limit::kNetwork);
  lossy.daemon_busy = 0.95;
  EXPECT_EQ(lossy.limit(), Limit::kCpu);
  lossy.daemon_busy = 0.5;
  lossy.machine_busy = 0.99;
  EXPECT_EQ(lossy.limit(), Limit::kCpu);
  lossy.received.overflowed = 90;  // at our own sink
  EXPECT_EQ(lossy.limit(), Limit::kGenerator);

  TrialOutcome slow = outcome_of(1000, 900, 900);
  slow.daemon_busy = 1;
  EXPECT_EQ(slow.limit(), Limit::kGenerator);
  slow = outcome_of(1000, 1000, 900);
  slow.has_daemons = false;
  EXPECT_EQ(slow.limit(), Limit::kGenerator);
}

TEST(LoopbackTrial, CarriesASmallRate) {
  const TrialOutcome outcome = loopback_trial({.sizes = {64, 200}})(2000, 0.1).value();
  EXPECT_EQ(outcome.sent.intended, 200U);
  EXPECT_EQ(outcome.received.received, 200U);
  EXPECT_EQ(outcome.received.bytes, 100U * 64 + 100U * 200);
  EXPECT_EQ(outcome.loss(), 0);
}

TEST(LoopbackTrial, SaysThatAnAbsurdRateWasNotReached) {
  const TrialOutcome outcome = loopback_trial({})(1e9, 0.05).value();
  EXPECT_GT(outcome.loss(), 0.5);
  EXPECT_EQ(outcome.limit(), Limit::kGenerator);
}

}  // namespace
}  // namespace wgu::bench
