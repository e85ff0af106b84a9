// The buffer itself; and what a tunnel emits: each cause moves its counter and tells its event, by exactly as much as was done, and
// nothing else of either moves.
#include "tunnel/event_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tunnel/device.h"
#include "values/moved.h"

namespace wgu::tunnel {
namespace {

TEST(EventBuffer, IsBoundedAndCountsWhatFindsNoRoom) {
  EventBuffer buffer;
  Counters counters;
  EXPECT_FALSE(buffer.is_wanted());
  for (std::uint64_t i = 0; i < EventBuffer::kCapacity + 3; ++i) buffer.emit({.kind = EventKind::kMtuChanged, .value = i}, counters);
  ASSERT_EQ(buffer.events().size(), EventBuffer::kCapacity);
  EXPECT_EQ(buffer.events().back().value, EventBuffer::kCapacity - 1);
  EXPECT_EQ(counters.events_held_back, 3U);
  buffer.clear();
  EXPECT_TRUE(buffer.events().empty());
  buffer.emit({.kind = EventKind::kUnderLoad}, counters);
  for (const std::uint64_t value : {7, 8}) buffer.emit({.kind = EventKind::kMtuChanged, .value = value}, counters);
  ASSERT_EQ(buffer.events().size(), 3U);
  EXPECT_EQ(buffer.events()[0].held_back, 0U) << "of another kind";
  EXPECT_EQ(buffer.events()[1].value, 7U);
  EXPECT_EQ(buffer.events()[1].held_back, 3U);
  EXPECT_EQ(buffer.events()[2].held_back, 0U) << "said once";
}

class TunnelEvents : public Pair {
 protected:
  TunnelEvents() {
    a.shard().events().set_wanted(true);
    b.shard().events().set_wanted(true);
  }
  static std::vector<Event> take(Device& device) {
    const auto events = device.shard().events().events();
    std::vector<Event> taken(events.begin(), events.end());
    device.shard().events().clear();
    return taken;
  }
  static std::vector<std::string> names(const std::vector<Event>& events) {
    std::vector<std::string> all;
    for (const Event& event : events) all.emplace_back(event_table()[static_cast<std::size_t>(event.kind)].name);
    return all;
  }
  void forget() {
    take(a);
    take(b);
  }
  // Of all counters, those that differ; but for traffic, which every message moves.
  static Moved moved(const Counters& before, const Counters& after) {
    Moved differences = wgu::moved(before, after);
    for (const char* traffic : {"device_packets_received", "device_bytes_received", "datagrams_sent", "datagram_bytes_sent",
                                "datagrams_received", "datagram_bytes_received", "device_packets_sent", "device_bytes_sent",
                                "data_packets_sent", "data_bytes_sent", "keepalives_sent", "keepalives_received", "inbound_consumed",
                                "seal_batches", "open_batches", "outbound_queued_peak", "inbound_queued_peak", "outbound_queued"}) {
      differences.erase(traffic);
    }
    return differences;
  }
  using Names = std::vector<std::string>;
};

TEST_F(TunnelEvents, NobodyIsToldUnlessAsked) {
  a.shard().events().set_wanted(false);
  establish();
  EXPECT_TRUE(take(a).empty());
  EXPECT_FALSE(take(b).empty());
}

TEST_F(TunnelEvents, AHandshakeIsToldByBothEnds) {
  const Counters a_before = a.counters(), b_before = b.counters();
  a.send(b, now);
  a.advance(now);
  const Sent initiation = only(a.take_sent());
  now += 30ms;
  b.receive(initiation.bytes, a.at, now);
  b.advance(now);
  const Sent response = only(b.take_sent());
  now += 20ms;
  a.receive(response.bytes, b.at, now);
  a.advance(now);
  const Sent data = only(a.take_sent());
  now += 15ms;
  b.receive(data.bytes, a.at, now);

  const std::vector<Event> of_a = take(a), of_b = take(b);
  EXPECT_EQ(names(of_a), (Names{"handshake_begun", "session_installed", "handshake_completed"}));
  EXPECT_EQ(of_a[0].cause, RekeyCause::kNoSession);
  EXPECT_EQ(of_a[0].peer, b.public_key());
  EXPECT_EQ(of_a[0].endpoint, b.at);
  EXPECT_EQ(of_a[0].when, Instant(1000s));
  EXPECT_TRUE(of_a[2].is_initiator);
  EXPECT_EQ(of_a[2].value, 50'000'000U) << "initiation to response";
  EXPECT_EQ(of_a[2].when, Instant(1000s) + 50ms);
  EXPECT_EQ(names(of_b), (Names{"session_installed", "handshake_completed"}));
  EXPECT_FALSE(of_b[1].is_initiator);
  EXPECT_EQ(of_b[1].value, 35'000'000U) << "response to first packet";
  EXPECT_EQ(moved(a_before, a.counters()), (Moved{{"initiations_sent", 1},
                                                  {"responses_received", 1},
                                                  {"sessions_begun", 1},
                                                  {"handshakes_completed_as_initiator", 1},
                                                  {"rekey no_session", 1}}));
  EXPECT_EQ(moved(b_before, b.counters()),
            (Moved{{"initiations_received", 1}, {"responses_sent", 1}, {"sessions_begun", 1}, {"handshakes_completed_as_responder", 1}}));
  EXPECT_EQ(a.status_of(b).counters,
            (PeerCounters{.data_packets_sent = 1, .data_bytes_sent = 100, .handshakes_completed_as_initiator = 1}));
  EXPECT_EQ(b.status_of(a).counters,
            (PeerCounters{.data_packets_received = 1, .data_bytes_received = 100, .handshakes_completed_as_responder = 1}));
}

TEST_F(TunnelEvents, GoodputIsInnerBytesWithoutPadding) {
  establish();
  const Counters before = a.counters();
  for (const std::size_t size : {60, 100, 1000, 1419}) a.send(b, now, size);
  exchange();
  EXPECT_EQ(a.counters().data_bytes_sent - before.data_bytes_sent, 60U + 100 + 1000 + 1419);
  EXPECT_EQ(b.counters().device_bytes_sent, 100U + 60 + 100 + 1000 + 1419);
  EXPECT_EQ(b.status_of(a).counters.data_bytes_received, 100U + 60 + 100 + 1000 + 1419);
}

TEST_F(TunnelEvents, WhatCouldNotBeSentIsNotGoodput) {
  establish();
  forget();
  const Counters before = a.counters();
  const PeerCounters peer_before = a.status_of(b).counters;
  for (int i = 0; i < 3; ++i) {
    a.send(b, now, 101);
    const Sent sent = only(a.take_sent());
    a.shard().send_failed(sent.tag, sent.bytes.size(), Drop::kOutMessageTooLong);
  }
  a.shard().send_failed(0, 64, Drop::kOutSendFailed);  // a cookie: nobody's
  EXPECT_EQ(moved(before, a.counters()), (Moved{{"send_errors", 1}, {"drop out message_too_long", 3}}));
  EXPECT_EQ(a.counters().data_bytes_sent, before.data_bytes_sent);
  EXPECT_EQ(a.counters().data_packets_sent, before.data_packets_sent);
  EXPECT_EQ(a.status_of(b).counters, peer_before);
  const std::vector<Event> events = take(a);
  EXPECT_EQ(names(events), (Names{"send_failed", "send_failed", "send_failed", "send_failed"}));
  EXPECT_EQ(events[0].reason, Drop::kOutMessageTooLong);
  EXPECT_EQ(events[0].peer, b.public_key());
  EXPECT_EQ(events[0].value, 16U + 112 + 16);
  EXPECT_EQ(events[3].peer, PublicKey{});
}

TEST_F(TunnelEvents, AnUnansweredHandshakeIsRepeatedAndThenGivenUp) {
  const Counters before = a.counters();
  a.send(b, now);
  run_alone(a, now + 300s);
  EXPECT_EQ(moved(before, a.counters()), (Moved{{"initiations_sent", 20},
                                                {"initiations_repeated", 19},
                                                {"handshakes_given_up", 1},
                                                {"rekey no_session", 1},
                                                {"drop out handshake_gave_up", 1}}));
  const std::vector<Event> events = take(a);
  EXPECT_EQ(names(events), (Names{"handshake_begun", "handshake_failed"}));
  EXPECT_EQ(events[1].reason, Drop::kOutHandshakeGaveUp);
  EXPECT_EQ(a.status_of(b).counters, PeerCounters{.handshakes_given_up = 1});
}

TEST_F(TunnelEvents, RekeysNameTheirCause) {
  establish();
  forget();
  const auto cause_of_next = [this] {
    exchange();
    std::vector<std::string> causes;
    for (const Event& event : take(a)) {
      if (event.kind == EventKind::kHandshakeBegun) causes.emplace_back(rekey_cause_table()[static_cast<std::size_t>(event.cause)].name);
    }
    return causes;
  };
  // Rekey-After-Time is 120 s (whitepaper 6.1).
  now += 121s;
  a.send(b, now);
  EXPECT_EQ(cause_of_next(), Names{"time"});

  // Rekey-After-Messages is 2^60 (kernel messages.h; whitepaper 6.1).
  now += 20s;
  a.sending_keypair(b, now)->next_counter = (std::uint64_t{1} << 60) + 1;
  a.send(b, now);
  EXPECT_EQ(cause_of_next(), Names{"messages"});

  now += 20s;
  DeviceChange change;
  change.private_key = key_of("another");
  a.apply(std::move(change), now).value();
  PeerChange renamed;
  renamed.public_key = key_of("another").public_key();
  renamed.endpoint = a.at;
  renamed.allowed_ips.push_back({Prefix::masked(a.address, 32)});
  b.change_peer(std::move(renamed), now);
  a.send(b, now);
  EXPECT_EQ(cause_of_next(), Names{"new_key"});

  // New-Handshake-Time: Keepalive-Timeout + Rekey-Timeout, 15 s.
  now += 20s;
  a.send(b, now);
  a.take_sent();  // lost
  now += 16s;
  EXPECT_EQ(cause_of_next(), Names{"no_answer"});
  const Counters counters = a.counters();
  EXPECT_EQ(counters.rekeys, (std::array<std::uint64_t, kRekeyCauseCount>{1, 1, 1, 1, 0, 1}));
  EXPECT_EQ(counters.sessions_begun, counters.handshakes_completed_as_initiator);
}

TEST_F(TunnelEvents, ANewEndpointIsACauseWherePacketsWait) {
  PeerChange moved_to;
  moved_to.public_key = b.public_key();
  moved_to.endpoint = Endpoint{IpAddress::v4(192, 0, 2, 200), 1, 0};  // where nobody is
  a.change_peer(std::move(moved_to), now);
  EXPECT_EQ(a.counters().rekeys, (std::array<std::uint64_t, kRekeyCauseCount>{})) << "nothing waits";
  a.send(b, now);
  a.advance(now);
  a.take_sent();
  forget();
  now += 2s;
  const Counters before = a.counters();
  PeerChange moved_back;
  moved_back.public_key = b.public_key();
  moved_back.endpoint = b.at;
  a.change_peer(std::move(moved_back), now);
  EXPECT_EQ(moved(before, a.counters()), (Moved{{"rekey new_endpoint", 1}}));
  run(now + 10s);
  const std::vector<Event> events = take(a);
  EXPECT_EQ(names(events), (Names{"handshake_begun", "session_installed", "handshake_completed"}));
  EXPECT_EQ(events[0].cause, RekeyCause::kNewEndpoint);
  EXPECT_EQ(moved(before, a.counters()), (Moved{{"rekey new_endpoint", 1},
                                                {"initiations_sent", 1},
                                                {"responses_received", 1},
                                                {"sessions_begun", 1},
                                                {"handshakes_completed_as_initiator", 1}}));
  EXPECT_EQ(b.take_delivered().size(), 1U);
}

TEST_F(TunnelEvents, SessionsRetireAndAreErased) {
  establish();
  const std::uint32_t first = a.sending_keypair(b, now)->local_index;
  forget();
  now += 121s;
  a.send(b, now);
  exchange();
  const std::vector<Event> events = take(a);
  EXPECT_EQ(names(events), (Names{"handshake_begun", "session_installed", "session_retired", "handshake_completed"}));
  EXPECT_EQ(events[2].value, first);
  EXPECT_EQ(names(take(b)), (Names{"session_installed", "session_retired", "handshake_completed"}));
  run_alone(a, now + 2000s);
  const std::vector<Event> later = take(a);
  EXPECT_EQ(std::count_if(later.begin(), later.end(), [](const Event& event) { return event.kind == EventKind::kSessionsErased; }), 1);
}

TEST_F(TunnelEvents, ASessionThatNobodyUsesIsUnconfirmed) {
  a.send(b, now);
  a.advance(now);
  b.receive(only(a.take_sent()).bytes, a.at, now);
  b.advance(now);
  b.take_sent();  // the response is lost
  EXPECT_EQ(b.counters().sessions_unconfirmed, 0U) << "it may still come";
  b.set_up(false, now);
  EXPECT_EQ(b.counters().sessions_unconfirmed, 1U);
  EXPECT_EQ(b.counters().sessions_begun, 1U);
  EXPECT_EQ(b.counters().handshakes_completed_as_responder, 0U);
}

TEST_F(TunnelEvents, RoamingIsToldWithTheNewEndpoint) {
  establish();
  forget();
  const Counters before = b.counters();
  const Endpoint elsewhere{IpAddress::v4(198, 51, 100, 9), 4242, 0};
  a.send(b, now);
  b.receive(only(a.take_sent()).bytes, elsewhere, now);
  const std::vector<Event> events = take(b);
  EXPECT_EQ(names(events), Names{"endpoint_changed"});
  EXPECT_EQ(events[0].endpoint, elsewhere);
  EXPECT_EQ(events[0].peer, a.public_key());
  EXPECT_EQ(moved(before, b.counters()), (Moved{{"endpoints_changed", 1}}));
  EXPECT_EQ(b.status_of(a).counters.endpoints_changed, 1U);
}

TEST_F(TunnelEvents, AClockThatGoesBackIsCounted) {
  establish();
  now += 121s;
  a.set_wall_back(3'600'000'000'000);
  const Counters before = a.counters();
  a.send(b, now);
  a.advance(now);
  EXPECT_EQ(a.counters().clock_went_back, before.clock_went_back + 1);
  b.receive(a.take_sent().back().bytes, a.at, now);
  b.advance(now);
  EXPECT_EQ(b.dropped(Drop::kInReplayedInitiation), 1U);
  const std::vector<Event> events = take(b);
  EXPECT_EQ(events.back().kind, EventKind::kHandshakeFailed);
  EXPECT_EQ(events.back().reason, Drop::kInReplayedInitiation);
  EXPECT_EQ(events.back().peer, a.public_key());
}

TEST_F(TunnelEvents, RefusedHandshakesAreToldWithTheirReason) {
  a.send(b, now);
  a.advance(now);
  const Sent initiation = only(a.take_sent());
  Bytes wrong = initiation.bytes;
  wrong[120] ^= 1;  // of MAC1
  const Counters before = b.counters();
  for (int i = 0; i < 4; ++i) b.receive(wrong, a.at, now);
  b.advance(now);
  EXPECT_EQ(moved(before, b.counters()), (Moved{{"drop in bad_mac1", 4}}));
  const std::vector<Event> events = take(b);
  ASSERT_EQ(events.size(), 4U);
  for (const Event& event : events) {
    EXPECT_EQ(event.kind, EventKind::kHandshakeFailed);
    EXPECT_EQ(event.reason, Drop::kInBadMac1);
    EXPECT_EQ(event.endpoint, a.at);
    EXPECT_EQ(event.peer, PublicKey{}) << "nobody has proven anything";
  }
}

// Under load from an eighth of 4096 waiting messages (kernel queueing.h, receive.c), and for a second after.
TEST_F(TunnelEvents, LoadIsToldOnceAndItsTimeAddsUp) {
  a.send(b, now);
  a.advance(now);
  Bytes wrong = only(a.take_sent()).bytes;
  wrong[10] ^= 1;
  for (int i = 0; i < 500; ++i) b.receive(wrong, a.at, now);
  forget();
  EXPECT_EQ(b.counters().inbound_queued_peak, 500U);
  b.advance(now);
  EXPECT_EQ(b.counters().under_load_nanoseconds, 0U) << "a message without MAC1 asks for no cookie";
  Bytes valid = [&] {
    now += 10s;
    a.send(b, now);
    a.advance(now);
    return a.take_sent().back().bytes;
  }();
  for (int i = 0; i < 500; ++i) b.receive(valid, a.at, now);
  forget();
  b.advance(now);
  std::vector<Event> events = take(b);
  EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const Event& event) { return event.kind == EventKind::kUnderLoad; }), 1);
  EXPECT_EQ(b.counters().under_load_nanoseconds, 1'000'000'000U);
}

TEST_F(TunnelEvents, AQueueThatGetsHighIsTold) {
  Device hub("hub", 9, 1, 128);  // at most 64 staged of all peers
  hub.shard().events().set_wanted(true);
  hub.add_peer(b, now);
  for (int i = 0; i < 47; ++i) hub.send(b, now);
  EXPECT_TRUE(take(hub).empty());
  hub.send(b, now);
  const std::vector<Event> events = take(hub);
  EXPECT_EQ(names(events), Names{"queue_high"});
  EXPECT_EQ(events[0].reason, Drop::kOutStagedOverflow);
  EXPECT_EQ(events[0].value, 48U);
  EXPECT_EQ(hub.counters().outbound_queued_peak, 48U);
  hub.set_up(false, now);
  EXPECT_EQ(hub.counters().outbound_queued, 0U);
  EXPECT_EQ(hub.counters().outbound_queued_peak, 48U);
}

TEST_F(TunnelEvents, ARemovedPeersSessionsAreErasedOnce) {
  establish();
  forget();
  a.remove_peer(b, now);
  const std::vector<Event> events = take(a);
  EXPECT_EQ(names(events), (Names{"sessions_erased"}));
  EXPECT_EQ(events.at(0).peer, b.public_key());
  a.add_peer(b, now);
  a.remove_peer(b, now);
  EXPECT_TRUE(take(a).empty()) << "it had none";
}

}  // namespace
}  // namespace wgu::tunnel
