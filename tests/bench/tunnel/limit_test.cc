// The rule of limit.h, row by row.
#include "bench/tunnel/limit.h"

#include <gtest/gtest.h>

namespace wgu::bench {
namespace {

struct Case {
  const char* what;
  Evidence evidence;
  Limit expected;
};

const Case kCases[] = {
    {"1: all arrived", {.is_open_loop = true, .daemon_busy = 1, .machine_busy = 1, .loss = 0.004}, Limit::kGenerator},
    {"2: the sink overflowed", {.is_open_loop = true, .daemon_busy = 1, .loss = 0.2, .sink_loss = 0.6}, Limit::kGenerator},
    {"3: lost, daemon saturated",
     {.is_open_loop = true, .generator_busy = 1, .daemon_busy = 0.9, .loss = 0.2, .sink_loss = 0.4},
     Limit::kCpu},
    {"3: lost, machine full", {.is_open_loop = true, .generator_cpu = 1, .machine_busy = 0.95, .loss = 0.005}, Limit::kCpu},
    {"4: lost with CPU to spare",
     {.is_open_loop = true, .generator_busy = 1, .daemon_busy = 0.8, .machine_busy = 0.9, .loss = 0.1},
     Limit::kNetwork},
    {"5: bare wire, machine full", {.is_bare = true, .generator_busy = 0.5, .machine_busy = 0.96}, Limit::kGenerator},
    {"5: bare wire, generator saturated", {.is_bare = true, .generator_busy = 0.91, .machine_busy = 0.5}, Limit::kGenerator},
    {"6: daemon saturated", {.generator_busy = 0.5, .daemon_busy = 0.95, .machine_busy = 1}, Limit::kCpu},
    {"7: generator saturated", {.generator_busy = 0.95, .daemon_busy = 0.5, .machine_busy = 1}, Limit::kGenerator},
    {"8: both, the daemons more", {.generator_busy = 0.95, .daemon_busy = 0.95, .generator_cpu = 0.5, .daemon_cpu = 1.2}, Limit::kCpu},
    {"8: both, the generator more",
     {.generator_busy = 0.95, .daemon_busy = 0.95, .generator_cpu = 1.2, .daemon_cpu = 0.5},
     Limit::kGenerator},
    {"8: the machine is full of small threads", {.generator_cpu = 0.1, .daemon_cpu = 1.8, .machine_busy = 0.97}, Limit::kCpu},
    {"9: TCP waits", {.generator_busy = 0.3, .daemon_busy = 0.3, .machine_busy = 0.5}, Limit::kProtocol},
    {"9: TCP waits on the bare wire", {.is_bare = true, .generator_busy = 0.3, .machine_busy = 0.5}, Limit::kProtocol},
};

TEST(Limit, FollowsTheRule) {
  for (const Case& row : kCases) EXPECT_EQ(limit_of(row.evidence), row.expected) << row.what;
}

TEST(LimitOfLatency, FollowsTheRule) {
  EXPECT_EQ(limit_of_latency({.unsent = 1, .median = 1e-4, .awake = 1e-4}), Limit::kGenerator);
  EXPECT_EQ(limit_of_latency({.median = 1e-4, .awake = 2e-5, .daemon_busy = 0.9}), Limit::kCpu) << "a daemon without a pause";
  EXPECT_EQ(limit_of_latency({.median = 1e-4, .awake = 2e-5, .machine_busy = 0.95}), Limit::kCpu) << "no CPU to spare";
  EXPECT_EQ(limit_of_latency({.median = 1e-4, .awake = 5e-5}), Limit::kCpu) << "half of it is work";
  EXPECT_EQ(limit_of_latency({.median = 1e-4, .awake = 4.9e-5}), Limit::kWakeUps);
  EXPECT_EQ(limit_of_latency({}), Limit::kWakeUps) << "nothing came back: nobody worked";
  EXPECT_EQ(limit_of_latency({.is_loaded = true, .median = 1e-4, .awake = 1, .daemon_busy = 0.49}), Limit::kWakeUps)
      << "what they did for others does not count";
  EXPECT_EQ(limit_of_latency({.is_loaded = true, .median = 1e-4, .daemon_busy = 0.5}), Limit::kCpu);
}

TEST(LimitOfSetRate, FollowsTheRule) {
  EXPECT_EQ(limit_of_set_rate({.daemon_busy = 1, .loss = 0}, 0), Limit::kNothing);
  EXPECT_EQ(limit_of_set_rate({.loss = 0.004}, 0.2), Limit::kNothing);
  EXPECT_EQ(limit_of_set_rate({.loss = 0.004}, 0.6), Limit::kProtocol) << "little, but it is the rekeys' doing";
  EXPECT_EQ(limit_of_set_rate({.loss = 0.1, .sink_loss = 0.6}, 0.6), Limit::kGenerator);
  EXPECT_EQ(limit_of_set_rate({.daemon_busy = 0.9, .loss = 0.1}, 0.6), Limit::kCpu);
  EXPECT_EQ(limit_of_set_rate({.machine_busy = 0.95, .loss = 0.1}, 0), Limit::kCpu);
  EXPECT_EQ(limit_of_set_rate({.loss = 0.1}, 0.5), Limit::kNetwork);
}

TEST(LimitOfWait, IsTheCpuOnlyWhenItWasUsedThroughout) {
  EXPECT_EQ(limit_of_wait(0.9), Limit::kCpu);
  EXPECT_EQ(limit_of_wait(0.89), Limit::kProtocol);
}

TEST(CommonLimit, IsWhatMostRoundsHad) {
  EXPECT_EQ(common_limit({}).limit, Limit::kUnknown);
  const auto one = common_limit({Limit::kCpu, Limit::kCpu});
  EXPECT_EQ(one.limit, Limit::kCpu);
  EXPECT_EQ(one.note, "");
  const auto two = common_limit({Limit::kGenerator, Limit::kCpu, Limit::kCpu});
  EXPECT_EQ(two.limit, Limit::kCpu);
  EXPECT_EQ(two.note, "limited by cpu in 2 of 3 rounds");
}

}  // namespace
}  // namespace wgu::bench
