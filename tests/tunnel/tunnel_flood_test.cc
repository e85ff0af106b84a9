// Handshakes under load: cookies, limits, whose room in the queue is whose, and how much of the time goes to whom.

#include <gtest/gtest.h>

#include "noise/cookie.h"
#include "tunnel/device.h"
#include "tunnel/stranger.h"

namespace wgu::tunnel {
namespace {

class FloodedTunnel : public Pair {
 protected:
  Sent initiation_of_a() {
    a.send(b, now);
    a.advance(now);
    return only(a.take_sent());
  }
  // From as many sources as there are messages.
  void flood_b(std::size_t count) {
    Stranger stranger(b);
    for (std::size_t i = 0; i < count; ++i) b.receive(stranger.junk(now), source(i), now);
  }
  static Endpoint source(std::size_t i) {
    return {IpAddress::v4(203, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)), 1000};
  }
};

TEST_F(FloodedTunnel, UnderLoadACookieIsAskedForAndThenEnough) {
  const Sent first = initiation_of_a();
  flood_b(128);
  b.receive(first.bytes, a.at, now);
  b.advance(now);
  Sent reply;
  std::size_t replies = 0;
  for (Sent& sent : b.take_sent()) {
    EXPECT_EQ(sent.type(), 3);
    EXPECT_EQ(sent.bytes.size(), 64u);
    ++replies;
    if (sent.to == a.at) reply = std::move(sent);
  }
  EXPECT_EQ(replies, 129u);
  EXPECT_EQ(b.counters().cookie_replies_sent, 129u);
  EXPECT_EQ(b.dropped(Drop::kInUnderLoadCookieSent), 129u);
  ASSERT_EQ(reply.type(), 3);
  a.receive(reply.bytes, endpoint("198.51.100.9:9"), now);
  a.advance(now);
  EXPECT_EQ(a.counters().cookie_replies_received, 1u);
  EXPECT_EQ(a.status_of(b).endpoint, b.at) << "a cookie reply proves nothing about where the peer is";
  EXPECT_TRUE(a.take_sent().empty()) << "no sooner than the next retry";
  a.receive(reply.bytes, b.at, now);
  a.advance(now);
  EXPECT_EQ(a.dropped(Drop::kInInvalidCookie), 1u) << "once for each MAC1";

  now += 5400ms;
  flood_b(128);
  a.advance(now);
  b.receive(only(a.take_sent()).bytes, a.at, now);
  b.advance(now);
  std::size_t responses = 0;
  for (const Sent& sent : b.take_sent()) responses += sent.type() == 2;
  EXPECT_EQ(responses, 1u);
}

TEST_F(FloodedTunnel, ACookieIsBoundToAddressAndPort) {
  Stranger proven(b);
  flood_b(128);
  b.receive(proven.junk(now), endpoint("203.0.113.1:1"), now);
  b.advance(now);
  for (const Sent& sent : b.take_sent()) {
    if (sent.to == endpoint("203.0.113.1:1")) {
      EXPECT_TRUE(proven.jar.consume_reply(std::span<const std::uint8_t, 64>(sent.bytes), now));
    }
  }
  const auto invalid = b.dropped(Drop::kInInvalidInitiation);
  b.receive(proven.junk(now), endpoint("203.0.113.1:2"), now);
  b.receive(proven.junk(now), endpoint("203.0.113.2:1"), now);
  b.advance(now);
  EXPECT_EQ(b.dropped(Drop::kInInvalidInitiation), invalid);
  b.receive(proven.junk(now), endpoint("203.0.113.1:1"), now);
  b.advance(now);
  EXPECT_EQ(b.dropped(Drop::kInInvalidInitiation), invalid + 1) << "MAC2 was good; the rest was junk";
}

TEST_F(FloodedTunnel, OnlyProvenSourcesFillABucket) {
  Stranger proven(b);
  flood_b(128);
  // A spoofer speaks for the victim's address a hundred times.
  Stranger spoofer(b);
  for (int i = 0; i < 100; ++i) b.receive(spoofer.junk(now), a.at, now);
  b.receive(proven.junk(now), a.at, now);
  b.advance(now);
  EXPECT_EQ(b.dropped(Drop::kInRateLimited), 0u);
  const auto replies = b.take_sent();
  EXPECT_TRUE(proven.jar.consume_reply(std::span<const std::uint8_t, 64>(replies.back().bytes), now));
  for (int i = 0; i < 6; ++i) b.receive(proven.junk(now), a.at, now);
  b.advance(now);
  EXPECT_EQ(b.dropped(Drop::kInInvalidInitiation), 5u);
  EXPECT_EQ(b.dropped(Drop::kInRateLimited), 1u) << "a burst of five";
  now += 50ms;
  b.receive(proven.junk(now), a.at, now);
  b.receive(proven.junk(now), a.at, now);
  b.advance(now);
  EXPECT_EQ(b.dropped(Drop::kInInvalidInitiation), 6u) << "then 20 a second";
}

TEST_F(FloodedTunnel, LoadSticksForASecond) {
  const Sent first = initiation_of_a();
  flood_b(128);
  b.advance(now);  // one of 128 waits at least an eighth of 1024; the others still feel it
  EXPECT_EQ(b.dropped(Drop::kInUnderLoadCookieSent), 128u);
  b.take_sent();
  b.receive(first.bytes, a.at, now + 1s - 1ns);
  b.advance(now + 1s - 1ns);
  EXPECT_EQ(only(b.take_sent()).type(), 3);
  b.receive(first.bytes, a.at, now + 1s);
  b.advance(now + 1s);
  EXPECT_EQ(only(b.take_sent()).type(), 2);
}

TEST_F(FloodedTunnel, CookieRepliesAndTheQueueAreBounded) {
  flood_b(1500);
  EXPECT_EQ(b.counters().inbound_queued, 512u);
  EXPECT_EQ(b.dropped(Drop::kInHandshakeQueueFull), 988u);
  EXPECT_EQ(b.pool.in_use(), 0u) << "what waits holds no buffer that data needs";
  b.advance(now);
  EXPECT_EQ(b.take_sent().size(), 256u);
  EXPECT_EQ(b.dropped(Drop::kInUnderLoadNoCookie), 512u - 256);
  now += 100ms;
  flood_b(1024);
  b.advance(now);
  EXPECT_EQ(b.take_sent().size(), 256u) << "409 tokens grew in 100 ms, a burst of 256 is kept";
}

TEST_F(FloodedTunnel, AFloodOfInitiationsDoesNotStopData) {
  establish();
  for (int second = 0; second < 3; ++second) {
    flood_b(2000);
    TunnelOutput output;
    b.shard().advance(now, output);  // a few, between batches of data
    EXPECT_GT(b.counters().inbound_queued, 300u);
    for (int i = 0; i < 100; ++i) {
      a.send(b, now);
      b.receive(only(a.take_sent()).bytes, a.at, now);
      b.send(a, now);
      a.receive(only(b.take_sent()).bytes, b.at, now);
    }
    EXPECT_EQ(b.take_delivered().size(), 100u);
    EXPECT_EQ(a.take_delivered().size(), 100u);
    now += 1s;
  }
}

// Half of the queue is for those who have had a cookie, and a claim to one is worth nothing: random bytes in its place, a cookie that was
// another's, a cookie reply that nobody asked for.
class CrowdedTunnel : public FloodedTunnel {
 protected:
  // A flood of strangers, among them somebody who gets a cookie and goes on using it. Half of the queue is full then.
  void let_in(Stranger& known, const Endpoint& at) {
    flood_b(200);
    b.receive(known.junk(now), at, now);
    b.advance(now);
    for (const Sent& sent : b.take_sent()) {
      if (sent.to == at) {
        EXPECT_TRUE(known.jar.consume_reply(std::span<const std::uint8_t, 64>(sent.bytes), now));
      }
    }
    flood_b(5000);
    EXPECT_EQ(b.counters().inbound_queued, 512u);
  }
  std::size_t responses_of_b() {
    b.advance(now);
    std::size_t responses = 0;
    for (const Sent& sent : b.take_sent()) responses += sent.type() == 2;
    return responses;
  }
};

TEST_F(CrowdedTunnel, WhoHadACookieFindsRoomWhateverOthersClaim) {
  Stranger liar(b);
  const Sent first = initiation_of_a();
  flood_b(200);
  b.receive(first.bytes, a.at, now);
  b.advance(now);
  for (const Sent& sent : b.take_sent()) {
    if (sent.to == a.at) a.receive(sent.bytes, b.at, now);
  }
  now += 5400ms;
  a.advance(now);
  flood_b(5000);
  for (std::size_t i = 0; i < 260; ++i) {
    Bytes junk = liar.junk(now);
    junk.back() = 1;
    b.receive(junk, source(i), now);
    junk[120] ^= 1;  // MAC1 is false too
    b.receive(junk, source(i), now);
  }
  EXPECT_EQ(b.counters().inbound_queued, 512u) << "no room for claims";
  b.receive(only(a.take_sent()).bytes, a.at, now);
  EXPECT_EQ(b.counters().inbound_queued, 513u);
  EXPECT_EQ(responses_of_b(), 1u);
}

// A claim that takes two MACs to see through costs 1.55 us, of 500 that are there; beside much data one of 20 us of time is earned.
TEST_F(CrowdedTunnel, LookingAtClaimsTakesATwentiethOfTheTimeOfData) {
  establish();
  flood_b(600);
  Stranger liar(b), known(b);
  const Endpoint at = source(70'000);
  noise::CookieChecker same(b.gate.cookie_secret());
  same.set_public_key(b.public_key());
  const Bytes asking = known.junk(now);
  std::array<std::uint8_t, 64> cookie;
  same.create_reply(asking, at, now, std::array<std::uint8_t, 24>{}, cookie);
  ASSERT_TRUE(known.jar.consume_reply(cookie, now));
  Bytes claim = liar.junk(now);
  claim.back() = 1;
  const auto finds_room = [&] {
    const std::uint64_t before = b.counters().inbound_queued;
    b.receive(known.junk(now), at, now);
    return b.counters().inbound_queued != before;
  };
  for (int i = 0; i < 322; ++i) b.receive(claim, source(1), now);
  EXPECT_TRUE(finds_room()) << "499.1 of 500";
  EXPECT_FALSE(finds_room());
  const auto advance_after = [&](int packets, Duration passed) {
    for (int i = 0; i < packets; ++i) {
      a.send(b, now);
      b.receive(only(a.take_sent()).bytes, a.at, now);
    }
    now += passed;
    flood_b(10);  // in place of what has its turn
    TunnelOutput output;
    b.shard().advance(now, output);
    flood_b(10);
  };
  advance_after(600, 50us);  // pays off 2.5 us: what was too much, 0.65, and a claim more
  EXPECT_TRUE(finds_room());
  EXPECT_TRUE(finds_room());
  EXPECT_FALSE(finds_room());
  advance_after(0, 100ms);
  for (int i = 0; i < 300; ++i) b.receive(claim, source(1), now);
  EXPECT_TRUE(finds_room());
  b.take_delivered();
}

TEST_F(CrowdedTunnel, AnothersCookieIsAClaimLikeAnyOther) {
  Stranger known(b);
  let_in(known, source(70'000));
  const std::uint64_t full = b.dropped(Drop::kInHandshakeQueueFull);
  for (std::size_t i = 0; i < 10; ++i) b.receive(known.junk(now), source(i), now);
  EXPECT_EQ(b.counters().inbound_queued, 512u);
  EXPECT_EQ(b.dropped(Drop::kInHandshakeQueueFull), full + 10);
  b.advance(now);
}

TEST_F(CrowdedTunnel, WhoHadACookieGetsNoMoreRoomThanTurns) {
  Stranger known(b);
  let_in(known, source(70'000));
  const std::uint64_t invalid = b.dropped(Drop::kInInvalidInitiation);
  for (int i = 0; i < 300; ++i) b.receive(known.junk(now), source(70'000), now);
  EXPECT_EQ(b.counters().inbound_queued, 512u + 5) << "a burst of five";
  EXPECT_EQ(b.dropped(Drop::kInRateLimited), 295u);
  b.advance(now);
  EXPECT_EQ(b.dropped(Drop::kInInvalidInitiation), invalid + 5) << "counted once: what found room has its turn";
  EXPECT_EQ(b.dropped(Drop::kInRateLimited), 295u);
}

TEST_F(CrowdedTunnel, CookieRepliesThatNobodyAskedForFindNoRoom) {
  const Sent initiation = only([&] {
    b.send(a, now);
    b.advance(now);
    return b.take_sent();
  }());
  flood_b(5000);
  Bytes reply(64, 0x5a);
  noise::store32(reply.data(), 3);
  for (int i = 0; i < 600; ++i) {
    noise::store32(&reply[4], static_cast<std::uint32_t>(i) << 8);
    b.receive(reply, source(static_cast<std::size_t>(i)), now);
  }
  EXPECT_EQ(b.counters().inbound_queued, 512u);
  noise::store32(&reply[4], noise::load32(&initiation.bytes[4]));
  b.receive(reply, a.at, now);
  EXPECT_EQ(b.counters().inbound_queued, 513u) << "an index that we gave";
  b.advance(now);
  EXPECT_EQ(b.dropped(Drop::kInInvalidCookie), 1u);
}

// Batches of 64 packets, one in 100 us: a handshake in 1.3 ms, after the first that has credit at once, and whenever next_deadline() says.
// Without data, four at once.
TEST_F(FloodedTunnel, BesideMuchDataHandshakesGetATenthOfTheTime) {
  establish();
  TunnelOutput output;
  const auto carry_data_for = [&](Duration span) {
    for (const Instant end = now + span; now < end; now += 100us) {
      for (int i = 0; i < 64; ++i) {
        a.send(b, now);
        b.receive(only(a.take_sent()).bytes, a.at, now);
      }
      b.shard().advance(now, output);
    }
    b.take_delivered();
  };
  carry_data_for(10ms);
  flood_b(100);  // no load yet: each is opened, which takes arithmetic, and found to be junk
  carry_data_for(26ms);
  EXPECT_NEAR(static_cast<double>(b.dropped(Drop::kInInvalidInitiation)), 1 + 20, 1);
  const std::uint64_t before = b.dropped(Drop::kInInvalidInitiation);
  const Instant next = b.shard().next_deadline();
  ASSERT_GT(next, now - 100us);
  EXPECT_LE(next - now, 1300us);
  b.shard().advance(next, output);
  EXPECT_EQ(b.dropped(Drop::kInInvalidInitiation), before + 1);
  now = next + 20ms;
  b.shard().advance(now, output);
  EXPECT_EQ(b.dropped(Drop::kInInvalidInitiation), before + 1 + 4) << "without data";
  EXPECT_EQ(b.shard().next_deadline(), Instant::min());
}

TEST_F(FloodedTunnel, AFloodDoesNotKeepOurOwnInitiationsWaiting) {
  flood_b(1024);
  b.send(a, now);
  TunnelOutput output;
  b.shard().advance(now, output);
  EXPECT_EQ(b.counters().initiations_sent, 1u);
}

}  // namespace
}  // namespace wgu::tunnel
