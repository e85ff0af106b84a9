// A packet's way through a tunnel, one behaviour a test: staging, bytes as the kernel counts them, padding, ECN, source check,
// roaming, errors to inner senders. Timers stand in tunnel_timers_test.cc, handshakes in tunnel_handshake_test.cc.

#include <gtest/gtest.h>

#include "tunnel/device.h"

namespace wgu::tunnel {
namespace {

using TunnelPackets = Pair;

TEST_F(TunnelPackets, BytesAreCountedAsTheKernelCountsThem) {
  a.send(b, now, 100);
  exchange();
  // Initiation 148, response 92, data 16 + 112 + 16.
  EXPECT_EQ(a.status_of(b).tx_bytes, 148u + 144);
  EXPECT_EQ(a.status_of(b).rx_bytes, 92u);
  EXPECT_EQ(b.status_of(a).tx_bytes, 92u);
  EXPECT_EQ(b.status_of(a).rx_bytes, 148u + 144);
  now += 10s;
  exchange();  // b's passive keepalive
  EXPECT_EQ(b.status_of(a).tx_bytes, 92u + 32);
  EXPECT_EQ(a.status_of(b).rx_bytes, 92u + 32);
  EXPECT_NE(a.status_of(b).last_handshake, WallTime{});
  EXPECT_NE(b.status_of(a).last_handshake, WallTime{});
}

TEST_F(TunnelPackets, RefusedPacketsAreNotReceivedBytes) {
  establish();
  const auto before = b.status_of(a).rx_bytes;
  a.send_bytes(inner_packet(ip("10.0.0.77"), b.address, 100), now);
  const Bytes refused = only(a.take_sent()).bytes;
  b.receive(refused, a.at, now);  // inner source not a's
  b.receive(refused, a.at, now);  // replayed
  Bytes forged = refused;
  forged.back() ^= 1;
  b.receive(forged, a.at, now);
  EXPECT_EQ(b.dropped(Drop::kInDisallowedSource), 1u);
  EXPECT_EQ(b.dropped(Drop::kInReplayed), 1u);
  EXPECT_EQ(b.dropped(Drop::kInBadTag), 1u);
  EXPECT_EQ(b.status_of(a).rx_bytes, before);
}

TEST_F(TunnelPackets, StagedPacketsLeaveInOrderAndTheOldestGiveWay) {
  for (int i = 0; i < 200; ++i) a.send_bytes(inner_packet(a.address, b.address, 60, 0, static_cast<std::uint8_t>(i)), now);
  EXPECT_EQ(a.counters().outbound_queued, 128u);
  EXPECT_EQ(a.dropped(Drop::kOutStagedOverflow), 72u);
  exchange();
  const auto delivered = b.take_delivered();
  ASSERT_EQ(delivered.size(), 128u);
  for (std::size_t i = 0; i < delivered.size(); ++i) EXPECT_EQ(delivered[i].back(), 72 + i);
  EXPECT_EQ(a.counters().outbound_queued, 0u);
}

TEST(TunnelStaging, AllPeersTogetherHoldAtMostHalfThePool) {
  Device hub("hub", 1, 1, 100);
  std::vector<std::unique_ptr<Device>> others;
  for (std::uint8_t i = 0; i < 5; ++i) {
    others.push_back(std::make_unique<Device>("other " + std::to_string(i), static_cast<std::uint8_t>(10 + i)));
    hub.add_peer(*others.back());
  }
  for (int i = 0; i < 40; ++i) {
    for (const auto& other : others) hub.send(*other, {});
  }
  EXPECT_EQ(hub.counters().outbound_queued, 50u);
  EXPECT_EQ(hub.dropped(Drop::kOutStagedOverflow), 150u);
  hub.remove_peer(*others[0]);
  EXPECT_EQ(hub.dropped(Drop::kOutPeerRemoved), 10u);
  EXPECT_EQ(hub.counters().outbound_queued, 40u);
  hub.expect_all_explained();
}

TEST_F(TunnelPackets, PaddingEndsAtAMultipleOfSixteenOrAtTheMtu) {
  establish();
  for (std::size_t size = 20; size <= Device::kMtu; ++size) {
    a.send(b, now, size);
    const Bytes sent = only(a.take_sent()).bytes;
    EXPECT_EQ(sent.size(), 32 + std::min((size + 15) / 16 * 16, std::size_t{1420})) << size;
    b.receive(sent, a.at, now);
    const auto delivered = b.take_delivered();
    ASSERT_EQ(delivered.size(), 1u) << size;
    EXPECT_EQ(delivered[0], inner_packet(a.address, b.address, size));
  }
  a.shard().set_mtu(100);
  a.send(b, now, 99);
  EXPECT_EQ(only(a.take_sent()).bytes.size(), 132u);
}

TEST(TunnelSizes, NothingPastAUdpDatagramAndEverythingUpToIt) {
  Device a("a", 1, 1, 64, 65536 + 64), b("b", 2, 1, 64, 65536 + 64);
  a.add_peer(b);
  b.add_peer(a);
  a.shard().set_mtu(65535);
  a.send(b, {}, 20);
  a.advance({});
  b.receive(only(a.take_sent()).bytes, a.at, {});
  b.advance({});
  a.receive(only(b.take_sent()).bytes, b.at, {});
  a.advance({});
  a.take_sent();
  for (const std::size_t size : {65456u, 65457u, 65471u, 65472u}) {
    a.send(b, {}, size);
    const Bytes sent = only(a.take_sent()).bytes;
    EXPECT_LE(sent.size(), 65507u);
    b.receive(sent, a.at, {});
    EXPECT_EQ(b.take_delivered().at(0).size(), size);
  }
  for (const std::size_t size : {65476u, 65507u, 65519u, 65520u, 65534u, 65535u}) {
    a.send(b, {}, size);
    EXPECT_TRUE(a.take_sent().empty()) << size;
  }
  EXPECT_EQ(a.dropped(Drop::kOutTooLong), 6u);
}

TEST_F(TunnelPackets, EcnIsCopiedOutAndCheckedIn) {
  establish();
  for (int ecn = 0; ecn < 4; ++ecn) {
    a.send(b, now, 100, static_cast<std::uint8_t>(0xb8 | ecn));  // DSCP EF stays inside
    EXPECT_EQ(only(a.take_sent()).traffic_class, ecn);
  }
  // RFC 6040 figure 4: rows outer x inner -> what arrives; -1: dropped.
  const int rows[][3] = {{3, 0, -1}, {3, 1, 3}, {3, 2, 3}, {3, 3, 3}, {0, 2, 2}, {1, 2, 1}, {2, 1, 1}, {1, 0, 0}, {0, 3, 3}};
  for (const auto& [outer, inner, arrives] : rows) {
    a.send(b, now, 100, static_cast<std::uint8_t>(0x20 | inner));
    b.receive(only(a.take_sent()).bytes, a.at, now, static_cast<std::uint8_t>(outer));
    const auto delivered = b.take_delivered();
    ASSERT_EQ(delivered.size(), arrives < 0 ? 0u : 1u) << outer << ' ' << inner;
    if (arrives < 0) continue;
    EXPECT_EQ(delivered[0][1], 0x20 | arrives);
    EXPECT_EQ(ones_complement_sum(std::span(delivered[0]).first(20)), 0xffff);
  }
  EXPECT_EQ(b.dropped(Drop::kInBadEcn), 1u);
}

TEST_F(TunnelPackets, HandshakesTravelAsAf41) {
  a.send(b, now);
  for (const auto& [from, sent] : exchange()) EXPECT_EQ(sent.traffic_class, sent.type() == 4 ? 0 : 0x88);
}

// --- Source check ----------------------------------------------------------------------------------------------------------

TEST_F(TunnelPackets, TheSourceCheckGoesByTheLongestPrefixOfTheWholeDevice) {
  Device c("c", 3);
  PeerChange wide;
  wide.public_key = a.public_key();
  wide.allowed_ips = {{prefix("10.0.0.0/8")}, {prefix("fd00::/8")}};
  b.change_peer(std::move(wide));
  PeerChange nested;
  nested.public_key = c.public_key();
  nested.allowed_ips = {{prefix("10.7.0.0/16")}, {prefix("fd07::/16")}};
  b.change_peer(std::move(nested));
  establish();
  const std::pair<const char*, bool> rows[] = {{"10.8.0.1", true}, {"10.7.0.1", false}, {"11.0.0.1", false},
                                               {"fd08::1", true},  {"fd07::1", false},  {"fe80::1", false}};
  for (const auto& [source, is_delivered] : rows) {
    a.send_bytes(inner_packet(ip(source), source[0] == '1' ? b.address : ip("fd00::2"), 100), now);
    // a routes by destination only, so for IPv6 it needs one.
    const auto sent = a.take_sent();
    if (sent.empty()) {
      PeerChange route;
      route.public_key = b.public_key();
      route.allowed_ips = {{prefix("fd00::2/128")}};
      a.change_peer(std::move(route), now);
      a.take_delivered();
      a.send_bytes(inner_packet(ip(source), ip("fd00::2"), 100), now);
    }
    b.receive(sent.empty() ? only(a.take_sent()).bytes : sent[0].bytes, a.at, now);
    EXPECT_EQ(b.take_delivered().size(), is_delivered ? 1u : 0u) << source;
  }
  EXPECT_EQ(b.dropped(Drop::kInDisallowedSource), 4u);
}

TEST_F(TunnelPackets, InnerLengthsMustBeTrueInTheKernelsOrder) {
  establish();
  Bytes too_long = inner_packet(a.address, b.address, 100);
  too_long[3] = 200;
  Bytes too_short = inner_packet(a.address, b.address, 100);
  too_short[3] = 19;
  Bytes shorter = inner_packet(a.address, b.address, 100);
  shorter[3] = 60;
  a.send_bytes(too_long, now);
  a.send_bytes(too_short, now);
  a.send_bytes(shorter, now);
  for (const Sent& sent : a.take_sent()) b.receive(sent.bytes, a.at, now);
  EXPECT_EQ(b.dropped(Drop::kInMalformedInner), 2u);
  const auto delivered = b.take_delivered();
  ASSERT_EQ(delivered.size(), 1u);
  EXPECT_EQ(delivered[0].size(), 60u);
}

// --- Roaming ---------------------------------------------------------------------------------------------------------------

TEST_F(TunnelPackets, TheEndpointFollowsAuthenticatedPackets) {
  establish();
  a.send(b, now);
  const Bytes data = only(a.take_sent()).bytes;
  Bytes forged = data;
  forged[20] ^= 1;
  b.receive(forged, endpoint("198.51.100.1:1"), now);
  EXPECT_EQ(b.status_of(a).endpoint, a.at) << "forged";
  b.receive(data, endpoint("198.51.100.2:2"), now);
  EXPECT_EQ(b.status_of(a).endpoint, endpoint("198.51.100.2:2"));
  b.receive(data, endpoint("198.51.100.3:3"), now);
  EXPECT_EQ(b.status_of(a).endpoint, endpoint("198.51.100.2:2")) << "replayed";
  a.send_bytes(inner_packet(ip("10.9.9.9"), b.address, 100), now);
  b.receive(only(a.take_sent()).bytes, endpoint("[2001:db8::4]:4"), now);
  EXPECT_EQ(b.dropped(Drop::kInDisallowedSource), 1u);
  EXPECT_EQ(b.status_of(a).endpoint, endpoint("[2001:db8::4]:4")) << "the tag was good, whatever was inside";
  EXPECT_EQ(b.counters().endpoints_changed, 2u);
  b.send(a, now);
  EXPECT_EQ(only(b.take_sent()).to, endpoint("[2001:db8::4]:4"));
}

TEST_F(TunnelPackets, HandshakesRoamAsWell) {
  a.send(b, now);
  a.advance(now);
  b.receive(only(a.take_sent()).bytes, endpoint("198.51.100.1:1"), now);
  b.advance(now);
  EXPECT_EQ(b.status_of(a).endpoint, endpoint("198.51.100.1:1"));
  const Sent response = only(b.take_sent());
  EXPECT_EQ(response.to, endpoint("198.51.100.1:1"));
  a.receive(response.bytes, endpoint("198.51.100.2:2"), now);
  a.advance(now);
  EXPECT_EQ(only(a.take_sent()).to, endpoint("198.51.100.2:2"));
}

// --- Replay ----------------------------------------------------------------------------------------------------------------

TEST_F(TunnelPackets, ForgedCountersMoveNothing) {
  establish();
  for (const std::uint64_t counter : {std::uint64_t{1} << 40, std::uint64_t{1} << 63, UINT64_MAX}) {
    a.send(b, now);
    const Bytes data = only(a.take_sent()).bytes;
    Bytes forged = data;
    noise::store64(&forged[8], counter);
    b.receive(forged, a.at, now);
    EXPECT_TRUE(b.take_delivered().empty());
    b.receive(data, a.at, now);
    EXPECT_EQ(b.take_delivered().size(), 1u) << "the window stood still";
  }
  EXPECT_EQ(b.dropped(Drop::kInBadTag), 3u);
}

TEST_F(TunnelPackets, TheWindowReachesBack8128Packets) {
  establish();
  std::vector<Bytes> old;
  for (int i = 0; i < 2; ++i) {
    a.send(b, now);
    old.push_back(only(a.take_sent()).bytes);
  }
  a.sending_keypair(b, now)->next_counter = noise::load64(&old[1][8]) + 8128;
  a.send(b, now);
  b.receive(only(a.take_sent()).bytes, a.at, now);
  b.receive(old[0], a.at, now);
  b.receive(old[1], a.at, now);
  EXPECT_EQ(b.take_delivered().size(), 2u);
  EXPECT_EQ(b.dropped(Drop::kInReplayed), 1u);
}

// --- Errors to inner senders -----------------------------------------------------------------------------------------------

TEST_F(TunnelPackets, UnreachableIsSaidToTheInnerSenderWithinABound) {
  PeerChange silent;
  silent.public_key = key_of("silent").public_key();
  silent.allowed_ips = {{prefix("10.5.0.0/16")}};
  a.change_peer(std::move(silent));
  a.send_bytes(inner_packet(a.address, ip("10.200.0.1"), 100), now);
  a.send_bytes(inner_packet(a.address, ip("10.5.0.1"), 100), now);
  a.send_bytes(inner_packet(ip("fd00::1"), ip("fd00::99"), 100), now);
  EXPECT_EQ(a.dropped(Drop::kOutNoPeer), 2u);
  EXPECT_EQ(a.dropped(Drop::kOutNoEndpoint), 1u);
  const auto errors = a.take_delivered();
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_EQ(errors[0][20], 3);  // destination unreachable, host
  EXPECT_EQ(errors[0][21], 1);
  EXPECT_EQ(IpAddress::v4_from(&errors[0][16]), a.address);
  EXPECT_EQ(ones_complement_sum(std::span(errors[0]).subspan(20)), 0xffff);
  EXPECT_EQ(ones_complement_sum(std::span(errors[1]).first(20)), 0xffff);
  EXPECT_EQ(errors[2][40], 1);
  EXPECT_EQ(errors[2][41], 3);
  EXPECT_EQ(IpAddress::v6_from(&errors[2][24]), ip("fd00::1"));
  EXPECT_EQ(a.counters().icmp_sent, 3u);

  for (int i = 0; i < 500; ++i) a.send_bytes(inner_packet(a.address, ip("10.200.0.1"), 100), now);
  EXPECT_EQ(a.take_delivered().size(), 47u);  // a burst of 50
  now += 1s;
  for (int i = 0; i < 500; ++i) a.send_bytes(inner_packet(a.address, ip("10.200.0.1"), 100), now);
  EXPECT_EQ(a.take_delivered().size(), 50u);
  EXPECT_TRUE(a.take_sent().empty());
}

// --- Interface and socket --------------------------------------------------------------------------------------------------

TEST_F(TunnelPackets, DownEndsEverythingAndUpBeginsAnew) {
  establish();
  a.set_up(false, now);
  a.send(b, now);
  EXPECT_EQ(a.dropped(Drop::kOutNoIdentity), 1u);
  b.send(a, now);
  a.receive(only(b.take_sent()).bytes, b.at, now);
  EXPECT_EQ(a.dropped(Drop::kInNoIdentity), 1u);
  EXPECT_EQ(a.shard().next_deadline(), kNever);
  a.set_up(true, now);
  EXPECT_EQ(a.shard().next_deadline(), kNever);
  now += 1s;  // b still remembers when it took the last initiation: 50 a second
  a.send(b, now);
  EXPECT_EQ(exchange().at(0).second.type(), 1) << "no session, and nothing that forbids an initiation";
  EXPECT_EQ(b.take_delivered().size(), 1u);
}

TEST_F(TunnelPackets, DownDropsWhatIsStagedAndWhatWaits) {
  a.send(b, now);
  a.advance(now);
  b.receive(only(a.take_sent()).bytes, a.at, now);
  EXPECT_EQ(b.counters().inbound_queued, 1u);
  b.set_up(false, now);
  b.advance(now);
  EXPECT_EQ(b.dropped(Drop::kInNoIdentity), 1u);
  EXPECT_TRUE(b.take_sent().empty());
  a.set_up(false, now);
  EXPECT_EQ(a.dropped(Drop::kOutNoIdentity), 1u);
  EXPECT_EQ(a.pool.in_use(), 0u);
}

TEST_F(TunnelPackets, ClearingThePrivateKeyFreesWhatIsStaged) {
  a.send(b, now);
  DeviceChange change;
  change.private_key = PrivateKey();
  a.apply(std::move(change), now).value();
  EXPECT_EQ(a.dropped(Drop::kOutNoIdentity), 1u);
  EXPECT_EQ(a.pool.in_use(), 0u);
  EXPECT_TRUE(run_alone(a, now + 10min).empty());
}

TEST_F(TunnelPackets, AFailedSendIsTakenBack) {
  a.send(b, now);
  a.advance(now);
  const Sent initiation = only(a.take_sent());
  a.shard().send_failed(initiation.tag, initiation.bytes.size(), Drop::kOutSocketFull);
  EXPECT_EQ(a.status_of(b).tx_bytes, 0u);
  EXPECT_EQ(a.counters().send_errors, 1u);
  EXPECT_EQ(a.counters().datagrams_sent, 0u);
  EXPECT_EQ(a.dropped(Drop::kOutSocketFull), 0u) << "no packet of the device's was lost";
  now += 6s;
  exchange();
  ASSERT_EQ(b.take_delivered().size(), 1u);
  a.send(b, now);
  const Sent data = only(a.take_sent());
  const auto before = a.status_of(b).tx_bytes;
  a.shard().send_failed(data.tag, data.bytes.size(), Drop::kOutMessageTooLong);
  EXPECT_EQ(a.status_of(b).tx_bytes, before - data.bytes.size());
  EXPECT_EQ(a.dropped(Drop::kOutMessageTooLong), 1u);
  a.expect_all_explained();
  // The peer went meanwhile, and another has its slot: a late failure is not that one's.
  a.remove_peer(b, now);
  Device c("c", 3);
  a.add_peer(c, now);
  a.shard().send_failed(data.tag, data.bytes.size(), Drop::kOutSendFailed);
  EXPECT_EQ(a.status_of(c).tx_bytes, 0u);
}

TEST_F(TunnelPackets, AnEmptyPoolDelaysAndCountsButNeverStops) {
  PeerChange persistent;
  persistent.public_key = b.public_key();
  persistent.persistent_keepalive = 20;
  a.change_peer(std::move(persistent), now);
  exchange();
  EXPECT_EQ(b.counters().keepalives_received, 1u);
  std::vector<Packet> hoard;
  for (Packet packet = a.pool.take(0); packet; packet = a.pool.take(0)) hoard.push_back(std::move(packet));
  EXPECT_TRUE(run_alone(a, now + 200s).empty());
  EXPECT_GE(a.counters().send_errors, 8u);
  hoard.clear();
  const auto sent = run_alone(a, now + 26s);
  EXPECT_GE(sent.size(), 1u) << "a persistent keepalive persists";
}

TEST_F(TunnelPackets, MalformedInnerPacketsEndAtTheDoor) {
  establish();
  const Bytes rows[] = {Bytes(), Bytes{0x45}, Bytes(19, 0x45), Bytes(39, 0x60), Bytes(100, 0x00), Bytes(100, 0x50), Bytes(100, 0xff)};
  for (const Bytes& row : rows) a.send_bytes(row, now);
  EXPECT_EQ(a.dropped(Drop::kOutMalformed), std::size(rows));
  EXPECT_TRUE(a.take_sent().empty());
  EXPECT_TRUE(a.take_delivered().empty());
}

// Every length from 0 to 200 with every type, also types with a reserved byte set: counted, never answered, never delivered.
TEST_F(TunnelPackets, EveryMalformedDatagramIsCounted) {
  establish();
  exchange();
  std::uint64_t malformed = 0, bad_mac1 = 0, unknown = 0, cookies = 0, received = b.counters().datagrams_received;
  for (std::size_t size = 0; size <= 200; ++size) {
    for (std::uint32_t type : {0u, 1u, 2u, 3u, 4u, 5u, 255u, 0x101u, 0x20002u, 0x4000004u}) {
      Bytes bytes(size, 0x00);
      for (std::size_t i = 0; i < std::min<std::size_t>(size, 4); ++i) bytes[i] = static_cast<std::uint8_t>(type >> (8 * i));
      b.receive(bytes, a.at, now);
      b.advance(now);
      ++received;
      if (type == 1 && size == 148) {
        ++bad_mac1;
      } else if (type == 2 && size == 92) {
        ++bad_mac1;
      } else if (type == 3 && size == 64) {
        ++cookies;
      } else if (type == 4 && size >= 32) {
        ++unknown;
      } else {
        ++malformed;
      }
    }
  }
  EXPECT_EQ(b.counters().datagrams_received, received);
  EXPECT_EQ(b.dropped(Drop::kInMalformed), malformed);
  EXPECT_EQ(b.dropped(Drop::kInBadMac1), bad_mac1);
  EXPECT_EQ(b.dropped(Drop::kInUnknownIndex), unknown);
  EXPECT_EQ(b.dropped(Drop::kInInvalidCookie), cookies);
  EXPECT_TRUE(b.take_sent().empty());
  EXPECT_TRUE(b.take_delivered().empty());
}

}  // namespace
}  // namespace wgu::tunnel
