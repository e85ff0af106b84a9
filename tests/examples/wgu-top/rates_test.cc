#include "wgu-top/rates.h"

#include <gtest/gtest.h>

#include "telemetry/snapshots.h"

namespace wgu::top {
namespace {

Snapshot plain(std::size_t workers = 2) {
  Snapshot snapshot;
  snapshot.workers.resize(workers);
  snapshot.measures.resize(kMeasureCount);
  return snapshot;
}

TEST(Rates, AreDifferencesOverTheInterval) {
  Snapshot earlier = plain();
  earlier.workers[0].data_packets_sent = 1000;
  Snapshot later = earlier;
  later.workers[0].data_packets_sent = 1200;
  later.workers[0].data_bytes_sent = 4000;
  later.workers[1].device_packets_sent = 50;
  later.workers[1].rounds = 10;
  const auto rates = rates_between(earlier, later, 2);
  ASSERT_TRUE(rates.has_value());
  EXPECT_EQ(rates->out.packets, 100);
  EXPECT_EQ(rates->out.bytes, 2000);
  EXPECT_EQ(rates->in.packets, 25);
  ASSERT_EQ(rates->workers.size(), 2U);
  EXPECT_EQ(rates->workers[0].packets_out, 100);
  EXPECT_EQ(rates->workers[1].packets_in, 25);
  EXPECT_EQ(rates->workers[1].rounds, 5);
}

TEST(Rates, LoadIsOfTheWorkersThreadAndAbsentWhereNobodyMeasured) {
  Snapshot earlier = plain(), later = plain();
  earlier.host = {{HostMetric::kThreadCpu, {"10", "wgu-tunnel"}, 0},
                  {HostMetric::kThreadCpu, {"11", "wgu/0"}, 5},
                  {HostMetric::kThreadWaiting, {"11", "wgu/0"}, 1}};
  later.host = {{HostMetric::kThreadCpu, {"10", "wgu-tunnel"}, 9},
                {HostMetric::kThreadCpu, {"11", "wgu/0"}, 6.5},
                {HostMetric::kThreadWaiting, {"11", "wgu/0"}, 1.25}};
  const auto rates = rates_between(earlier, later, 2);
  ASSERT_TRUE(rates.has_value());
  EXPECT_EQ(rates->workers[0].cpu, 0.75);
  EXPECT_EQ(rates->workers[0].waiting, 0.125);
  EXPECT_FALSE(rates->workers[1].cpu.has_value()) << "not measured is not zero";
}

TEST(Rates, DropsThatEverHappenedTheMostFrequentFirst) {
  Snapshot earlier = plain();
  earlier.workers[0].drop(Drop::kOutNoPeer, 100);
  Snapshot later = earlier;
  later.workers[0].drop(Drop::kInBadTag, 4);
  later.workers[1].drop(Drop::kInBadTag, 4);
  const auto rates = rates_between(earlier, later, 4);
  ASSERT_EQ(rates->drops.size(), 2U);
  EXPECT_EQ(rates->drops[0].info->name, "bad_tag");
  EXPECT_EQ(rates->drops[0].rate, 2);
  EXPECT_EQ(rates->drops[1].total, 100U);
  EXPECT_EQ(rates->drops[1].rate, 0);
}

TEST(Rates, PercentilesAreOfTheIntervalAlone) {
  Snapshot earlier = plain();
  earlier.measures[0].record(1'000'000, 1000);
  Snapshot later = earlier;
  later.measures[0].record(64, 10);
  const auto rates = rates_between(earlier, later, 1);
  EXPECT_EQ(rates->measures[0].count(), 10U);
  EXPECT_EQ(rates->measures[0].percentile(99), 64);
}

TEST(Rates, TheBusiestPeerComesFirstAndNewOnesCountFromZero) {
  Snapshot earlier = plain();
  for (const std::uint32_t number : {1U, 2U, 3U}) earlier.peers.push_back(telemetry::peer_number(number));
  Snapshot later = earlier;
  later.peers[1].counters.data_bytes_sent += 500;
  later.peers[2].counters = {};  // removed and added again, then
  later.peers[2].counters.data_bytes_received = 300;
  later.peers.push_back(telemetry::peer_number(4));
  later.peers[3].counters = {};
  later.peers[3].counters.data_bytes_sent = 100;
  const auto rates = rates_between(earlier, later, 1);
  ASSERT_EQ(rates->peers.size(), 4U);
  EXPECT_EQ(rates->peers[0].now->public_key, later.peers[1].public_key);
  EXPECT_EQ(rates->peers[0].out.bytes, 500);
  EXPECT_EQ(rates->peers[1].in.bytes, 300);
  EXPECT_EQ(rates->peers[2].out.bytes, 100);
  EXPECT_EQ(rates->peers[3].out.bytes, 0);
}

TEST(Rates, OfADaemonThatWasStartedAnewThereAreNone) {
  Snapshot earlier = plain();
  earlier.workers[1].rounds = 100;
  EXPECT_FALSE(rates_between(earlier, plain(), 1).has_value());
  EXPECT_FALSE(rates_between(plain(2), plain(3), 1).has_value());
}

}  // namespace
}  // namespace wgu::top
