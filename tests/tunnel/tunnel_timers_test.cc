// What happens when: the whitepaper's section 6 as a tunnel shows it on the wire. Constants are written out again.

#include <gtest/gtest.h>

#include "tunnel/device.h"

namespace wgu::tunnel {
namespace {

constexpr std::uint64_t kReject = 18'446'744'073'709'543'486ULL;  // 2^64 - 1 - 8128 - 1
constexpr std::uint64_t kRekey = 1'152'921'504'606'846'976ULL;    // 2^60

class TunnelTimers : public Pair {
 protected:
  // A session that a began, born at `born`; nothing pending but what time brings.
  void establish_quiet() {
    born = now;
    establish();
    run(now + 30s);
  }
  Instant born;
};

TEST_F(TunnelTimers, TheInitiatorRenewsWhenSendingFrom120SecondsOn) {
  establish_quiet();
  now = born + 120s - 1ns;
  a.send(b, now);
  a.advance(now);
  EXPECT_EQ(only(a.take_sent()).type(), 4);
  now = born + 120s;
  a.send(b, now);
  a.advance(now);
  const auto sent = a.take_sent();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].type(), 4) << "the packet that triggers the rekey is not lost, nor late";
  EXPECT_EQ(sent[1].type(), 1);
}

TEST_F(TunnelTimers, TheResponderNeverRenewsByTime) {
  establish_quiet();
  for (const Duration age : {120s, 150s, 179s}) {
    now = born + age;
    b.send(a, now);
    a.receive(only(b.take_sent()).bytes, b.at, now);
    a.send(b, now);  // an answer, so that b has no reason to doubt the path
    b.receive(only(a.take_sent()).bytes, a.at, now);
    b.advance(now);
    EXPECT_TRUE(b.take_sent().empty());
  }
  now = born + 180s;
  b.send(a, now);
  b.advance(now);
  EXPECT_EQ(only(b.take_sent()).type(), 1) << "but it has no session any more";
}

TEST_F(TunnelTimers, TheInitiatorRenewsOnceWhenReceivingFrom165SecondsOn) {
  establish_quiet();
  now = born + 165s - 1ns;
  b.send(a, now);
  a.receive(only(b.take_sent()).bytes, b.at, now);
  a.advance(now);
  EXPECT_TRUE(a.take_sent().empty());
  now = born + 165s;
  b.send(a, now);
  b.send(a, now);
  for (const Sent& sent : b.take_sent()) a.receive(sent.bytes, b.at, now);
  a.advance(now);
  EXPECT_EQ(only(a.take_sent()).type(), 1);
  b.send(a, now + 4s);
  a.receive(only(b.take_sent()).bytes, b.at, now + 4s);
  a.advance(now + 4s);
  EXPECT_TRUE(a.take_sent().empty()) << "once a session";
}

TEST_F(TunnelTimers, NothingIsSentOrAcceptedFrom180SecondsOn) {
  establish_quiet();
  now = born + 180s - 1ns;
  b.send(a, now);
  a.receive(only(b.take_sent()).bytes, b.at, now);
  EXPECT_EQ(a.take_delivered().size(), 1u);
  b.send(a, now);
  const Bytes late = only(b.take_sent()).bytes;
  now = born + 180s;
  a.receive(late, b.at, now);
  EXPECT_EQ(a.dropped(Drop::kInSessionExpired), 1u);
  EXPECT_TRUE(a.take_delivered().empty());
  now += 10s;
  b.send(a, now);
  EXPECT_EQ(b.counters().outbound_queued, 1u);
  run(now + 12s);  // both have reason to begin; should they cross, the jitter decides
  EXPECT_EQ(a.take_delivered().size(), 1u) << "it waited for the new session";
}

TEST_F(TunnelTimers, KeysAreErased540SecondsAfterTheLastSession) {
  born = now;
  establish();
  b.send(a, now);
  const Bytes data = only(b.take_sent()).bytes;
  run_alone(a, born + 540s - 1ns);  // its retries to reach the silent b give up long before
  a.receive(data, b.at, now);
  EXPECT_EQ(a.dropped(Drop::kInSessionExpired), 1u);
  EXPECT_EQ(a.dropped(Drop::kInUnknownIndex), 0u);
  run_alone(a, born + 540s + 1ns);
  a.receive(data, b.at, now);
  EXPECT_EQ(a.dropped(Drop::kInUnknownIndex), 1u) << "no key is left that could open it";
  EXPECT_EQ(a.shard().next_deadline(), kNever);
}

TEST_F(TunnelTimers, TwentyInitiationsThenItGivesUp) {
  const Instant start = now;
  a.send(b, now);
  a.send(b, now);
  const auto sent = run_alone(a, now + 89s);
  EXPECT_EQ(a.dropped(Drop::kOutHandshakeGaveUp), 0u);
  const auto rest = run_alone(a, start + 10min);
  ASSERT_EQ(sent.size() + rest.size(), 20u);
  Instant last = start;
  bool has_jitter = false;
  for (std::size_t i = 1; i < 20; ++i) {
    const auto& [when, initiation] = i < sent.size() ? sent[i] : rest[i - sent.size()];
    EXPECT_EQ(initiation.type(), 1);
    EXPECT_GE(when - last, 5s);
    EXPECT_LE(when - last, 5s + 333ms);
    has_jitter |= when - last != 5s;
    last = when;
  }
  EXPECT_TRUE(has_jitter);
  EXPECT_EQ(a.dropped(Drop::kOutHandshakeGaveUp), 2u);
  EXPECT_EQ(a.counters().handshakes_given_up, 1u);
  EXPECT_EQ(a.pool.in_use(), 0u);
  a.send(b, now);
  exchange();
  EXPECT_EQ(b.take_delivered().size(), 1u) << "given up is not given over";
}

TEST_F(TunnelTimers, DataIsAnsweredWithExactlyOneKeepaliveWhichIsNotAnswered) {
  establish();
  const Instant received = now;
  now += 3s;
  a.send(b, now);
  a.send(b, now);
  exchange();
  const auto carried = run(now + 100s);
  ASSERT_EQ(carried.size(), 1u);
  EXPECT_EQ(std::get<0>(carried[0]), received + 10s);
  EXPECT_EQ(std::get<1>(carried[0]), &b);
  EXPECT_TRUE(std::get<2>(carried[0]).is_keepalive());
}

TEST_F(TunnelTimers, APassiveKeepaliveIsKeptWithManyPeersAround) {
  // Its deadline is earlier than what the shard knew of the peer, and another peer's deadline stands before both.
  Device c("c", 3);
  b.add_peer(c);
  c.add_peer(b);
  establish_quiet();
  PeerChange persistent;
  persistent.public_key = c.public_key();
  persistent.persistent_keepalive = 1;
  b.change_peer(std::move(persistent), now);
  run_alone(b, now + 1s);
  a.send(b, now);
  b.receive(only(a.take_sent()).bytes, a.at, now);
  const Instant received = now;
  bool is_answered = false;
  for (const auto& [when, sent] : run_alone(b, now + 15s)) is_answered |= sent.to == a.at && sent.is_keepalive() && when == received + 10s;
  EXPECT_TRUE(is_answered);
}

TEST_F(TunnelTimers, SilenceAfterDataBeginsAHandshakeAfter15Seconds) {
  establish_quiet();
  a.send(b, now);
  a.take_sent();
  const Instant sent_at = now;
  const auto sent = run_alone(a, now + 16s);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].second.type(), 1);
  EXPECT_GE(sent[0].first, sent_at + 15s);
  EXPECT_LE(sent[0].first, sent_at + 15s + 333ms);
}

TEST_F(TunnelTimers, PersistentKeepalivesComeAtTheirIntervalWhileUpAndWithAKey) {
  PeerChange persistent;
  persistent.public_key = b.public_key();
  persistent.persistent_keepalive = 25;
  a.change_peer(std::move(persistent), now);
  exchange();
  const Instant start = now;
  std::size_t count = 0;
  for (const auto& [when, from, sent] : run(now + 110s)) {
    EXPECT_EQ(when, start + 25s * ++count);
    EXPECT_EQ(from, &a);
    EXPECT_TRUE(sent.is_keepalive());
  }
  EXPECT_EQ(count, 4u);
  a.set_up(false, now);
  EXPECT_TRUE(run(now + 100s).empty());
  a.set_up(true, now);
  EXPECT_FALSE(exchange().empty()) << "at once when it comes up";
  DeviceChange change;
  change.private_key = PrivateKey();
  a.apply(std::move(change), now).value();
  EXPECT_TRUE(run_alone(a, now + 100s).empty());
  change = {};
  change.private_key = a.key.copy();
  a.apply(std::move(change), now).value();
  EXPECT_FALSE(exchange().empty()) << "and when there is a key again";
}

TEST_F(TunnelTimers, PersistentKeepalivesBeginWhenThePeerShowsWhereItIs) {
  Device c("c", 3);
  b.add_peer(c, now, false);
  PeerChange persistent;
  persistent.public_key = c.public_key();
  persistent.persistent_keepalive = 10;
  b.change_peer(std::move(persistent), now);
  EXPECT_TRUE(run_alone(b, now + 1min).empty()) << "no endpoint";
  c.add_peer(b, now);
  c.send(b, now);
  c.advance(now);
  b.receive(only(c.take_sent()).bytes, c.at, now);
  b.advance(now);
  c.receive(only(b.take_sent()).bytes, b.at, now);
  c.advance(now);
  b.receive(only(c.take_sent()).bytes, c.at, now);
  const Instant heard = now;
  const auto sent = run_alone(b, now + 11s);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].first, heard + 10s);
}

// --- Message limits --------------------------------------------------------------------------------------------------------

TEST_F(TunnelTimers, TheThirdPacketFromRejectMinusTwoWaitsForANewSession) {
  establish_quiet();
  a.sending_keypair(b, now)->next_counter = kReject - 2;
  for (int i = 0; i < 3; ++i) a.send(b, now);
  const auto sent = a.take_sent();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(noise::load64(&sent[1].bytes[8]), kReject - 1);
  EXPECT_EQ(a.counters().outbound_queued, 1u);
  for (const Sent& each : sent) b.receive(each.bytes, a.at, now);
  EXPECT_EQ(b.take_delivered().size(), 2u);
  a.advance(now);
  const Sent initiation = only(a.take_sent());
  EXPECT_EQ(initiation.type(), 1);
  b.receive(initiation.bytes, a.at, now);
  exchange();
  EXPECT_EQ(b.take_delivered().size(), 1u);
  EXPECT_EQ(a.counters().sessions_begun, 2u);
}

TEST_F(TunnelTimers, EitherSideRenewsAfterTwoToTheSixtyMessages) {
  for (Device* device : {&a, &b}) {
    establish_quiet();
    Device& other = device == &a ? b : a;
    device->take_sent();
    device->sending_keypair(other, now)->next_counter = kRekey - 1;
    device->send(other, now);
    device->advance(now);
    EXPECT_EQ(only(device->take_sent()).type(), 4);
    device->send(other, now);
    device->advance(now);
    const auto sent = device->take_sent();
    ASSERT_EQ(sent.size(), 2u);
    EXPECT_EQ(sent[1].type(), 1);
    now += 1000s;
    run(now + 1s);
  }
}

// --- Exactness -------------------------------------------------------------------------------------------------------------

TEST_F(TunnelTimers, ADeadlineIsNeitherEarlyNorLate) {
  a.send(b, now);
  Counters before = a.counters();
  int deadlines = 0;
  while (a.shard().next_deadline() != kNever) {
    const Instant deadline = a.shard().next_deadline();
    if (deadline > now) {
      ++deadlines;
      TunnelOutput output;
      a.shard().advance(deadline - 1ns, output);
      EXPECT_TRUE(output.to_network.empty());
      EXPECT_EQ(a.shard().next_deadline(), deadline) << "asking early changes nothing";
      now = deadline;
    }
    a.advance(now);
  }
  EXPECT_EQ(a.take_sent().size(), 20u);
  EXPECT_EQ(deadlines, 21);  // 19 retries, the giving up, the erasing
  EXPECT_EQ(a.counters().initiations_sent - before.initiations_sent, 20u);
}

// A response that went out lately forbids an initiation; what is staged then must not wait for a timer that nobody armed.
TEST_F(TunnelTimers, WhatIsStagedBehindAnUnconfirmedSessionIsRetried) {
  a.send(b, now);
  a.advance(now);
  b.receive(only(a.take_sent()).bytes, a.at, now);
  b.advance(now);
  EXPECT_EQ(only(b.take_sent()).type(), 2);  // and is lost, as a is from now on
  b.send(a, now);
  const auto sent = run_alone(b, now + 5334ms);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].second.type(), 1);
  EXPECT_GE(sent[0].first - (now - 5334ms), 5s);
}

}  // namespace
}  // namespace wgu::tunnel
