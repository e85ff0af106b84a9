// The rounds that stand for an engine's count and measure what an engine's would; what they cost is for the bench to say.
#include "bench/memory/metering.h"

#include <gtest/gtest.h>

namespace wgu::bench {
namespace {

TEST(Metering, CountsEachPacketWhereAnEngineDoes) {
  MeteredRound round(TelemetryLevel::kOff, 30, 100);
  for (int i = 0; i < 3; ++i) round.run();
  const Counters& sender = round.sender();
  EXPECT_EQ(sender.rounds, 3U);
  EXPECT_EQ(sender.device_packets_received, 90U);
  EXPECT_EQ(sender.device_bytes_received, 9000U);
  EXPECT_EQ(sender.data_packets_sent, 90U);
  EXPECT_EQ(sender.datagrams_sent, 90U);
  EXPECT_EQ(sender.datagram_bytes_sent, 90U * 132);
  EXPECT_EQ(sender.unexplained(Direction::kOutbound), 0);
  const Counters& receiver = round.receiver();
  EXPECT_EQ(receiver.datagrams_received, 90U);
  EXPECT_EQ(receiver.datagram_bytes_received, 90U * 132);
  EXPECT_EQ(receiver.device_packets_sent, 90U);
  EXPECT_EQ(receiver.unexplained(Direction::kInbound), 0);
  EXPECT_EQ(receiver.buffers_in_use, 60U);
  EXPECT_EQ(round.measured(), 0U);
}

TEST(Metering, MeasuresAsTheLevelSays) {
  constexpr int kRounds = 128;
  for (const auto& [level, timed] : {std::pair(TelemetryLevel::kOff, 0), std::pair(TelemetryLevel::kEvents, 0),
                                     std::pair(TelemetryLevel::kSampled, kRounds / 64), std::pair(TelemetryLevel::kAll, kRounds)}) {
    MeteredRound round(level, 10, 100);
    for (int i = 0; i < kRounds; ++i) round.run();
    // Of a packet its size and two stages at each end, and its delay in the kernel; of a batch its size.
    EXPECT_EQ(round.measured(), static_cast<std::uint64_t>(timed) * (2 * (10 * 3 + 1) + 10)) << static_cast<int>(level);
  }
}

TEST(Metering, EveryLevelCostsSomething) {
  const MeteringCost cost = measure_metering(30, 100);
  for (const double nanoseconds : {cost.counters, cost.events, cost.sampled, cost.all}) {
    EXPECT_GT(nanoseconds, 0);
    EXPECT_LT(nanoseconds, 100'000);
  }
  EXPECT_GT(cost.all, cost.counters);
}

}  // namespace
}  // namespace wgu::bench
