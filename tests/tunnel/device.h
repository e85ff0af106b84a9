#pragma once
// A device that a test holds in its hand: the same parts as Tunnel (or, with several workers, as an engine), reachable from
// outside; a clock and a host that do what they are told; and what it sent and delivered as plain bytes.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "noise/messages.h"
#include "tunnel/configuration.h"
#include "tunnel/packets.h"

namespace wgu::tunnel {

using namespace std::chrono_literals;

struct Sent {
  Bytes bytes = Bytes(1);
  Endpoint to{};
  std::uint8_t traffic_class = 0;
  std::uint64_t tag = 0;
  std::size_t worker = 0;
  [[nodiscard]] int type() const { return bytes[0]; }
  [[nodiscard]] bool is_keepalive() const { return bytes.size() == 32; }
};

class Device {
 public:
  explicit Device(std::string name, std::uint8_t number, unsigned workers = 1, std::size_t buffers = 1024, std::size_t capacity = 2048)
      : address(IpAddress::v4(10, 0, 0, number)),
        at{IpAddress::v4(192, 0, 2, number), 51820},
        key(key_of(name)),
        pool(buffers, capacity),
        random_(number),
        host_{[this](std::span<std::uint8_t> out) {
                for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random_());
              },
              [this] {
                // Every look at the clock is a step of 20 ms: initiations within one test instant still have growing timestamps.
                wall_ += 20'000'000;
                return WallTime{1'800'000'000 + wall_ / 1'000'000'000, static_cast<std::uint32_t>(wall_ % 1'000'000'000)};
              }},
        gate(host_),
        configuration(workers) {
    for (unsigned i = 0; i < workers; ++i) {
      shards.push_back(std::make_unique<Shard>(static_cast<std::uint8_t>(i), kMtu, workers, host_, gate, pool));
    }
    DeviceChange change;
    change.private_key = key.copy();
    apply(std::move(change), {}).value();
    set_up(true, {});
  }

  // Whatever a test did: no packet of it is unaccounted for.
  ~Device() { expect_all_explained(); }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  static constexpr std::uint16_t kMtu = 1420;

  [[nodiscard]] PublicKey public_key() const { return key.public_key(); }
  [[nodiscard]] Shard& shard() { return *shards[0]; }

  Result<void> apply(DeviceChange change, Instant now) {
    if (Result<void> sound = configuration.check(change); !sound) return sound;
    auto commit = configuration.commit(std::move(change));
    for (std::size_t i = 0; i < shards.size(); ++i) shards[i]->apply(std::move(commit.additions[i]), now);
    for (std::size_t i = 0; i < shards.size(); ++i) shards[i]->apply(commit.removals[i]);
    configuration.reclaim();
    return {};
  }
  void change_peer(PeerChange peer, Instant now = {}) {
    DeviceChange change;
    change.peers.push_back(std::move(peer));
    apply(std::move(change), now).value();
  }
  // `other` becomes a peer that may use its own address.
  void add_peer(const Device& other, Instant now = {}, bool knows_endpoint = true) {
    PeerChange peer;
    peer.public_key = other.public_key();
    if (knows_endpoint) peer.endpoint = other.at;
    peer.allowed_ips.push_back({Prefix::masked(other.address, 32)});
    change_peer(std::move(peer), now);
  }
  void remove_peer(const Device& other, Instant now = {}) {
    PeerChange peer;
    peer.public_key = other.public_key();
    peer.remove = true;
    change_peer(std::move(peer), now);
  }
  void set_up(bool is_up, Instant now) {
    for (auto& each : shards) each->set_up(is_up, now);
    collect();
  }

  [[nodiscard]] Peer* peer(const Device& other) {
    const auto id = configuration.find(other.public_key());
    return id ? shards[id->home]->find(*id) : nullptr;
  }
  [[nodiscard]] PeerStatus status_of(const Device& other) {
    PeerStatus status;
    if (Peer* found = peer(other); found != nullptr) found->fill(status);
    return status;
  }
  [[nodiscard]] noise::Keypair* sending_keypair(const Device& other, Instant now) { return peer(other)->sending_keypair(now); }

  // --- Packets. What comes of them gathers in `sent` and `delivered`.
  void send_bytes(const Bytes& inner, Instant now, std::size_t worker = 0) {
    Packet packet = packet_of(pool, inner);
    ASSERT_TRUE(packet);
    shards[worker]->send({&packet, 1}, now, output_);
    collect(worker);
  }
  void send(const Device& to, Instant now, std::size_t size = 100, std::uint8_t traffic_class = 0) {
    send_bytes(inner_packet(address, to.address, size, traffic_class), now);
  }
  void receive(const Bytes& bytes, const Endpoint& from, Instant now, std::uint8_t traffic_class = 0, std::size_t worker = 0) {
    Datagram datagram{pool.take(0), from, {}, traffic_class};
    ASSERT_TRUE(datagram.packet);
    datagram.packet.resize(bytes.size());
    std::copy(bytes.begin(), bytes.end(), datagram.packet.data());
    shards[worker]->receive({&datagram, 1}, now, output_);
    collect(worker);
  }
  // Timers and handshakes, until all is done.
  void advance(Instant now) {
    for (std::size_t i = 0; i < shards.size(); ++i) {
      for (int round = 0; shards[i]->next_deadline() <= now; ++round) {
        ASSERT_LT(round, 5000) << "never comes to rest";
        shards[i]->advance(now, output_);
        collect(i);
      }
    }
  }
  std::vector<Sent> take_sent() { return std::exchange(sent, {}); }
  std::vector<Bytes> take_delivered() { return std::exchange(delivered, {}); }
  std::vector<PathQuestion> take_questions() { return std::exchange(questions, {}); }

  [[nodiscard]] Counters counters() const {
    Counters sum;
    for (const auto& each : shards) sum += each->counters();
    return sum;
  }
  [[nodiscard]] std::uint64_t dropped(Drop reason) const { return counters().dropped(reason); }
  void expect_all_explained() const {
    for (const auto& each : shards) {
      EXPECT_EQ(each->counters().unexplained(Direction::kOutbound), 0);
      EXPECT_EQ(each->counters().unexplained(Direction::kInbound), 0);
    }
  }
  void set_wall_back(std::int64_t nanoseconds) { wall_ -= nanoseconds; }

  IpAddress address;
  Endpoint at;
  PrivateKey key;
  PacketPool pool;

 private:
  std::mt19937_64 random_;
  std::int64_t wall_ = 0;
  Host host_;

 public:
  HandshakeGate gate;
  Configuration configuration;
  std::vector<std::unique_ptr<Shard>> shards;
  std::vector<Sent> sent;
  std::vector<Bytes> delivered;
  std::vector<PathQuestion> questions;

 private:
  void collect(std::size_t worker = 0) {
    for (const Datagram& datagram : output_.to_network) {
      const auto bytes = datagram.packet.bytes();
      sent.push_back({Bytes(bytes.begin(), bytes.end()), datagram.remote, datagram.traffic_class, datagram.tag, worker});
    }
    for (const Packet& packet : output_.to_device) delivered.emplace_back(packet.bytes().begin(), packet.bytes().end());
    questions.insert(questions.end(), output_.path_questions.begin(), output_.path_questions.end());
    output_.clear();
    expect_all_explained();
  }

  TunnelOutput output_;
};

// Two devices that know each other, and a wire without delay between them.
class Pair : public testing::Test {
 protected:
  Pair() {
    a.add_peer(b);
    b.add_peer(a);
  }
  ~Pair() override {
    a.set_up(false, now);
    b.set_up(false, now);
    EXPECT_EQ(a.pool.in_use(), 0u);
    EXPECT_EQ(b.pool.in_use(), 0u);
  }

  // Carries datagrams both ways until nobody has anything to say. Returns what was carried, from whom.
  std::vector<std::pair<Device*, Sent>> exchange() {
    std::vector<std::pair<Device*, Sent>> carried;
    for (bool is_quiet = false; !is_quiet;) {
      is_quiet = true;
      for (auto [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
        from->advance(now);
        for (Sent& sent : from->take_sent()) {
          is_quiet = false;
          if (sent.to == to->at) to->receive(sent.bytes, from->at, now, sent.traffic_class);
          carried.emplace_back(from, std::move(sent));
        }
      }
    }
    return carried;
  }
  // A session that `a` began and `b` has confirmed; nothing in the hands.
  void establish() {
    a.send(b, now);
    exchange();
    ASSERT_EQ(b.take_delivered().size(), 1u);
  }
  // Both, hearing each other, at each other's deadlines.
  std::vector<std::tuple<Instant, Device*, Sent>> run(Instant end) {
    std::vector<std::tuple<Instant, Device*, Sent>> all;
    for (;;) {
      for (auto& [from, sent] : exchange()) all.emplace_back(now, from, std::move(sent));
      const Instant next = std::min(a.shard().next_deadline(), b.shard().next_deadline());
      if (next >= end) break;
      now = next;
    }
    now = end;
    return all;
  }
  // Lets time pass in steps of its deadlines, nobody hearing anybody; returns all that `device` sent, with its instants.
  std::vector<std::pair<Instant, Sent>> run_alone(Device& device, Instant end) {
    std::vector<std::pair<Instant, Sent>> all;
    for (;;) {
      device.advance(now);
      for (Sent& sent : device.take_sent()) all.emplace_back(now, std::move(sent));
      Instant next = end;
      for (auto& shard : device.shards) next = std::min(next, shard->next_deadline());
      if (next >= end) break;
      now = next;
    }
    now = end;
    return all;
  }

  Instant now{1000s};
  Device a{"a", 1};
  Device b{"b", 2};
};

inline Sent only(std::vector<Sent> sent) {
  EXPECT_EQ(sent.size(), 1u);
  return sent.empty() ? Sent{} : std::move(sent.front());
}

}  // namespace wgu::tunnel
