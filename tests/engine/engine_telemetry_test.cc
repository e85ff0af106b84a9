// What an engine tells of itself under real traffic: snapshots, levels, events.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "engine/engine_pair.h"
#include "values/moved.h"

namespace wgu::engine {
namespace {

class EngineTelemetry : public testing::TestWithParam<EngineCase> {
 protected:
  static void send(EnginePair& pair, std::uint32_t packets) {
    for (std::uint32_t i = 0; i < packets; ++i) {
      pair.left.write(inner_packet(1, 2, i, 300), i % GetParam().queues);
      ASSERT_EQ(pair.right.read().size(), 300U);
    }
  }
  static const Histogram& of(const Snapshot& snapshot, Measure measure) { return snapshot.measures.at(static_cast<std::size_t>(measure)); }
};

INSTANTIATE_TEST_SUITE_P(Backends, EngineTelemetry,
                         testing::Values(EngineCase{IoBackend::kUring, 1, 1}, EngineCase{IoBackend::kUring, 3, 3},
                                         EngineCase{IoBackend::kEpoll, 3, 3}),
                         case_name);

TEST_P(EngineTelemetry, ASnapshotTellsWhatHappened) {
  EnginePair pair;
  START_OR_SKIP(pair, GetParam());
  send(pair, 50);
  const Snapshot left = pair.left.engine->snapshot();
  ASSERT_EQ(left.workers.size(), GetParam().workers);
  ASSERT_EQ(left.peers.size(), 1U);
  EXPECT_EQ(left.public_key, pair.left.key.public_key());
  EXPECT_EQ(left.peers[0].public_key, pair.right.key.public_key());
  EXPECT_EQ(left.peers[0].counters.data_packets_sent, 50U);
  EXPECT_EQ(left.peers[0].counters.data_bytes_sent, 50U * 300);
  EXPECT_EQ(left.peers[0].counters.handshakes_completed_as_initiator, 1U);
  const Snapshot right = pair.right.engine->snapshot();
  EXPECT_EQ(right.peers.at(0).counters.data_packets_received, 50U);
  EXPECT_EQ(right.peers.at(0).counters.handshakes_completed_as_responder, 1U);

  Counters total;
  for (const Counters& worker : left.workers) total += worker;
  EXPECT_EQ(total.data_bytes_sent, 50U * 300);
  EXPECT_EQ(total.rekeyed(RekeyCause::kNoSession), 1U);
  EXPECT_EQ(total.device_reads, 50U) << "each was answered before the next";
  EXPECT_GE(total.socket_sends, 50U);
  EXPECT_LE(total.socket_sends, 52U) << "and an initiation, and perhaps a keepalive";
  EXPECT_GE(total.seal_batches, 50U);
  EXPECT_GT(total.rounds, total.rounds_idle);
  EXPECT_EQ(total.buffers, GetParam().workers * 2U * 512);
  EXPECT_GE(total.buffers_in_use_peak, 1U);
  EXPECT_GE(total.outbound_queued_peak, 1U) << "the first packet waited for the handshake";
  pair.expect_all_explained();
}

TEST_P(EngineTelemetry, LevelsSwitchLive) {
  EnginePair pair;
  START_OR_SKIP(pair, GetParam());
  EXPECT_EQ(pair.left.engine->telemetry_level(), TelemetryLevel::kEvents);
  send(pair, 20);
  EXPECT_EQ(of(pair.left.engine->snapshot(), Measure::kReadToSealed).count(), 0U);
  for (Node* node : {&pair.left, &pair.right}) node->engine->set_telemetry_level(TelemetryLevel::kAll);
  EXPECT_EQ(pair.left.engine->telemetry_level(), TelemetryLevel::kAll);
  send(pair, 20);
  for (Node* node : {&pair.left, &pair.right}) node->engine->set_telemetry_level(TelemetryLevel::kOff);
  const Snapshot left = pair.left.engine->snapshot(), right = pair.right.engine->snapshot();
  send(pair, 20);
  // What another worker's queue brought is sealed at home, outside of the timed flow.
  EXPECT_LE(of(left, Measure::kReadToSealed).count(), 20U);
  EXPECT_EQ(of(left, Measure::kPacketSizeOut).count(), 20U);
  EXPECT_EQ(of(left, Measure::kPacketSizeOut).min(), 300U);
  EXPECT_EQ(of(left, Measure::kPacketSizeOut).max(), 300U);
  if (GetParam().queues == 1) {
    EXPECT_EQ(of(left, Measure::kReadToSealed).count(), 20U);
    EXPECT_EQ(of(left, Measure::kSealedToSent).count(), 20U);
    EXPECT_EQ(of(right, Measure::kReceivedToOpened).count(), 20U);
    EXPECT_EQ(of(right, Measure::kOpenedToWritten).count(), 20U);
    EXPECT_EQ(of(right, Measure::kKernelQueueDelay).count(), of(right, Measure::kPacketSizeIn).count()) << "whatever came was stamped";
    EXPECT_GT(of(right, Measure::kKernelQueueDelay).max(), 0U);
    EXPECT_LT(of(right, Measure::kKernelQueueDelay).max(), 5'000'000'000U);
    EXPECT_GT(of(right, Measure::kReceivedToOpened).min(), 0U);
    EXPECT_LT(of(right, Measure::kReceivedToOpened).max(), 5'000'000'000U);
  }
  const Snapshot after = pair.left.engine->snapshot();
  for (const MeasureInfo& row : measure_table()) EXPECT_EQ(of(after, row.measure).count(), of(left, row.measure).count()) << row.key;
}

TEST_P(EngineTelemetry, EventsReachTheCallbackAndStay) {
  std::mutex mutex;
  std::vector<Event> told;
  Node left, right;
  left.on_event = [&](const Event& event) {
    const std::lock_guard lock(mutex);
    told.push_back(event);
  };
  START_OR_SKIP(left, GetParam());
  START_OR_SKIP(right, GetParam());
  DeviceChange to_left, to_right;
  to_left.private_key = left.key.copy();
  to_left.peers.push_back(peer_of(right.key.public_key(), right.port(), "10.0.0.2/32"));
  to_right.private_key = right.key.copy();
  to_right.peers.push_back(peer_of(left.key.public_key(), left.port(), "10.0.0.1/32"));
  left.engine->apply(std::move(to_left)).value();
  right.engine->apply(std::move(to_right)).value();
  left.write(inner_packet(1, 2, 1, 100));
  ASSERT_EQ(number_of(right.read()), 1U);
  left.engine->stop();  // delivers what is left

  const std::lock_guard lock(mutex);
  std::map<EventKind, Event> kinds;
  for (const Event& event : told) EXPECT_TRUE(kinds.emplace(event.kind, event).second) << "twice";
  ASSERT_EQ(kinds.size(), 4U);
  EXPECT_EQ(kinds.at(EventKind::kConfigurationChanged).value, 1U);
  EXPECT_EQ(kinds.at(EventKind::kHandshakeBegun).peer, right.key.public_key());
  EXPECT_EQ(kinds.at(EventKind::kHandshakeBegun).cause, RekeyCause::kNoSession);
  EXPECT_NE(kinds.at(EventKind::kSessionInstalled).value, 0U);
  const Event& completed = kinds.at(EventKind::kHandshakeCompleted);
  EXPECT_GT(completed.value, 0U);
  EXPECT_NE(completed.wall.seconds, 0);
  EXPECT_LT(completed.worker, GetParam().workers);
  EXPECT_EQ(left.engine->recent_events(), told);
  const Snapshot snapshot = left.engine->snapshot();
  EXPECT_EQ(of(snapshot, Measure::kHandshakeRoundTrip).count(), 1U);
  EXPECT_EQ(of(snapshot, Measure::kHandshakeRoundTrip).max(), completed.value);
  EXPECT_EQ(left.engine->counters().events_held_back, 0U);
}

// Whoever reads while packets flow, and fail to, sees each worker between two rounds: no packet of it is unexplained, and what is called a
// counter only grows, as Prometheus takes anything else for a restart.
void expect_grown(const std::vector<Counters>& before, const std::vector<Counters>& after) {
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].unexplained(Direction::kOutbound), 0) << "worker " << i;
    EXPECT_EQ(after[i].unexplained(Direction::kInbound), 0) << "worker " << i;
    for (const auto& [name, by] : moved(before[i], after[i])) {
      const auto is_called_so = [&name = name](const CounterInfo& each) { return each.key == name; };
      const auto row = std::find_if(counter_table().begin(), counter_table().end(), is_called_so);
      const bool may_fall = row != counter_table().end() && row->family.type == MetricType::kGauge;  // rekeys and drops may not
      EXPECT_TRUE(may_fall || by > 0) << name << " of worker " << i << " moved by " << by;
    }
  }
}
void expect_grown(const Snapshot& before, const Snapshot& after) {
  expect_grown(before.workers, after.workers);
  for (std::size_t i = 0; i < after.peers.size(); ++i) {
    ASSERT_EQ(before.peers[i].public_key, after.peers[i].public_key);
    EXPECT_GE(after.peers[i].tx_bytes, before.peers[i].tx_bytes);
    for (const PeerCounterInfo& row : peer_counter_table()) {
      EXPECT_GE(after.peers[i].counters.*row.member, before.peers[i].counters.*row.member) << row.key << " of peer " << i;
    }
  }
  for (const MeasureInfo& row : measure_table()) {
    const auto at = static_cast<std::size_t>(row.measure);
    EXPECT_GE(after.measures[at].count(), before.measures[at].count()) << row.key;
    EXPECT_GE(after.measures[at].sum(), before.measures[at].sum()) << row.key;
  }
}

// Another peer of `node`'s, at 10.0.0.3, has a session and then goes where nobody may send: packets for it fail in the socket.
void lose_a_peer(Node& node, Node& lost) {
  DeviceChange to_node, to_lost;
  to_node.peers.push_back(peer_of(lost.key.public_key(), lost.port(), "10.0.0.3/32"));
  to_lost.private_key = lost.key.copy();
  to_lost.peers.push_back(peer_of(node.key.public_key(), node.port(), "10.0.0.1/32"));
  ASSERT_TRUE(lost.engine->apply(std::move(to_lost)).ok());
  ASSERT_TRUE(node.engine->apply(std::move(to_node)).ok());
  node.write(inner_packet(1, 3, 1, 300));
  ASSERT_EQ(number_of(lost.read()), 1U);
  DeviceChange away;
  away.peers.push_back(peer_of(lost.key.public_key(), 9, "10.0.0.3/32"));
  away.peers[0].endpoint = Endpoint{IpAddress::v4(255, 255, 255, 255), 9, 0};
  ASSERT_TRUE(node.engine->apply(std::move(away)).ok());
}

TEST_P(EngineTelemetry, WhatFailsIsNeverShownAsSent) {
  EnginePair pair;
  START_OR_SKIP(pair, GetParam());
  Node lost;
  START_OR_SKIP(lost, GetParam());
  lose_a_peer(pair.left, lost);
  std::vector<Counters> before = pair.left.engine->worker_counters();
  for (std::uint32_t i = 0; i < 200; ++i) {
    pair.left.write(inner_packet(1, 3, i, 300));
    for (int look = 0; look < 2; ++look) {  // one while it leaves, if that can be, and one later
      std::vector<Counters> after = pair.left.engine->worker_counters();
      expect_grown(before, after);
      before = std::move(after);
    }
  }
}

TEST_P(EngineTelemetry, SnapshotsUnderLoadOnlyGrowAndExplainEverything) {
  EnginePair pair;
  START_OR_SKIP(pair, GetParam());
  Node lost;
  START_OR_SKIP(lost, GetParam());
  lose_a_peer(pair.left, lost);

  std::atomic<bool> is_over{false};
  std::thread other([&] {
    for (unsigned i = 0; !is_over; ++i) {
      for (Node* node : {&pair.left, &pair.right}) node->engine->set_telemetry_level(static_cast<TelemetryLevel>(i % 4));
      EXPECT_EQ(pair.left.engine->status().peers.size(), 2U);
      for (const Event& event : pair.left.engine->recent_events()) EXPECT_LT(static_cast<std::size_t>(event.kind), kEventKindCount);
      EXPECT_TRUE(pair.left.engine->watch_peer(lost.key.public_key(), i % 2 == 0).ok());
    }
  });
  std::array<Snapshot, 2> before = {pair.left.engine->snapshot(), pair.right.engine->snapshot()};
  std::thread reader([&] {
    for (int i = 0; !is_over; ++i) {
      Engine& engine = *(i % 2 == 0 ? pair.left : pair.right).engine;
      Snapshot after = engine.snapshot();
      expect_grown(before[static_cast<std::size_t>(i % 2)], after);
      before[static_cast<std::size_t>(i % 2)] = std::move(after);
    }
  });
  constexpr std::uint32_t kPackets = 3000;
  for (std::uint32_t i = 0; i < kPackets; ++i) {
    pair.left.write(inner_packet(1, i % 3 == 0 ? 3 : 2, i, 300), i % GetParam().queues);
    static_cast<void>(pair.right.read(0));
  }
  is_over = true;
  reader.join();
  other.join();
  pair.left.engine->stop();
  const Counters counters = pair.left.engine->counters();
  EXPECT_GT(counters.dropped(Drop::kOutSendFailed), 0U);
  EXPECT_GT(counters.data_packets_sent, 0U);
}

}  // namespace
}  // namespace wgu::engine
