// Several shards of one device, as workers would run them: whatever lands on the wrong one arrives all the same, and every packet
// is accounted for, on each shard and on all together. The test is their mailbox.

#include "tunnel/shard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tunnel/device.h"
#include "tunnel/stranger.h"

namespace wgu::tunnel {
namespace {

constexpr unsigned kWorkers = 3;

class Shards : public testing::Test {
 protected:
  Shards() {
    for (std::uint8_t i = 0; i < 6; ++i) {
      others.push_back(std::make_unique<Device>("other " + std::to_string(i), static_cast<std::uint8_t>(10 + i)));
      hub.add_peer(*others[i]);
      others[i]->add_peer(hub);
    }
  }
  ~Shards() override {
    hub.set_up(false, now);
    EXPECT_EQ(hub.pool.in_use(), 0u);
  }

  // Delivers handovers until there are none.
  void pump() {
    for (bool is_quiet = false; !is_quiet;) {
      is_quiet = true;
      for (auto& shard : hub.shards) {
        for (Handover& handover : std::exchange(shard->handovers(), {})) {
          is_quiet = false;
          Shard& home = *hub.shards.at(handover.worker);
          TunnelOutput output;
          home.adopt({&handover, 1}, now, output);
          for (const Datagram& datagram : output.to_network) {
            sent.push_back({Bytes(datagram.packet.bytes().begin(), datagram.packet.bytes().end()), datagram.remote});
          }
          for (const Packet& packet : output.to_device) delivered.emplace_back(packet.bytes().begin(), packet.bytes().end());
        }
      }
      hub.advance(now);
      for (const auto& shard : hub.shards) is_quiet &= shard->handovers().empty();
      for (Sent& each : hub.take_sent()) sent.push_back(std::move(each));
      for (Bytes& each : hub.take_delivered()) delivered.push_back(std::move(each));
    }
    hub.expect_all_explained();
    const Counters sum = hub.counters();
    EXPECT_EQ(sum.outbound_forwarded, sum.outbound_adopted);
    EXPECT_EQ(sum.inbound_forwarded, sum.inbound_adopted);
  }
  // `other` sends to the hub, whatever worker its datagrams land on; until both are quiet.
  void talk(Device& other, std::size_t worker) {
    other.send(hub, now);
    for (int round = 0; round < 10; ++round) {
      other.advance(now);
      for (const Sent& each : other.take_sent()) hub.receive(each.bytes, other.at, now, 0, worker);
      pump();
      for (const Sent& each : std::exchange(sent, {})) {
        if (each.to == other.at) other.receive(each.bytes, hub.at, now);
      }
    }
  }

  Instant now{1000s};
  Device hub{"hub", 1, kWorkers};
  std::vector<std::unique_ptr<Device>> others;
  std::vector<Sent> sent;
  std::vector<Bytes> delivered;
};

TEST_F(Shards, PeersSpreadEvenlyOverHomes) {
  std::array<int, kWorkers> count{};
  for (const auto& other : others) ++count.at(hub.configuration.find(other->public_key())->home);
  for (const int each : count) EXPECT_EQ(each, 2);
}

TEST_F(Shards, EverythingArrivesWhereverItLands) {
  for (std::size_t i = 0; i < others.size(); ++i) {
    for (std::size_t worker = 0; worker < kWorkers; ++worker) {
      delivered.clear();
      talk(*others[i], worker);
      ASSERT_EQ(delivered.size(), 1u) << i << " on " << worker;
      hub.send_bytes(inner_packet(hub.address, others[i]->address, 100), now, worker);
      pump();
      ASSERT_EQ(sent.size(), 1u);
      others[i]->receive(sent[0].bytes, hub.at, now);
      EXPECT_EQ(others[i]->take_delivered().size(), 1u);
      sent.clear();
      for (Device* device : {&hub, others[i].get()}) {  // a new handshake each time
        device->set_up(false, now);
        device->set_up(true, now);
      }
      now += 1s;
    }
  }
  const Counters sum = hub.counters();
  EXPECT_EQ(sum.initiations_received, 18u);
  EXPECT_EQ(sum.sessions_begun, 18u);
  EXPECT_EQ(sum.outbound_forwarded, 12u);
  EXPECT_EQ(sum.dropped(Direction::kInbound) + sum.dropped(Direction::kOutbound), 0u);
}

TEST_F(Shards, ReceiverIndicesCarryTheHome) {
  for (auto& other : others) {
    other->send(hub, now);
    other->advance(now);
    hub.receive(only(other->take_sent()).bytes, other->at, now, 0, 0);
    pump();
    EXPECT_EQ(sent.at(0).bytes[noise::Response::kSender], hub.configuration.find(other->public_key())->home);
    sent.clear();
  }
}

TEST_F(Shards, AFullMailboxIsACountedDrop) {
  talk(*others[0], 0);
  const std::size_t home = hub.configuration.find(others[0]->public_key())->home;
  const std::size_t elsewhere = (home + 1) % kWorkers;
  Shard& shard = *hub.shards[elsewhere];
  others[0]->send(hub, now);
  hub.receive(only(others[0]->take_sent()).bytes, others[0]->at, now, 0, elsewhere);
  hub.send_bytes(inner_packet(hub.address, others[0]->address, 100), now, elsewhere);
  now += 200s;
  others[0]->send(hub, now);
  others[0]->advance(now);
  hub.receive(only(others[0]->take_sent()).bytes, others[0]->at, now, 0, elsewhere);
  hub.advance(now);
  ASSERT_EQ(shard.handovers().size(), 3u);
  for (Handover& handover : std::exchange(shard.handovers(), {})) shard.handover_failed(std::move(handover));
  EXPECT_EQ(shard.counters().dropped(Drop::kInMailboxFull), 2u);
  EXPECT_EQ(shard.counters().dropped(Drop::kOutMailboxFull), 1u);
  hub.expect_all_explained();
  EXPECT_EQ(hub.pool.in_use(), 0u);
}

TEST_F(Shards, APeerRemovedMeanwhileIsMissedByWhatWasOnItsWay) {
  talk(*others[0], 0);
  const std::size_t home = hub.configuration.find(others[0]->public_key())->home;
  const std::size_t elsewhere = (home + 1) % kWorkers;
  others[0]->send(hub, now);
  hub.receive(only(others[0]->take_sent()).bytes, others[0]->at, now, 0, elsewhere);
  hub.send_bytes(inner_packet(hub.address, others[0]->address, 100), now, elsewhere);
  now += 200s;
  others[0]->send(hub, now);
  others[0]->advance(now);
  hub.receive(only(others[0]->take_sent()).bytes, others[0]->at, now, 0, elsewhere);
  hub.advance(now);
  ASSERT_EQ(hub.shards[elsewhere]->handovers().size(), 3u);
  hub.take_sent();
  hub.remove_peer(*others[0], now);
  Device newcomer("newcomer", 99);
  hub.add_peer(newcomer, now);  // takes the slot
  EXPECT_EQ(hub.configuration.find(newcomer.public_key())->home, home);
  pump();
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(hub.dropped(Drop::kOutPeerRemoved), 1u);
  EXPECT_EQ(hub.dropped(Drop::kInUnknownIndex), 1u);
  EXPECT_EQ(hub.dropped(Drop::kInUnknownPeer), 1u);
  EXPECT_EQ(hub.status_of(newcomer).rx_bytes, 0u);
}

// What came by way of a colleague costs no less: it has its turn among what came here, within the same bounds.
class ShardsFlooded : public testing::Test {
 protected:
  // Initiations of peers at home on worker 1, which have all landed on worker 0 and been opened there.
  std::vector<Handover> initiations(std::size_t count) {
    std::vector<Handover> all;
    for (std::size_t i = 0; i < 2 * count; ++i) {
      Device& other = *others.emplace_back(std::make_unique<Device>("other " + std::to_string(i), static_cast<std::uint8_t>(10 + i)));
      hub.add_peer(other, now);
      other.add_peer(hub, now);
      if (hub.configuration.find(other.public_key())->home == 0) continue;
      other.send(hub, now);
      other.advance(now);
      hub.receive(only(other.take_sent()).bytes, other.at, now, 0, 0);
      hub.advance(now);
      for (Handover& handover : std::exchange(hub.shards[0]->handovers(), {})) all.push_back(std::move(handover));
    }
    EXPECT_EQ(all.size(), count);
    return all;
  }
  std::size_t responses_of_one_advance() {
    TunnelOutput output;
    home.advance(now, output);
    return output.to_network.size();
  }

  Instant now{1000s};
  Device hub{"hub", 1, 2};
  Shard& home = *hub.shards[1];
  std::vector<std::unique_ptr<Device>> others;
};

TEST_F(ShardsFlooded, InitiationsOfAColleagueAreWithinTheBudget) {
  std::vector<Handover> mail = initiations(12);
  // Somebody at home there who has a session.
  Device elsewhere("elsewhere", 99), friendly("friendly", 98);
  hub.add_peer(elsewhere, now);
  hub.add_peer(friendly, now);
  friendly.add_peer(hub, now);
  ASSERT_EQ(hub.configuration.find(friendly.public_key())->home, 1U);
  friendly.send(hub, now);
  friendly.advance(now);
  hub.receive(only(friendly.take_sent()).bytes, friendly.at, now, 0, 1);
  hub.advance(now);
  friendly.receive(only(hub.take_sent()).bytes, hub.at, now);
  friendly.advance(now);
  hub.receive(only(friendly.take_sent()).bytes, friendly.at, now, 0, 1);

  TunnelOutput output;
  home.adopt(mail, now, output);
  EXPECT_TRUE(output.to_network.empty()) << "between two batches of data";
  EXPECT_EQ(home.counters().inbound_queued, 12U);
  EXPECT_EQ(home.next_deadline(), Instant::min());
  EXPECT_EQ(responses_of_one_advance(), 4U) << "as of what landed here, half a millisecond's";
  std::vector<std::size_t> responses;
  for (int batch = 0; batch < 60; ++batch, now += 100us) {
    for (int i = 0; i < 64; ++i) {
      friendly.send(hub, now);
      hub.receive(only(friendly.take_sent()).bytes, friendly.at, now, 0, 1);
    }
    if (batch >= 8) responses.push_back(responses_of_one_advance());  // once so much data has come at a time
  }
  EXPECT_EQ(*std::max_element(responses.begin(), responses.end()), 1U);
  EXPECT_EQ(std::accumulate(responses.begin(), responses.end(), std::size_t{0}), 1U + 4) << "one at once, then a tenth of 5.2 ms";
  now += 20ms;
  EXPECT_EQ(responses_of_one_advance(), 3U) << "all that are left";
  EXPECT_EQ(home.counters().inbound_queued, 0U);
  EXPECT_EQ(home.counters().initiations_received, 13U);
  hub.take_delivered();
  hub.expect_all_explained();
}

TEST_F(ShardsFlooded, InitiationsOfAColleagueFindRoomOrAreCounted) {
  std::vector<Handover> mail = initiations(5);
  for (int i = 0; i < 1022; ++i) ASSERT_TRUE(hub.gate.try_enter());  // as strangers have no room any more
  TunnelOutput output;
  home.adopt(mail, now, output);
  EXPECT_EQ(home.counters().inbound_adopted, 5U);
  EXPECT_EQ(home.counters().inbound_queued, 2U);
  EXPECT_EQ(home.counters().dropped(Drop::kInHandshakeQueueFull), 3U);
  for (int i = 0; i < 1022; ++i) hub.gate.leave();
  EXPECT_EQ(responses_of_one_advance(), 2U) << "it has proven itself where it landed";
  EXPECT_EQ(hub.gate.queued(), 0U);
  hub.expect_all_explained();
}

TEST_F(ShardsFlooded, InitiationsOfAColleagueDoNotPushInFrontOfWhatLandedHere) {
  std::vector<Handover> mail = initiations(4);
  Stranger stranger(hub);
  for (std::uint16_t i = 0; i < 8; ++i) hub.receive(stranger.junk(now), {IpAddress::v4(203, 0, 113, 1), i}, now, 0, 1);
  TunnelOutput output;
  home.adopt(mail, now, output);
  EXPECT_EQ(responses_of_one_advance(), 0U);
  EXPECT_EQ(responses_of_one_advance(), 0U);
  EXPECT_EQ(home.counters().dropped(Drop::kInInvalidInitiation), 8U);
  EXPECT_EQ(responses_of_one_advance(), 4U);
}

TEST_F(Shards, AnInitiationHandedOverToADownInterfaceIsNotAnswered) {
  others[0]->send(hub, now);
  others[0]->advance(now);
  const std::size_t elsewhere = (hub.configuration.find(others[0]->public_key())->home + 1) % kWorkers;
  hub.receive(only(others[0]->take_sent()).bytes, others[0]->at, now, 0, elsewhere);
  hub.advance(now);
  hub.set_up(false, now);
  pump();
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(hub.dropped(Drop::kInNoIdentity), 1u);
  EXPECT_EQ(hub.counters().sessions_begun, 0u);
}

TEST_F(Shards, AnIndexThatNamesNoWorkerIsUnknown) {
  talk(*others[0], 0);
  others[0]->send(hub, now);
  Bytes data = only(others[0]->take_sent()).bytes;
  for (const int worker : {3, 4, 255}) {
    data[noise::Data::kReceiver] = static_cast<std::uint8_t>(worker);
    hub.receive(data, others[0]->at, now, 0, 1);
    EXPECT_TRUE(hub.shards[1]->handovers().empty());
  }
  EXPECT_EQ(hub.dropped(Drop::kInUnknownIndex), 3u);
}

TEST_F(Shards, LoadIsTheDevicesNotTheWorkers) {
  noise::CookieJar jar(hub.public_key());
  Bytes junk(148, 0x5a);
  noise::store32(junk.data(), 1);
  jar.add_macs(junk, now);
  for (std::size_t i = 0; i < 128; ++i) hub.receive(junk, endpoint("203.0.113.1:1"), now, 0, 0);
  others[0]->send(hub, now);
  others[0]->advance(now);
  hub.receive(only(others[0]->take_sent()).bytes, others[0]->at, now, 0, 2);
  TunnelOutput output;
  hub.shards[2]->advance(now, output);
  ASSERT_EQ(output.to_network.size(), 1u);
  EXPECT_EQ(output.to_network[0].packet.data()[0], 3) << "worker 2 has one message, the device 129";
  output.clear();
  hub.advance(now);
  hub.take_sent();
}

// What a key log needs, before the message leaves.
TEST(ShardSecrets, OfEachHandshakeMessageAreTold) {
  Device a("a", 1), b("b", 2);
  a.add_peer(b);
  b.add_peer(a);
  const PresharedKey preshared = PresharedKey::generate();
  for (auto [device, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    PeerChange change;
    change.public_key = other->public_key();
    change.preshared_key = preshared.copy();
    device->change_peer(std::move(change));
  }
  struct Told {
    PublicKey local, ephemeral, remote;
    PresharedKey preshared;
    std::size_t sent_before;
  };
  std::vector<Told> told_by_a, told_by_b;
  const auto listen = [](Device& device, std::vector<Told>& told) {
    device.shard().set_secrets_listener([&](const HandshakeSecrets& secrets) {
      told.push_back({PrivateKey(secrets.local_static_private).public_key(), PrivateKey(secrets.local_ephemeral_private).public_key(),
                      secrets.remote_static, PresharedKey(secrets.preshared), device.sent.size()});
    });
  };
  listen(a, told_by_a);
  listen(b, told_by_b);
  const Instant now{1000s};
  a.send(b, now);
  a.advance(now);
  const Bytes initiation = only(a.take_sent()).bytes;
  b.receive(initiation, a.at, now);
  b.advance(now);
  const Bytes response = only(b.take_sent()).bytes;
  ASSERT_EQ(told_by_a.size(), 1u);
  ASSERT_EQ(told_by_b.size(), 1u);
  const auto check = [&](const Told& told, const Device& device, const Device& other, const Bytes& message, std::size_t ephemeral_at) {
    EXPECT_EQ(told.local, device.public_key());
    EXPECT_EQ(told.remote, other.public_key());
    EXPECT_TRUE(
        std::equal(told.ephemeral.bytes.begin(), told.ephemeral.bytes.end(), message.begin() + static_cast<std::ptrdiff_t>(ephemeral_at)));
    EXPECT_TRUE(told.preshared.equals(preshared));
    EXPECT_EQ(told.sent_before, 0u) << "before it leaves";
  };
  check(told_by_a[0], a, b, initiation, 8);  // whitepaper 5.4.2
  check(told_by_b[0], b, a, response, 12);   // 5.4.3
}

}  // namespace
}  // namespace wgu::tunnel
