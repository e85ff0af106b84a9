#include "bench/memory/limits.h"

#include <gtest/gtest.h>

#include <vector>

namespace wgu::bench {
namespace {

RoundReport round(double sender, double receiver, double feeder, double drain, double waited = 0) {
  RoundReport report{.seconds = 2, .packets = 100, .has_thread_use = true, .sent = 100};
  report.arrived.packets = 100;
  report.sender.busiest = sender;
  report.receiver.busiest = receiver;
  report.feeder.busiest = feeder;
  report.drain.busiest = drain;
  report.sender.waited = waited;
  return report;
}

TEST(Limits, TheSaturatedThreadIsTheLimit) {
  EXPECT_EQ(limit_of(round(0.95, 0.4, 0.2, 0.2)), Limit::kCpu);
  EXPECT_EQ(limit_of(round(0.4, 0.9, 0.2, 0.2)), Limit::kCpu);
  EXPECT_EQ(limit_of(round(0.4, 0.4, 0.93, 0.2)), Limit::kGenerator);
  EXPECT_EQ(limit_of(round(0.4, 0.4, 0.2, 0.93)), Limit::kGenerator);
  EXPECT_EQ(limit_of(round(0.95, 0.4, 0.95, 0.2)), Limit::kCpu);  // an engine could not have done more
  EXPECT_EQ(limit_of(round(0.89, 0.89, 0.89, 0.89)), Limit::kWakeUps);
}

TEST(Limits, ThreadsThatWaitForCpusAreLimitedByCpus) {
  EXPECT_EQ(limit_of(round(0.5, 0.5, 0.1, 0.1, 0.6)), Limit::kCpu);  // 30 % of two seconds
  EXPECT_EQ(limit_of(round(0.5, 0.5, 0.1, 0.1, 0.59)), Limit::kWakeUps);
  EXPECT_EQ(limit_of(round(0.5, 0.5, 0.95, 0.1, 0.6)), Limit::kGenerator);
  const auto row = limit_of(std::vector{round(0.5, 0.5, 0.1, 0.1, 0.6), round(0.95, 0.5, 0.1, 0.1, 0.6)});
  EXPECT_EQ(row.limit, Limit::kCpu);
  EXPECT_EQ(row.note, "starved of CPUs in 1 of 2 rounds");
}

TEST(Limits, WithoutWhatThreadsDidNothingIsKnown) {
  RoundReport blind = round(0.95, 0.95, 0.95, 0.95);
  blind.has_thread_use = false;
  EXPECT_EQ(limit_of(blind), Limit::kUnknown);
  EXPECT_EQ(limit_of(std::vector{blind}).note, "the kernel does not tell what threads did");
}

TEST(Limits, ARowHasTheLimitOfMostRounds) {
  const RoundReport cpu = round(0.95, 0.4, 0.2, 0.2);
  const RoundReport generator = round(0.5, 0.4, 0.95, 0.2);
  EXPECT_EQ(limit_of(std::vector{cpu, cpu, cpu}).note, "");
  const auto row = limit_of(std::vector{cpu, generator, generator});
  EXPECT_EQ(row.limit, Limit::kGenerator);
  EXPECT_EQ(row.note, "limited by generator in 2 of 3 rounds");
  EXPECT_EQ(limit_of(std::vector{round(0.95, 0.4, 0.95, 0.2)}).note, "generator saturated as well in 1 of 1 rounds");
  EXPECT_EQ(limit_of(std::vector{round(0.5, 0.5, 0.5, 0.5)}).note,
            "no thread was busy throughout: with a full window each sleeps until another wakes it");
}

TEST(Limits, TheNoteTellsWhatWasLostTwiceOrDamagedAndWhyItWasDropped) {
  RoundReport bad = round(0.95, 0.4, 0.2, 0.2);
  bad.sent = 110;
  bad.arrived.duplicates = 2;
  bad.arrived.corrupted = 1;
  bad.drops = {{"inbound/bad_tag", 3}, {"outbound/socket_full", 4}};
  EXPECT_EQ(limit_of(std::vector{bad, bad}).note,
            "2 packets CORRUPTED; 4 packets twice; 20 packets lost; dropped as inbound/bad_tag: 6; dropped as outbound/socket_full: 8");
}

}  // namespace
}  // namespace wgu::bench
