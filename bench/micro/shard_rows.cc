// Whole flows of one shard, through the sans-IO Tunnel, which is a shard and nothing else: route, stage, seal, address; classify,
// open, accept. A hub with some peers sends and receives batches of 64, its peers in turn. Time stands still but for handshakes.
//
// Timed besides the flow itself: outbound, 20 bytes of IP header a packet, as the buffers are used again where they lie; inbound,
// nothing (packets are sealed while the clock is stopped), except that buffers go back to their pool.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "bench/micro/rows.h"
#include "crypto/aead.h"
#include "noise/cookie.h"
#include "noise/messages.h"
#include "wgu/tunnel.h"

namespace wgu::bench {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kBatchesAhead = 4;  // sealed at a time: stopping the clock costs too much to do it for each batch
constexpr std::size_t kIpHeader = 20;
constexpr int kHandshakeRounds = 200;

IpAddress inner_address(std::size_t node) {
  return IpAddress::v4(10, 0, static_cast<std::uint8_t>(node >> 8), static_cast<std::uint8_t>(node));
}
Endpoint endpoint_of(std::size_t node) {
  return {IpAddress::v4(192, 0, static_cast<std::uint8_t>(node >> 8), static_cast<std::uint8_t>(node)), 51820};
}

struct Node {
  explicit Node(std::size_t its_number, PacketPool& pool)
      : number(its_number), key(PrivateKey::generate()), tunnel({}, Host::system(), pool) {
    DeviceChange change;
    change.private_key = key.copy();
    tunnel.apply(std::move(change), Instant{}).value();
    tunnel.set_up(true, Instant{});
  }
  void add_peer(const Node& other) {
    DeviceChange change;
    PeerChange& peer = change.peers.emplace_back();
    peer.public_key = other.key.public_key();
    peer.endpoint = endpoint_of(other.number);
    peer.allowed_ips.push_back({Prefix::masked(inner_address(other.number), 32)});
    tunnel.apply(std::move(change), Instant{}).value();
  }
  std::size_t number;
  PrivateKey key;
  Tunnel tunnel;
  TunnelOutput output;
};

// A hub, number 0, and its peers from 1 on, with sessions in both directions.
class Star {
 public:
  Star(std::size_t peers, std::size_t bytes) : bytes_(bytes), pool_(kBatch * (kBatchesAhead + 4), 2048) {
    for (std::size_t i = 0; i <= peers; ++i) nodes_.push_back(std::make_unique<Node>(i, pool_));
    for (std::size_t i = 1; i <= peers; ++i) {
      nodes_[0]->add_peer(*nodes_[i]);
      nodes_[i]->add_peer(*nodes_[0]);
    }
  }
  ~Star() {
    for (auto& node : nodes_) node->output.clear();
  }

  // A packet of each peer reaches the hub, and one of the hub's each peer: sessions stand on both ends. False: they do not.
  [[nodiscard]] bool connect() {
    for (std::size_t i = 1; i < nodes_.size(); ++i) {
      if (!deliver(i, 0) || !deliver(0, i)) return false;
    }
    return true;
  }

  [[nodiscard]] Packet packet(std::size_t from, std::size_t to) {
    Packet packet = pool_.take(kPacketHeadroom);
    packet.resize(bytes_);
    std::memset(packet.data(), 0xA5, bytes_);
    write_header(packet, from, to);
    return packet;
  }
  void write_header(Packet& packet, std::size_t from, std::size_t to) const {
    const IpAddress source = inner_address(from);
    const IpAddress destination = inner_address(to);
    // Protocol 253: experiments (RFC 3692). No one below the inner hosts looks at the checksum.
    std::array<std::uint8_t, kIpHeader> header{
        0x45, 0, static_cast<std::uint8_t>(bytes_ >> 8), static_cast<std::uint8_t>(bytes_), 0, 0, 0, 0, 64, 253};
    std::copy_n(source.bytes.begin(), 4, header.begin() + 12);
    std::copy_n(destination.bytes.begin(), 4, header.begin() + 16);
    std::memcpy(packet.data(), header.data(), header.size());
  }

  [[nodiscard]] Node& node(std::size_t i) { return *nodes_[i]; }
  [[nodiscard]] std::size_t peers() const { return nodes_.size() - 1; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] PacketPool& pool() { return pool_; }

 private:
  [[nodiscard]] bool deliver(std::size_t from, std::size_t to) {
    std::array packets{packet(from, to)};
    nodes_[from]->tunnel.send(packets, Instant{}, nodes_[from]->output);
    bool is_delivered = false;
    for (int round = 0; round < kHandshakeRounds && !is_delivered; ++round) {
      exchange(from, to);
      exchange(to, from);
      is_delivered = !nodes_[to]->output.to_device.empty();
    }
    nodes_[to]->output.to_device.clear();
    return is_delivered;
  }
  void exchange(std::size_t from, std::size_t to) {
    nodes_[from]->tunnel.advance(Instant{}, nodes_[from]->output);
    std::vector<Datagram>& sent = nodes_[from]->output.to_network;
    for (Datagram& datagram : sent) datagram.remote = endpoint_of(from);
    nodes_[to]->tunnel.receive(sent, Instant{}, nodes_[to]->output);
    sent.clear();
  }

  std::size_t bytes_;
  PacketPool pool_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

void finish(benchmark::State& state, std::size_t bytes) {
  const std::int64_t packets = state.iterations() * static_cast<std::int64_t>(kBatch);
  state.SetItemsProcessed(packets);
  state.SetBytesProcessed(packets * static_cast<std::int64_t>(bytes));
  state.SetLabel(crypto::kernel_name());
}

void outbound(benchmark::State& state, std::size_t peers, std::size_t bytes) {
  Star star(peers, bytes);
  if (!star.connect()) return state.SkipWithError("no session");
  Node& hub = star.node(0);
  std::vector<Packet> packets;
  for (std::size_t i = 0; i < kBatch; ++i) packets.push_back(star.packet(0, 1 + i % peers));
  for (auto _ : state) {
    hub.tunnel.send(packets, Instant{}, hub.output);
    if (hub.output.to_network.size() != kBatch) {
      state.SkipWithError("packets were lost");
      break;
    }
    for (std::size_t i = 0; i < kBatch; ++i) {
      packets[i] = std::move(hub.output.to_network[i].packet);
      packets[i].place(kPacketHeadroom, bytes);
      star.write_header(packets[i], 0, 1 + i % peers);
    }
    hub.output.clear();
  }
  finish(state, bytes);
}

// `kBatchesAhead` batches to the hub, its peers in turn.
std::vector<Datagram> seal_ahead(Star& star) {
  std::vector<Datagram> datagrams;
  for (std::size_t i = 0; i < kBatch * kBatchesAhead; ++i) {
    Node& peer = star.node(1 + i % star.peers());
    std::array packets{star.packet(peer.number, 0)};
    peer.tunnel.send(packets, Instant{}, peer.output);
    for (Datagram& datagram : peer.output.to_network) {
      datagram.remote = endpoint_of(peer.number);
      datagrams.push_back(std::move(datagram));
    }
    peer.output.clear();
  }
  return datagrams;
}

void inbound(benchmark::State& state, std::size_t peers, std::size_t bytes) {
  Star star(peers, bytes);
  if (!star.connect()) return state.SkipWithError("no session");
  Node& hub = star.node(0);
  std::vector<Datagram> datagrams;
  std::size_t next = 0;
  for (auto _ : state) {
    if (next == datagrams.size()) {
      state.PauseTiming();
      datagrams = seal_ahead(star);
      next = 0;
      state.ResumeTiming();
    }
    hub.tunnel.receive(std::span(datagrams).subspan(next, kBatch), Instant{}, hub.output);
    next += kBatch;
    if (hub.output.to_device.size() != kBatch) {
      state.SkipWithError("packets were lost");
      break;
    }
    hub.output.clear();
  }
  finish(state, bytes);
}

using InitiationBytes = std::array<std::uint8_t, noise::kInitiationSize>;

// A batch of the same message, in buffers of the star's pool.
void refill(std::vector<Datagram>& datagrams, Star& star, const InitiationBytes& message) {
  for (Datagram& datagram : datagrams) {
    datagram.packet = star.pool().take(kPacketHeadroom);
    datagram.packet.resize(message.size());
    std::memcpy(datagram.packet.data(), message.data(), message.size());
    datagram.remote = endpoint_of(1);
  }
}

// A flood of initiations that know our address but not our key: received, queued, refused by MAC1.
void reject_mac1(benchmark::State& state) {
  Star star(1, 64);
  Node& hub = star.node(0);
  InitiationBytes forged{};
  forged[0] = static_cast<std::uint8_t>(noise::MessageType::kInitiation);
  std::vector<Datagram> datagrams(kBatch);
  for (auto _ : state) {
    refill(datagrams, star, forged);
    hub.tunnel.receive(datagrams, Instant{}, hub.output);
    while (hub.tunnel.next_deadline() <= Instant{}) hub.tunnel.advance(Instant{}, hub.output);
  }
  const auto packets = state.iterations() * static_cast<std::int64_t>(kBatch);
  if (hub.tunnel.counters().dropped(Drop::kInBadMac1) != static_cast<std::uint64_t>(packets))
    state.SkipWithError("not all were refused by MAC1");
  state.SetItemsProcessed(packets);
}

// A flood of initiations with the right MAC1 that finds the queue as full as strangers may make it: without a MAC2, or with one that is no
// longer looked at, because the time for that is spent.
void find_no_room(benchmark::State& state, bool claims_a_cookie) {
  Star star(1, 64);
  Node& hub = star.node(0);
  InitiationBytes message{};
  message[0] = static_cast<std::uint8_t>(noise::MessageType::kInitiation);
  noise::CookieJar(hub.key.public_key()).add_macs(message, Instant{});
  std::vector<Datagram> datagrams(kBatch);
  const auto fill = [&] {
    for (std::size_t sent = 0; sent < noise::kMaxQueuedHandshakes; sent += kBatch) {
      refill(datagrams, star, message);
      hub.tunnel.receive(datagrams, Instant{}, hub.output);
    }
  };
  fill();
  if (claims_a_cookie) message.back() = 1;
  fill();
  const std::uint64_t before = hub.tunnel.counters().dropped(Drop::kInHandshakeQueueFull);
  for (auto _ : state) {
    refill(datagrams, star, message);
    hub.tunnel.receive(datagrams, Instant{}, hub.output);
  }
  const auto packets = state.iterations() * static_cast<std::int64_t>(kBatch);
  if (hub.tunnel.counters().dropped(Drop::kInHandshakeQueueFull) - before != static_cast<std::uint64_t>(packets))
    state.SkipWithError("some found room");
  state.SetItemsProcessed(packets);
}

}  // namespace

void add_shard_rows(const AddRow& add) {
  for (const std::size_t peers : {1U, 16U}) {
    for (const std::size_t bytes : {64U, 512U, 1420U}) {
      const std::string name = fmt::format("peers:{}/bytes:{}/batch:{}", peers, bytes, kBatch);
      add("shard/outbound/" + name, [=](benchmark::State& state) { outbound(state, peers, bytes); });
      add("shard/inbound/" + name, [=](benchmark::State& state) { inbound(state, peers, bytes); });
    }
  }
  add(fmt::format("shard/reject_mac1/batch:{}", kBatch), reject_mac1);
  add(fmt::format("shard/queue_full/mac2:none/batch:{}", kBatch), [](benchmark::State& state) { find_no_room(state, false); });
  add(fmt::format("shard/queue_full/mac2:unexamined/batch:{}", kBatch), [](benchmark::State& state) { find_no_room(state, true); });
}

}  // namespace wgu::bench
