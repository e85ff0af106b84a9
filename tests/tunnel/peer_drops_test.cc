// Drops by reason of a peer that is watched: what the device counts of its packets, it counts too, and nothing else.
#include <gtest/gtest.h>

#include <map>

#include "tunnel/device.h"

namespace wgu::tunnel {
namespace {

using Drops = std::map<Drop, std::uint64_t>;

class PeerDrops : public Pair {
 protected:
  PeerDrops() { a.peer(b)->watch(true), b.peer(a)->watch(true); }
  // Of the watched peer; the device's are the same, as there is no other.
  static Drops of(Device& device, const Device& peer) {
    const PeerStatus status = device.status_of(peer);
    EXPECT_EQ(status.drops.size(), kDropCount);
    Drops drops;
    for (const DropInfo& row : drop_table()) {
      const std::uint64_t count = status.drops.at(static_cast<std::size_t>(row.drop));
      EXPECT_EQ(count, device.dropped(row.drop)) << row.name;
      if (count > 0) drops[row.drop] = count;
    }
    return drops;
  }
  Bytes data_from_a(std::size_t size = 100) {
    a.send(b, now, size);
    return only(a.take_sent()).bytes;
  }
};

TEST_F(PeerDrops, InboundDataIsItsSessions) {
  establish();
  EXPECT_TRUE(of(b, a).empty());
  const Bytes data = data_from_a();
  Bytes forged = data;
  forged.back() ^= 1;
  for (int i = 0; i < 3; ++i) b.receive(forged, a.at, now);
  for (int i = 0; i < 3; ++i) b.receive(data, a.at, now);
  a.send_bytes(inner_packet(ip("10.0.0.77"), b.address, 100), now);
  b.receive(only(a.take_sent()).bytes, a.at, now);
  a.send(b, now, 100, 0);
  b.receive(only(a.take_sent()).bytes, a.at, now, 3);  // congestion experienced, on a packet that cannot carry it
  EXPECT_EQ(of(b, a), (Drops{{Drop::kInBadTag, 3}, {Drop::kInReplayed, 2}, {Drop::kInDisallowedSource, 1}, {Drop::kInBadEcn, 1}}));
  const Bytes late = data_from_a();
  now += 180s;
  b.receive(late, a.at, now);
  EXPECT_EQ(of(b, a).at(Drop::kInSessionExpired), 1U);
}

TEST_F(PeerDrops, HandshakesThatItRefuses) {
  a.send(b, now);
  a.advance(now);
  const Bytes initiation = only(a.take_sent()).bytes;
  b.receive(initiation, a.at, now);
  b.advance(now);
  const Bytes response = only(b.take_sent()).bytes;
  now += 1s;
  b.receive(initiation, a.at, now);
  b.advance(now);
  EXPECT_EQ(of(b, a), (Drops{{Drop::kInReplayedInitiation, 1}}));
  a.receive(response, b.at, now);
  a.advance(now);
  EXPECT_TRUE(of(a, b).empty());
}

TEST_F(PeerDrops, OutboundIsWhatWaitedAndWhatHasNoWay) {
  for (int i = 0; i < 130; ++i) a.send(b, now);
  EXPECT_EQ(of(a, b), (Drops{{Drop::kOutStagedOverflow, 2}}));
  run_alone(a, now + 200s);
  EXPECT_EQ(of(a, b).at(Drop::kOutHandshakeGaveUp), 128U);
}

TEST_F(PeerDrops, AFailedSendIsItsPeers) {
  establish();
  a.send(b, now);
  const Sent sent = only(a.take_sent());
  a.shard().send_failed(sent.tag, sent.bytes.size(), Drop::kOutSocketFull);
  EXPECT_EQ(of(a, b), (Drops{{Drop::kOutSocketFull, 1}}));
}

TEST_F(PeerDrops, AreCountedFromTheWatchOnAndForgottenWithIt) {
  establish();
  const Bytes data = data_from_a();
  b.receive(data, a.at, now);
  b.receive(data, a.at, now);
  b.peer(a)->watch(true);  // again: goes on
  EXPECT_EQ(of(b, a), (Drops{{Drop::kInReplayed, 1}}));
  b.peer(a)->watch(false);
  EXPECT_TRUE(b.status_of(a).drops.empty());
  b.receive(data, a.at, now);
  b.peer(a)->watch(true);
  EXPECT_EQ(b.status_of(a).drops, std::vector<std::uint64_t>(kDropCount, 0));
}

}  // namespace
}  // namespace wgu::tunnel
