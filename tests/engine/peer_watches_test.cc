// Peers of an engine that are watched, and those that are not.
#include "engine/peer_watches.h"

#include <gtest/gtest.h>

#include <numeric>

#include "engine/engine_pair.h"

namespace wgu::engine {
namespace {

constexpr EngineCase kHow{IoBackend::kEpoll, 2, 1};

class PeerWatchesTest : public testing::Test {
 protected:
  void SetUp() override { pair_.start(kHow).value(); }
  void send(std::uint32_t packets) {
    for (std::uint32_t i = 0; i < packets; ++i) {
      pair_.left.write(inner_packet(1, 2, i, 300));
      ASSERT_EQ(pair_.right.read().size(), 300U);
    }
  }
  [[nodiscard]] PeerSnapshot seen_by(Node& node) { return node.engine->snapshot().peers.at(0); }
  static std::uint64_t count(const PeerSnapshot& peer, Measure stage) { return peer.stages.at(static_cast<std::size_t>(stage)).count(); }
  void change_peer(Node& at, PeerChange peer) {
    DeviceChange change;
    change.peers.push_back(std::move(peer));
    at.engine->apply(std::move(change)).value();
  }
  // A packet of the left, with a source that the right does not allow it.
  void send_from_a_stranger() {
    const std::uint64_t before = pair_.right.engine->counters().dropped(Drop::kInDisallowedSource);
    pair_.left.write(inner_packet(77, 2, 0, 100));
    for (int i = 0; i < 500 && pair_.right.engine->counters().dropped(Drop::kInDisallowedSource) == before; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_EQ(pair_.right.engine->counters().dropped(Drop::kInDisallowedSource), before + 1);
  }
  EnginePair pair_;
};

TEST_F(PeerWatchesTest, OnlyAWatchedPeerHasDropsAndStages) {
  Engine& right = *pair_.right.engine;
  const PublicKey left_key = pair_.left.key.public_key();
  send(1);
  EXPECT_TRUE(seen_by(pair_.right).drops.empty());
  EXPECT_TRUE(seen_by(pair_.right).stages.empty());
  right.set_telemetry_level(TelemetryLevel::kAll);
  send_from_a_stranger();
  ASSERT_TRUE(right.watch_peer(left_key, true).ok());
  ASSERT_TRUE(right.watch_peer(left_key, true).ok()) << "again";
  send(10);
  for (int i = 0; i < 3; ++i) send_from_a_stranger();
  right.set_telemetry_level(TelemetryLevel::kOff);
  send(5);

  const PeerSnapshot left = seen_by(pair_.right);
  ASSERT_EQ(left.drops.size(), kDropCount);
  EXPECT_EQ(left.drops[static_cast<std::size_t>(Drop::kInDisallowedSource)], 3U) << "since it is watched";
  EXPECT_EQ(std::accumulate(left.drops.begin(), left.drops.end(), std::uint64_t{0}), 3U);
  ASSERT_EQ(left.stages.size(), kStageCount);
  // What landed on another worker than its home's, and came by mailbox, is outside of the timed flow.
  EXPECT_LE(count(left, Measure::kReceivedToOpened), 10U);
  EXPECT_GT(count(left, Measure::kReceivedToOpened), 0U);
  EXPECT_EQ(count(left, Measure::kReceivedToOpened),
            right.snapshot().measures.at(static_cast<std::size_t>(Measure::kReceivedToOpened)).count());
  EXPECT_EQ(count(left, Measure::kOpenedToWritten), count(left, Measure::kReceivedToOpened));
  EXPECT_EQ(count(left, Measure::kReadToSealed), 0U);

  ASSERT_TRUE(right.watch_peer(left_key, false).ok());
  EXPECT_TRUE(seen_by(pair_.right).drops.empty());
  EXPECT_TRUE(seen_by(pair_.right).stages.empty());
  send(1);
}

TEST_F(PeerWatchesTest, TheOutboundSideIsTimedToo) {
  Engine& left = *pair_.left.engine;
  send(1);
  ASSERT_TRUE(left.watch_peer(pair_.right.key.public_key(), true).ok());
  left.set_telemetry_level(TelemetryLevel::kAll);
  send(10);
  const PeerSnapshot right = seen_by(pair_.left);
  EXPECT_EQ(count(right, Measure::kReadToSealed), 10U) << "its home reads the device's queue";
  EXPECT_EQ(count(right, Measure::kReadToSealed), left.snapshot().measures.at(static_cast<std::size_t>(Measure::kReadToSealed)).count());
  EXPECT_EQ(count(right, Measure::kSealedToSent), count(right, Measure::kReadToSealed));
}

TEST_F(PeerWatchesTest, AWatchOutlivesItsPeer) {
  Engine& right = *pair_.right.engine;
  const PublicKey left_key = pair_.left.key.public_key();
  send(1);
  ASSERT_TRUE(right.watch_peer(left_key, true).ok());
  right.set_telemetry_level(TelemetryLevel::kAll);
  send_from_a_stranger();
  PeerChange gone;
  gone.public_key = left_key;
  gone.remove = true;
  change_peer(pair_.right, std::move(gone));
  EXPECT_TRUE(right.snapshot().peers.empty());
  change_peer(pair_.right, peer_of(left_key, 0, "10.0.0.1/32"));
  const PeerSnapshot anew = seen_by(pair_.right);
  ASSERT_EQ(anew.drops.size(), kDropCount);
  EXPECT_EQ(std::accumulate(anew.drops.begin(), anew.drops.end(), std::uint64_t{0}), 0U);
  EXPECT_EQ(anew.stages.size(), kStageCount);
  // Removed and added in one change: another peer of the same key.
  DeviceChange both;
  both.replace_peers = true;
  both.peers.push_back(peer_of(left_key, 0, "10.0.0.1/32"));
  right.apply(std::move(both)).value();
  EXPECT_EQ(seen_by(pair_.right).stages.size(), kStageCount);
}

TEST_F(PeerWatchesTest, AreBoundedAndNeedNoPeerYet) {
  Engine& left = *pair_.left.engine;
  std::vector<PublicKey> keys;
  for (std::size_t i = 0; i < kMaxWatchedPeers; ++i) {
    keys.push_back(PrivateKey::generate().public_key());
    EXPECT_TRUE(left.watch_peer(keys.back(), true).ok());
  }
  const Result<void> refused = left.watch_peer(pair_.right.key.public_key(), true);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ENOSPC);
  ASSERT_TRUE(left.watch_peer(keys[3], false).ok());
  EXPECT_TRUE(left.watch_peer(pair_.right.key.public_key(), true).ok());
  EXPECT_EQ(seen_by(pair_.left).drops.size(), kDropCount);
  change_peer(pair_.left, peer_of(keys[0], 0, "10.0.0.9/32"));
  EXPECT_EQ(left.snapshot().peers.at(1).drops.size(), kDropCount);
  left.stop();
  EXPECT_FALSE(left.watch_peer(keys[5], false).ok());
}

}  // namespace
}  // namespace wgu::engine
