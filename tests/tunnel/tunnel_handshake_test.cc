// Handshakes as a tunnel runs them: confirmation, duplicates, keys that change; under load they are tunnel_flood_test's.

#include <gtest/gtest.h>

#include "tunnel/device.h"
#include "tunnel/stranger.h"

namespace wgu::tunnel {
namespace {

class TunnelHandshakes : public Pair {
 protected:
  Sent initiation_of_a() {
    a.send(b, now);
    a.advance(now);
    return only(a.take_sent());
  }
  Sent response_of_b(const Sent& initiation) {
    b.receive(initiation.bytes, a.at, now);
    b.advance(now);
    return only(b.take_sent());
  }
  static Endpoint source(std::uint8_t i) { return {IpAddress::v4(203, 0, 0, i), 1000}; }
};

TEST_F(TunnelHandshakes, TheResponderWaitsForTheFirstPacketAndThenUsesTheSession) {
  const Sent initiation = initiation_of_a();
  const Sent response = response_of_b(initiation);
  b.send(a, now);
  b.advance(now);
  EXPECT_TRUE(b.take_sent().empty()) << "not confirmed";
  EXPECT_EQ(b.counters().outbound_queued, 1u);
  a.receive(response.bytes, b.at, now);
  a.advance(now);
  b.receive(only(a.take_sent()).bytes, a.at, now);
  EXPECT_EQ(only(b.take_sent()).type(), 4) << "the staged packet, at once";
}

TEST_F(TunnelHandshakes, WithNothingStagedAKeepaliveConfirms) {
  PeerChange persistent;
  persistent.public_key = b.public_key();
  persistent.persistent_keepalive = 100;
  a.change_peer(std::move(persistent), now);
  const auto carried = exchange();
  ASSERT_EQ(carried.size(), 3u);
  EXPECT_TRUE(carried[2].second.is_keepalive());
}

// CVE-2026-99059: the same response twice, also with a new initiation in between, begins one session.
TEST_F(TunnelHandshakes, ADuplicateResponseBeginsNoSecondSession) {
  const Sent response = response_of_b(initiation_of_a());
  a.receive(response.bytes, b.at, now);
  a.receive(response.bytes, b.at, now);
  a.advance(now);
  EXPECT_EQ(a.counters().sessions_begun, 1u);
  EXPECT_EQ(a.dropped(Drop::kInUnexpectedResponse), 1u);
  EXPECT_EQ(only(a.take_sent()).type(), 4);
  now += 181s;
  const Sent next = initiation_of_a();
  a.receive(response.bytes, b.at, now);
  a.advance(now);
  EXPECT_EQ(a.counters().sessions_begun, 1u);
  EXPECT_EQ(a.dropped(Drop::kInUnexpectedResponse), 2u);
  a.receive(response_of_b(next).bytes, b.at, now);
  a.advance(now);
  EXPECT_EQ(a.counters().sessions_begun, 2u) << "the one under way was not disturbed";
}

TEST_F(TunnelHandshakes, AResponseToAReplacedInitiationComesToNothing) {
  const Sent response = response_of_b(initiation_of_a());
  now += 5400ms;
  a.advance(now);
  EXPECT_EQ(only(a.take_sent()).type(), 1);
  a.receive(response.bytes, b.at, now);
  a.advance(now);
  EXPECT_EQ(a.counters().sessions_begun, 0u);
  EXPECT_EQ(a.dropped(Drop::kInUnexpectedResponse), 1u);
}

TEST_F(TunnelHandshakes, AnInitiationIsAnsweredOnce) {
  const Sent initiation = initiation_of_a();
  response_of_b(initiation);
  now += 1s;
  b.receive(initiation.bytes, a.at, now);
  b.advance(now);
  EXPECT_TRUE(b.take_sent().empty());
  EXPECT_EQ(b.dropped(Drop::kInReplayedInitiation), 1u);
  EXPECT_EQ(b.status_of(a).endpoint, a.at);
}

TEST_F(TunnelHandshakes, FiftyInitiationsASecondFromOnePeer) {
  Device target("target", 9);
  Device known("known", 8);
  target.add_peer(known);
  Stranger peer(target, "known");
  std::size_t answered = 0;
  for (int ms = 0; ms < 1000; ms += 4) {
    target.receive(peer.initiation(now + ms * 1ms), known.at, now + ms * 1ms);
    target.advance(now + ms * 1ms);
    answered += target.take_sent().size();
  }
  EXPECT_EQ(answered, 50u);
  EXPECT_EQ(target.dropped(Drop::kInInitiationFlood), 200u);
}

TEST_F(TunnelHandshakes, StrangersAreNotAnswered) {
  Stranger stranger(b);
  b.receive(stranger.initiation(now), source(1), now);
  b.receive(stranger.junk(now), source(1), now);
  Bytes not_for_b = stranger.junk(now);
  not_for_b[120] ^= 1;
  b.receive(not_for_b, source(1), now);
  b.advance(now);
  EXPECT_TRUE(b.take_sent().empty());
  EXPECT_EQ(b.dropped(Drop::kInUnknownPeer), 1u);
  EXPECT_EQ(b.dropped(Drop::kInInvalidInitiation), 1u);
  EXPECT_EQ(b.dropped(Drop::kInBadMac1), 1u);
}

// --- Keys ------------------------------------------------------------------------------------------------------------------

TEST(TunnelKeys, APeerKeyOfLowOrderMakesItSendNothing) {
  const char* const kLowOrder[] = {"0000000000000000000000000000000000000000000000000000000000000000",
                                   "0100000000000000000000000000000000000000000000000000000000000000",
                                   "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                                   "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                                   "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
  for (const char* hex : kLowOrder) {
    Device device("device", 1);
    PeerChange peer;
    peer.public_key = PublicKey::from_hex(hex).value();
    peer.endpoint = endpoint("192.0.2.9:9");
    peer.persistent_keepalive = 5;
    peer.allowed_ips = {{prefix("10.9.0.0/16")}};
    device.change_peer(std::move(peer));
    for (int second = 0; second < 100; ++second) {
      device.send_bytes(inner_packet(device.address, ip("10.9.0.1"), 100), Instant{second * 1s});
      device.advance(Instant{second * 1s});
    }
    EXPECT_TRUE(device.take_sent().empty()) << hex;
    EXPECT_EQ(device.dropped(Drop::kOutUnusableKey), 100u);
    EXPECT_EQ(device.pool.in_use(), 0u);
  }
}

TEST_F(TunnelHandshakes, APresharedKeyReachesTheNextHandshake) {
  const auto set_preshared = [&](Device& at, Device& other, std::string_view name) {
    PeerChange change;
    change.public_key = other.public_key();
    change.preshared_key = name.empty() ? PresharedKey() : PresharedKey(std::span<const std::uint8_t, 32>(hash_of(name)));
    at.change_peer(std::move(change), now);
  };
  set_preshared(a, b, "psk");
  a.send(b, now);
  exchange();
  EXPECT_TRUE(b.take_delivered().empty());
  EXPECT_EQ(a.dropped(Drop::kInInvalidResponse), 1u);
  set_preshared(b, a, "psk");
  now += 6s;
  exchange();
  EXPECT_EQ(b.take_delivered().size(), 1u);
  EXPECT_TRUE(b.status_of(a).preshared_key.equals(PresharedKey(std::span<const std::uint8_t, 32>(hash_of("psk")))));
  set_preshared(a, b, "");
  set_preshared(b, a, "");
  run(now + 200s);
  a.send(b, now);
  exchange();
  EXPECT_EQ(b.take_delivered().size(), 1u);
}

TEST_F(TunnelHandshakes, ANewIdentityEndsSessionsForSendingAtOnce) {
  establish();
  b.send(a, now);
  const Bytes on_its_way = only(b.take_sent()).bytes;
  DeviceChange change;
  change.private_key = key_of("a reborn");
  a.apply(std::move(change), now).value();
  a.send(b, now);
  a.advance(now);
  const Sent sent = only(a.take_sent());
  EXPECT_EQ(sent.type(), 1) << "nothing more under the old session, and no wait for Rekey-Timeout";
  a.receive(on_its_way, b.at, now);
  EXPECT_EQ(a.take_delivered().size(), 1u) << "as in the kernel, what is under way may still arrive";
  b.receive(sent.bytes, a.at, now);
  b.advance(now);
  EXPECT_EQ(b.dropped(Drop::kInUnknownPeer), 1u);
  PeerChange reborn;
  reborn.public_key = key_of("a reborn").public_key();
  reborn.allowed_ips = {{Prefix::masked(a.address, 32)}};
  b.change_peer(std::move(reborn), now);
  now += 6s;
  exchange();
  EXPECT_EQ(b.take_delivered().size(), 1u);
}

TEST_F(TunnelHandshakes, TheSamePrivateKeyAgainChangesNothing) {
  establish();
  DeviceChange change;
  change.private_key = a.key.copy();
  a.apply(std::move(change), now).value();
  a.send(b, now);
  EXPECT_EQ(only(a.take_sent()).type(), 4) << "wg setconf must not cut sessions";
}

TEST_F(TunnelHandshakes, OwnKeysAreNoPeers) {
  a.add_peer(a);
  EXPECT_EQ(a.configuration.peer_count(), 1u);
  DeviceChange change;
  change.private_key = b.key.copy();
  a.apply(std::move(change), now).value();
  EXPECT_EQ(a.configuration.peer_count(), 0u);
  a.send(b, now);
  EXPECT_EQ(a.dropped(Drop::kOutNoPeer), 1u);
}

TEST_F(TunnelHandshakes, ANewEndpointIsTriedWithoutWaitingForTheNextPacket) {
  PeerChange wrong;
  wrong.public_key = b.public_key();
  wrong.endpoint = endpoint("198.51.100.1:1");
  a.change_peer(std::move(wrong), now);
  a.send(b, now);
  exchange();
  run_alone(a, now + 5s);
  PeerChange right;
  right.public_key = b.public_key();
  right.endpoint = b.at;
  now += 400ms;
  a.take_sent();
  a.change_peer(std::move(right), now);
  now += 5s;
  exchange();
  EXPECT_EQ(b.take_delivered().size(), 1u);
}

}  // namespace
}  // namespace wgu::tunnel
