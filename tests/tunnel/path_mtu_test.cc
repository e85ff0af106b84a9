// Path MTUs as a value, and what a tunnel makes of them: questions, ICMP to inner senders, padding, what leaves in pieces, how long a
// path is believed, who hears of a narrow one.

#include "tunnel/path_mtu.h"

#include <gtest/gtest.h>

#include "tunnel/device.h"

namespace wgu::tunnel {
namespace {

constexpr Instant kStart{1000s};

TEST(PathMtu, RoomIsWhatTheHeadersLeave) {
  struct Row {
    Family outer;
    std::size_t mtu, room;
  };
  // Whitepaper 5.4.6: 16 bytes of header, 16 of tag; UDP 8; IPv4 20, IPv6 40.
  for (const Row& row :
       {Row{Family::kIpv4, 1500, 1440}, Row{Family::kIpv6, 1500, 1420}, Row{Family::kIpv4, 1280, 1220}, Row{Family::kIpv6, 1280, 1200},
        Row{Family::kIpv4, 576, 516}, Row{Family::kIpv4, 9001, 8941},
        // Bounds, for what strangers can say: RFC 791, RFC 8200; and what fits an IP header.
        Row{Family::kIpv4, 575, 516}, Row{Family::kIpv4, 0, 516}, Row{Family::kIpv6, 1279, 1200}, Row{Family::kIpv6, 0, 1200},
        Row{Family::kIpv4, 65'535, 65'475}, Row{Family::kIpv4, 65'536, 65'475}, Row{Family::kIpv6, SIZE_MAX, 65'455}}) {
    PathMtu path;
    EXPECT_EQ(path.room(kStart), PathMtu::kNoLimit);
    path.learn(row.outer, row.mtu, kStart);
    EXPECT_EQ(path.room(kStart), row.room) << row.mtu;
  }
}

TEST(PathMtu, IsBelievedForTenMinutesAndThenAskedFor) {
  PathMtu path;
  EXPECT_TRUE(path.take_question(kStart));
  EXPECT_FALSE(path.take_question(kStart)) << "asked already";
  EXPECT_FALSE(path.take_question(kStart + 10s - 1ns));
  EXPECT_TRUE(path.take_question(kStart + 10s)) << "nobody answered";
  path.learn(Family::kIpv4, 1400, kStart);
  EXPECT_EQ(path.room(kStart + 10min - 1ns), 1340u);
  EXPECT_FALSE(path.take_question(kStart + 10min - 1ns));
  EXPECT_EQ(path.room(kStart + 10min), PathMtu::kNoLimit);
  EXPECT_TRUE(path.take_question(kStart + 10min));
  EXPECT_EQ(path.bytes(), 0u);
}

TEST(PathMtu, IsOnlyNarrowedByWhatIsSaidUnasked) {
  PathMtu path;
  EXPECT_FALSE(path.narrow(Family::kIpv4, 1450, kStart)) << "nothing was believed before";
  EXPECT_EQ(path.bytes(), 1450u);
  EXPECT_FALSE(path.narrow(Family::kIpv4, 1450, kStart));
  EXPECT_FALSE(path.narrow(Family::kIpv4, 1500, kStart));
  EXPECT_EQ(path.bytes(), 1450u);
  EXPECT_TRUE(path.narrow(Family::kIpv4, 1300, kStart + 9min));
  EXPECT_EQ(path.bytes(), 1300u);
  EXPECT_EQ(path.room(kStart + 19min - 1ns), 1240u) << "ten minutes from when it was lowered";
  EXPECT_EQ(path.room(kStart + 19min), PathMtu::kNoLimit);
  path.learn(Family::kIpv4, 1500, kStart + 19min);
  EXPECT_EQ(path.bytes(), 1500u) << "an answer may raise it";
  path.forget();
  EXPECT_EQ(path.room(kStart + 19min), PathMtu::kNoLimit);
  EXPECT_TRUE(path.take_question(kStart + 19min));
}

TEST(PathMtu, WhomItIsSaidTo) {
  const auto v4 = [](std::size_t size) { return inner_packet(ip("10.0.0.1"), ip("10.0.0.2"), size); };
  const auto v6 = [](std::size_t size) { return inner_packet(ip("fd00::1"), ip("fd00::2"), size); };
  EXPECT_EQ(too_big_for(with_df(v4(1340)), 1340), 0u);
  EXPECT_EQ(too_big_for(with_df(v4(1341)), 1340), 1340u);
  EXPECT_EQ(too_big_for(v4(1500), 1340), 0u) << "may be fragmented";
  EXPECT_EQ(too_big_for(with_df(v4(68)), 50), 0u) << "every link carries 68 bytes";
  EXPECT_EQ(too_big_for(with_df(v4(69)), 50), 68u);
  EXPECT_EQ(too_big_for(v6(1341), 1340), 1340u);
  EXPECT_EQ(too_big_for(v6(1340), 1340), 0u);
  EXPECT_EQ(too_big_for(v6(1280), 1200), 0u) << "every link carries 1280 bytes of IPv6";
  EXPECT_EQ(too_big_for(v6(1281), 1200), 1280u);
  EXPECT_EQ(too_big_for(with_df(v4(65'535)), PathMtu::kNoLimit), 0u);
}

// --- In a tunnel -----------------------------------------------------------------------------------------------------------

class TunnelPath : public Pair {
 protected:
  TunnelPath() {
    a.shard().set_path_policy({.discover_mtu = true});
    PeerChange also_v6;
    also_v6.public_key = b.public_key();
    also_v6.allowed_ips = {{prefix("fd00::2/128")}};
    a.change_peer(std::move(also_v6));
  }
  Bytes to_b(std::size_t size) { return with_df(inner_packet(a.address, b.address, size)); }
  void know(std::size_t mtu) {
    establish();
    for (const PathQuestion& question : a.take_questions()) a.shard().answer_path(question, mtu, now);
  }
  void narrow(std::size_t mtu) { a.shard().narrow_path(b.at, mtu, now); }
};

TEST_F(TunnelPath, IsAskedForOnceDataGoesThere) {
  EXPECT_TRUE(a.take_questions().empty());
  a.send_bytes(to_b(100), now);  // staged: by the time the session is there, the answer is as well
  const auto questions = a.take_questions();
  ASSERT_EQ(questions.size(), 1u);
  EXPECT_EQ(questions[0].remote, b.at);
  exchange();
  a.send_bytes(to_b(100), now);
  EXPECT_TRUE(a.take_questions().empty());
  a.shard().answer_path(questions[0], 1400, now);
  EXPECT_EQ(a.status_of(b).path_mtu, 1400);
  now += 10min;
  a.send_bytes(to_b(1420), now);
  EXPECT_EQ(a.take_questions().size(), 1u) << "a larger path may be there again";
  EXPECT_EQ(a.dropped(Drop::kOutPathMtu), 0u);
}

TEST_F(TunnelPath, WithoutThePolicyNothingIsAskedOrBelieved) {
  b.send(a, now);
  exchange();
  EXPECT_TRUE(b.take_questions().empty());
  b.shard().narrow_path(a.at, 600, now);
  EXPECT_EQ(b.status_of(a).path_mtu, 0);
  b.take_sent();
  b.send_bytes(with_df(inner_packet(b.address, a.address, 1420)), now);
  EXPECT_EQ(b.take_sent().size(), 1u);
}

TEST_F(TunnelPath, TooLargePacketsAreAnsweredAndCounted) {
  know(1400);
  a.send_bytes(to_b(1340), now);
  EXPECT_EQ(only(a.take_sent()).bytes.size() + 28, 1400u) << "padded to the path, not past it";
  a.send_bytes(to_b(1341), now);
  EXPECT_TRUE(a.take_sent().empty());
  EXPECT_EQ(a.dropped(Drop::kOutPathMtu), 1u);
  EXPECT_EQ(a.counters().icmp_sent, 1u);
  auto errors = a.take_delivered();
  ASSERT_EQ(errors.size(), 1u);
  const Bytes& error = errors[0];
  EXPECT_EQ(IpAddress::v4_from(&error[12]), b.address);
  EXPECT_EQ(IpAddress::v4_from(&error[16]), a.address);
  EXPECT_EQ(Bytes(error.begin() + 20, error.begin() + 22), (Bytes{3, 4}));
  EXPECT_EQ(error[26] << 8 | error[27], 1340);
  EXPECT_EQ(ones_complement_sum(std::span(error).subspan(20)), 0xffff);

  a.send_bytes(inner_packet(ip("fd00::1"), ip("fd00::2"), 1341), now);
  errors = a.take_delivered();
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0][40], 2);
  EXPECT_EQ(errors[0][41], 0);
  EXPECT_EQ(errors[0][46] << 8 | errors[0][47], 1340);
  EXPECT_EQ(IpAddress::v6_from(&errors[0][8]), ip("fd00::2"));
  EXPECT_EQ(a.dropped(Drop::kOutPathMtu), 2u);
}

TEST_F(TunnelPath, WhatMayBeFragmentedLeavesWhole) {
  know(1280);
  a.send_bytes(inner_packet(a.address, b.address, 1420), now);
  EXPECT_EQ(only(a.take_sent()).bytes.size(), 32u + 1420) << "no DF: the kernel fragments the outer packet";
  a.send_bytes(inner_packet(ip("fd00::1"), ip("fd00::2"), 1280), now);
  EXPECT_EQ(only(a.take_sent()).bytes.size(), 32u + 1280) << "IPv6 counts on 1280 bytes";
  a.send_bytes(inner_packet(ip("fd00::1"), ip("ff02::1"), 1400), now);  // no route: another matter
  EXPECT_EQ(a.dropped(Drop::kOutPathMtu), 0u);
  Bytes error = to_b(1300);  // an ICMP error is not answered by another, so it is not dropped either
  error[9] = 1, error[20] = 3;
  a.send_bytes(error, now);
  EXPECT_EQ(a.take_sent().size(), 1u);
  EXPECT_EQ(a.dropped(Drop::kOutPathMtu), 0u);
}

TEST_F(TunnelPath, PaddingEndsAtThePathOrAtTheMtu) {
  know(1399);
  for (std::size_t size = 20; size <= 1339; ++size) {
    a.send_bytes(to_b(size), now);
    const Bytes sent = only(a.take_sent()).bytes;
    ASSERT_EQ(sent.size(), 32 + std::min<std::size_t>((size + 15) / 16 * 16, 1339)) << size;
  }
}

TEST_F(TunnelPath, AnswersHaveARateOfTheirOwn) {
  know(1400);
  for (int i = 0; i < 500; ++i) a.send_bytes(inner_packet(a.address, ip("10.200.0.1"), 100), now);  // no peer: uses up the other one's
  a.take_delivered();
  for (int i = 0; i < 500; ++i) a.send_bytes(to_b(1400), now);
  EXPECT_EQ(a.take_delivered().size(), 50u);
  EXPECT_EQ(a.dropped(Drop::kOutPathMtu), 500u);
  now += 1s;
  for (int i = 0; i < 500; ++i) a.send_bytes(to_b(1400), now);
  EXPECT_EQ(a.take_delivered().size(), 50u);
}

TEST_F(TunnelPath, NarrowsAtOnceAndWidensAfterTenMinutes) {
  know(1500);
  a.send_bytes(to_b(1420), now);
  EXPECT_EQ(a.take_sent().size(), 1u);
  narrow(1300);
  narrow(1490);  // says nothing new
  EXPECT_EQ(a.counters().paths_narrowed, 1u);
  a.send_bytes(to_b(1241), now);
  EXPECT_TRUE(a.take_sent().empty());
  a.send_bytes(to_b(1240), now);
  EXPECT_EQ(a.take_sent().size(), 1u);
  narrow(0);
  EXPECT_EQ(a.status_of(b).path_mtu, 576) << "a stranger's word counts no further";
  a.shard().narrow_path(endpoint("192.0.2.2:1"), 600, now);
  a.shard().narrow_path(endpoint("192.0.2.99:51820"), 600, now);
  EXPECT_EQ(a.counters().paths_narrowed, 2u);

  now += 10min;
  a.send_bytes(to_b(1420), now);
  const auto questions = a.take_questions();
  ASSERT_EQ(questions.size(), 1u);
  a.shard().answer_path(questions[0], 1500, now);
  EXPECT_EQ(a.status_of(b).path_mtu, 1500);
}

TEST_F(TunnelPath, IsForgottenWithTheEndpoint) {
  know(1300);
  const Endpoint elsewhere = endpoint("198.51.100.7:4242");
  b.send(a, now);
  a.receive(only(b.take_sent()).bytes, elsewhere, now);
  EXPECT_EQ(a.status_of(b).endpoint, elsewhere);
  EXPECT_EQ(a.status_of(b).path_mtu, 0);
  a.take_delivered();
  a.send_bytes(to_b(1420), now);
  EXPECT_EQ(only(a.take_sent()).to, elsewhere);
  auto questions = a.take_questions();
  ASSERT_EQ(questions.size(), 1u);
  EXPECT_EQ(questions[0].remote, elsewhere);

  PeerChange change;
  change.public_key = b.public_key();
  change.endpoint = b.at;
  a.change_peer(std::move(change), now);
  a.shard().answer_path(questions[0], 1300, now);
  EXPECT_EQ(a.status_of(b).path_mtu, 0) << "an answer about where it was";
}

TEST_F(TunnelPath, EventsSayWhenItIsAnother) {
  a.shard().events().set_wanted(true);
  const auto told = [this] {
    std::vector<std::uint64_t> values;
    for (const Event& event : a.shard().events().events()) {
      if (event.kind != EventKind::kMtuChanged) continue;
      EXPECT_EQ(event.peer, b.public_key());
      EXPECT_EQ(event.when, now);
      values.push_back(event.value);
    }
    a.shard().events().clear();
    return values;
  };
  using Values = std::vector<std::uint64_t>;
  const auto answer = [this](std::size_t mtu) {
    for (const PathQuestion& question : a.take_questions()) a.shard().answer_path(question, mtu, now);
  };
  know(1500);
  EXPECT_EQ(told(), (Values{1500})) << "learned";
  narrow(1300);
  narrow(1400);
  EXPECT_EQ(told(), (Values{1300}));
  now += 10min;
  a.send_bytes(to_b(100), now);
  answer(1300);
  EXPECT_TRUE(told().empty()) << "asked again, and the same";
  now += 10min;
  a.send_bytes(to_b(100), now);
  a.take_questions();  // nobody answers
  EXPECT_TRUE(told().empty());
  now += 10s;
  a.send_bytes(to_b(100), now);
  EXPECT_EQ(told(), (Values{0})) << "no longer known";
  answer(1400);
  EXPECT_EQ(told(), (Values{1400}));

  PeerChange moved;
  moved.public_key = b.public_key();
  moved.endpoint = endpoint("198.51.100.7:4242");
  a.change_peer(std::move(moved), now);
  EXPECT_EQ(told(), (Values{0})) << "another way";
}

TEST_F(TunnelPath, AnEndpointThatMovedHasAnotherPath) {
  know(1300);
  a.shard().events().set_wanted(true);
  b.send(a, now);
  const Bytes data = b.take_sent().back().bytes;
  a.receive(data, endpoint("198.51.100.7:4242"), now);
  const auto events = a.shard().events().events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, EventKind::kMtuChanged);
  EXPECT_EQ(events[0].value, 0u);
  EXPECT_EQ(events[1].kind, EventKind::kEndpointChanged);
}

TEST_F(TunnelPath, RepeatedReportsAreBounded) {
  know(1500);
  for (std::size_t mtu = 1400; mtu > 1300; --mtu) narrow(mtu);
  EXPECT_EQ(a.counters().paths_narrowed, 50u);
  now += 1s;
  narrow(1300);
  EXPECT_EQ(a.status_of(b).path_mtu, 1300);
}

TEST(TunnelPaths, ANarrowPathIsEveryWorkersBusiness) {
  Device hub("hub", 1, 3);
  Device other("other", 2);
  hub.add_peer(other);
  for (auto& shard : hub.shards) shard->set_path_policy({.discover_mtu = true});
  const auto home = hub.configuration.find(other.public_key())->home;
  for (std::size_t worker = 0; worker < 3; ++worker) {
    const std::size_t mtu = 1300 - worker;
    Shard& heard = *hub.shards[worker];
    heard.narrow_path(other.at, mtu, kStart);
    auto handovers = std::move(heard.handovers());
    heard.handovers().clear();
    ASSERT_EQ(handovers.size(), 2u);
    TunnelOutput output;
    for (Handover& handover : handovers) {
      ASSERT_NE(handover.worker, worker);
      hub.shards[handover.worker]->adopt({&handover, 1}, kStart, output);
    }
    EXPECT_EQ(hub.shards[home]->find(*hub.configuration.find(other.public_key()))->path().bytes(), mtu);
    hub.expect_all_explained();
    heard.handover_failed({0, NarrowPath{other.at, mtu}});
    hub.expect_all_explained();
  }
}

TEST(TunnelPaths, ThePublicTunnelAsksAndListens) {
  PacketPool pool(64, 2048);
  const PrivateKey mine = key_of("mine");
  const PublicKey theirs = key_of("theirs").public_key();
  Tunnel tunnel({.path = {.discover_mtu = true}}, Host::system(), pool);
  DeviceChange change;
  change.private_key = mine.copy();
  PeerChange& peer = change.peers.emplace_back();
  peer.public_key = theirs;
  peer.endpoint = endpoint("[2001:db8::2]:51820");
  peer.allowed_ips = {{prefix("10.0.0.2/32")}};
  ASSERT_TRUE(tunnel.apply(std::move(change), kStart).ok());
  tunnel.set_up(true, kStart);
  TunnelOutput output;
  Packet packet = packet_of(pool, inner_packet(ip("10.0.0.1"), ip("10.0.0.2"), 100));
  tunnel.send({&packet, 1}, kStart, output);
  ASSERT_EQ(output.path_questions.size(), 1u);
  tunnel.answer_path(output.path_questions[0], 1400, kStart);
  EXPECT_EQ(tunnel.status().peers[0].path_mtu, 1400);
  tunnel.narrow_path(output.path_questions[0].remote, 1281, kStart);
  EXPECT_EQ(tunnel.status().peers[0].path_mtu, 1281);
  output.clear();
  EXPECT_TRUE(output.path_questions.empty());
  EXPECT_EQ(tunnel.counters().unexplained(Direction::kOutbound), 0);
  EXPECT_EQ(tunnel.counters().unexplained(Direction::kInbound), 0);
}

}  // namespace
}  // namespace wgu::tunnel
