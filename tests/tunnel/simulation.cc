#include "tunnel/simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "noise/messages.h"

namespace wgu::tunnel {
namespace {

using namespace std::chrono_literals;
using noise::load32;
using noise::load64;

constexpr std::size_t kMtu = 1420;
constexpr std::size_t kPoolCount = 600;
constexpr std::size_t kMarkerAt = 20;
constexpr std::size_t kSerialAt = 36;

Instant to_millisecond(Instant when) { return std::chrono::ceil<std::chrono::milliseconds>(when); }

}  // namespace

std::uint64_t seed_or(std::uint64_t given) {
  const char* text = std::getenv("WGU_SEED");
  return text == nullptr ? given : std::strtoull(text, nullptr, 10);
}

Simulation::Simulation(std::uint64_t seed, Link link, Drive drive) : seed_(seed_or(seed)), link_(link), drive_(drive), random_(seed_) {
  for (std::uint8_t& byte : marker_) byte = static_cast<std::uint8_t>(random_());
}

Simulation::~Simulation() {
  while (!scheduled_.empty()) scheduled_.pop();
  for (auto& node : nodes_) {
    node->tunnel->set_up(false, now_);
    node->output.clear();
    check(*node);
    if (node->pool->in_use() != 0)
      fail("node " + std::to_string(node->number) + " keeps " + std::to_string(node->pool->in_use()) + " buffers");
  }
}

void Simulation::fail(const std::string& what) {
  if (++failures_ > 5) return;
  ADD_FAILURE() << what << " (WGU_SEED=" << seed_ << ", at "
                << std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch()).count() << " ms)";
}

bool Simulation::chance(double probability) { return probability > 0 && std::uniform_real_distribution<>()(random_) < probability; }

// --- Nodes -----------------------------------------------------------------------------------------------------------------

Simulation::Node Simulation::add_node() {
  const Node number = nodes_.size();
  auto& node = *nodes_.emplace_back(std::make_unique<NodeState>());
  node.number = number;
  node.key = key_of("node " + std::to_string(number));
  node.address = IpAddress::v4(10, 0, static_cast<std::uint8_t>(number / 200), static_cast<std::uint8_t>(1 + number % 200));
  node.random.seed(seed_ * 1000003 + number);
  node.pool = std::make_unique<PacketPool>(kPoolCount, 2048);
  move(number);
  make_tunnel(node);
  return number;
}

void Simulation::make_tunnel(NodeState& node) {
  Host host{
      [&node](std::span<std::uint8_t> out) {
        for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(node.random());
      },
      [this, &node] {
        const auto ns = now_.time_since_epoch().count();
        return WallTime{1'800'000'000 + node.wall_offset + ns / 1'000'000'000, static_cast<std::uint32_t>(ns % 1'000'000'000)};
      },
  };
  node.tunnel = std::make_unique<Tunnel>(TunnelOptions{kMtu}, std::move(host), *node.pool);
  DeviceChange change;
  change.private_key = node.key.copy();
  node.tunnel->apply(std::move(change), now_).value();
  node.tunnel->set_up(node.is_up, now_);
}

void Simulation::configure_peer(NodeState& node, Node peer, std::uint16_t keepalive, bool knows_endpoint) {
  DeviceChange change;
  PeerChange& added = change.peers.emplace_back();
  added.public_key = nodes_[peer]->key.public_key();
  if (knows_endpoint) added.endpoint = nodes_[peer]->endpoint;
  added.persistent_keepalive = keepalive;
  for (const auto& [block, owner] : node.allowed) {
    if (owner == peer) added.allowed_ips.push_back({block});
  }
  node.tunnel->apply(std::move(change), now_).value();
  node.is_touched = true;
}

void Simulation::connect(Node a, Node b, std::uint16_t keepalive_of_a, bool a_knows_b, bool b_knows_a) {
  nodes_[a]->peers.emplace_back(b, keepalive_of_a);
  nodes_[b]->peers.emplace_back(a, 0);
  nodes_[a]->allowed.emplace_back(Prefix::masked(nodes_[b]->address, 32), b);
  nodes_[b]->allowed.emplace_back(Prefix::masked(nodes_[a]->address, 32), a);
  configure_peer(*nodes_[a], b, keepalive_of_a, a_knows_b);
  configure_peer(*nodes_[b], a, 0, b_knows_a);
}

void Simulation::allow(Node at, Node peer, Prefix block) {
  std::erase_if(nodes_[at]->allowed, [&](const auto& entry) { return entry.first == block; });
  nodes_[at]->allowed.emplace_back(block, peer);
  DeviceChange change;
  PeerChange& changed = change.peers.emplace_back();
  changed.public_key = nodes_[peer]->key.public_key();
  changed.allowed_ips.push_back({block});
  nodes_[at]->tunnel->apply(std::move(change), now_).value();
}

void Simulation::set_up(Node node, bool is_up) {
  nodes_[node]->is_up = is_up;
  nodes_[node]->is_touched = true;
  nodes_[node]->tunnel->set_up(is_up, now_);
}

void Simulation::sleep(Node node, bool sleeps) { nodes_[node]->sleeps = sleeps; }

void Simulation::move(Node node) {
  by_endpoint_.erase(nodes_[node]->endpoint.to_string());
  nodes_[node]->endpoint =
      Endpoint{IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(node + 1)), static_cast<std::uint16_t>(next_port_++)};
  by_endpoint_[nodes_[node]->endpoint.to_string()] = node;
}

void Simulation::restart(Node number) {
  NodeState& node = *nodes_[number];
  node.tunnel.reset();
  make_tunnel(node);
  for (const auto& [peer, keepalive] : node.peers) configure_peer(node, peer, keepalive, true);
}

// --- Traffic ---------------------------------------------------------------------------------------------------------------

void Simulation::at(Instant when, std::function<void()> action) { scheduled_.push({when, next_order_++, std::move(action)}); }

void Simulation::send(Node from, Node to, std::size_t size, std::optional<IpAddress> inner_source) {
  NodeState& node = *nodes_[from];
  if (node.sleeps) return;
  Bytes bytes = inner_packet(inner_source.value_or(node.address), nodes_[to]->address, size);
  std::copy(marker_.begin(), marker_.end(), bytes.begin() + kMarkerAt);
  noise::store64(bytes.data() + kSerialAt, inner_.size());
  Packet packet = packet_of(*node.pool, bytes);
  inner_.push_back({from, to, now_, std::move(bytes)});
  if (!packet) return fail("no buffer for an inner packet");
  node.tunnel->send({&packet, 1}, now_, node.output);
  node.is_touched = true;
  flush(node);
}

void Simulation::send_every(Node from, Node to, Duration period, Instant until, Duration first) {
  if (now_ + first > until) return;
  at(now_ + first, [=, this] {
    send(from, to, 44 + random_() % (kMtu - 44 + 1));
    send_every(from, to, period, until, period);
  });
}

// --- Time ------------------------------------------------------------------------------------------------------------------

void Simulation::run_until(Instant end) {
  for (;;) {
    for (auto& node : nodes_) settle(*node);
    for (auto& node : nodes_) check(*node);
    if (now_ >= end) return;
    Instant next = end;
    if (!scheduled_.empty()) next = std::min(next, scheduled_.top().when);
    if (drive_ == Drive::kEveryMillisecond) {
      next = std::min(next, now_ + 1ms);
    } else {
      for (auto& node : nodes_) {
        if (!node->sleeps) next = std::min(next, to_millisecond(std::min(node->tunnel->next_deadline(), end)));
      }
    }
    now_ = std::max(now_, next);
    while (!scheduled_.empty() && scheduled_.top().when <= now_) {
      const auto action = scheduled_.top().action;
      scheduled_.pop();
      action();
    }
    for (auto& node : nodes_) deliver_arrivals(*node);
  }
}

void Simulation::deliver_arrivals(NodeState& node) {
  if (node.arrived.empty() || node.sleeps) return;
  node.is_touched = true;
  node.tunnel->receive(node.arrived, now_, node.output);
  node.arrived.clear();
  flush(node);
}

void Simulation::settle(NodeState& node) {
  if (node.sleeps) return;
  if (drive_ == Drive::kEveryMillisecond) {
    node.tunnel->advance(now_, node.output);
    flush(node);
  }
  int rounds = 0;
  while (node.tunnel->next_deadline() <= now_) {
    node.is_touched = true;
    node.tunnel->advance(now_, node.output);
    flush(node);
    if (++rounds == 2000) return fail("node " + std::to_string(node.number) + " never comes to rest");
  }
}

void Simulation::flush(NodeState& node) {
  if (node.output.to_network.empty() && node.output.to_device.empty()) return;
  node.is_touched = true;
  for (const Datagram& datagram : node.output.to_network) transmit(node, datagram);
  for (const Packet& packet : node.output.to_device) observe_delivered(node, packet.bytes());
  node.output.clear();
}

void Simulation::transmit(NodeState& from, const Datagram& datagram) {
  const auto message = datagram.packet.bytes();
  observe_sent(from, message, datagram.remote);
  const auto entry = by_endpoint_.find(datagram.remote.to_string());
  if (entry == by_endpoint_.end() || from.is_cut || chance(link_.loss)) return;
  const Node to = entry->second;
  for (int copies = chance(link_.duplication) ? 2 : 1; copies > 0; --copies) {
    Bytes bytes(message.begin(), message.end());
    bool is_intact = true;
    if (chance(link_.corruption)) {
      const std::size_t at_byte = random_() % bytes.size();
      bytes[at_byte] ^= static_cast<std::uint8_t>(1 + random_() % 255);
      // Nobody reads the MAC2 of a handshake message before he is under load.
      is_intact = (bytes.size() == noise::kInitiationSize || bytes.size() == noise::kResponseSize) && at_byte >= bytes.size() - 16;
    }
    const auto delay = std::chrono::milliseconds(std::uniform_int_distribution<>(link_.least_delay, link_.most_delay)(random_));
    at(now_ + delay, [this, to, bytes = std::move(bytes), source = from.endpoint, traffic_class = datagram.traffic_class, is_intact] {
      arrive(to, bytes, source, traffic_class, is_intact);
    });
  }
}

void Simulation::arrive(Node to, const Bytes& bytes, Endpoint from, std::uint8_t traffic_class, bool is_intact) {
  NodeState& node = *nodes_[to];
  if (node.is_cut || node.sleeps) return;
  Datagram datagram{node.pool->take(0), from, {}, traffic_class};
  if (!datagram.packet) return;  // as a socket buffer overflows
  if (is_intact) observe_arrival(node, bytes);
  datagram.packet.resize(bytes.size());
  std::copy(bytes.begin(), bytes.end(), datagram.packet.data());
  node.arrived.push_back(std::move(datagram));
}

// --- What must always hold -------------------------------------------------------------------------------------------------

void Simulation::observe_sent(NodeState& from, std::span<const std::uint8_t> message, const Endpoint& to) {
  const int type = message[0];
  trace_.push_back({now_, from.number, true, message.size(), type});
  if (memmem(message.data(), message.size(), marker_.data(), marker_.size()) != nullptr) fail("plaintext on the wire");
  switch (type) {
    case 1: {
      const std::uint32_t index = load32(&message[noise::Initiation::kSender]);
      initiators_[index] = from.number;
      std::erase_if(sessions_, [&](const auto& entry) { return entry.first.second == index; });
      const auto target = by_endpoint_.find(to.to_string());
      if (target != by_endpoint_.end()) initiations_.emplace_back(now_, from.number, target->second);
      return;
    }
    case 2: {
      const std::uint32_t own = load32(&message[noise::Response::kSender]);
      const std::uint32_t theirs = load32(&message[noise::Response::kReceiver]);
      responses_[{from.number, own}] = {theirs, now_};
      if (sessions_.contains({from.number, theirs})) fail("a second response to one initiation");
      sessions_[{from.number, theirs}] = Session{.born = now_, .is_unconfirmed = true};
      return;
    }
    case 4:
      break;
    default:
      return;
  }
  const std::size_t plaintext = message.size() - noise::kDataMinSize;
  if (plaintext > kMtu || (plaintext % 16 != 0 && plaintext != kMtu))
    fail("a data message of " + std::to_string(plaintext) + " bytes inside");
  Session& session = sessions_[{from.number, load32(&message[noise::Data::kReceiver])}];
  if (!session.born) fail("data on a session that never began");
  if (session.born && now_ - *session.born >= 180s) fail("data on a session older than Reject-After-Time");
  if (session.is_unconfirmed) fail("a responder sends before it has received");
  if (!session.counters.insert(load64(&message[noise::Data::kCounter])).second) fail("a nonce was used twice");
}

void Simulation::observe_arrival(NodeState& to, std::span<const std::uint8_t> message) {
  if (message[0] == 2) {
    // The initiator's session begins now, if it takes the response: no earlier in any case.
    const std::uint32_t theirs = load32(&message[noise::Response::kSender]);
    const auto initiator = initiators_.find(load32(&message[noise::Response::kReceiver]));
    if (initiator == initiators_.end() || initiator->second != to.number) return;
    Session& session = sessions_[{to.number, theirs}];
    if (!session.born) session.born = now_;
  } else if (message[0] == 4) {
    const auto response = responses_.find({to.number, load32(&message[noise::Data::kReceiver])});
    if (response != responses_.end()) sessions_[{to.number, response->second.first}].is_unconfirmed = false;
  }
}

void Simulation::observe_delivered(NodeState& at_node, std::span<const std::uint8_t> packet) {
  trace_.push_back({now_, at_node.number, false, packet.size(), 0});
  constexpr std::uint8_t kIcmp = 1;
  if (packet.size() >= 20 && packet[9] == kIcmp) return;  // "unreachable", of the tunnel's own making
  if (packet.size() < 44) return fail("a delivered packet of " + std::to_string(packet.size()) + " bytes");
  const std::uint64_t serial = load64(packet.data() + kSerialAt);
  if (serial >= inner_.size()) return fail("delivered what nobody sent");
  InnerRecord& record = inner_[serial];
  if (record.to != at_node.number) fail("delivered to another device");
  if (record.is_delivered) fail("delivered twice");
  if (!std::equal(packet.begin(), packet.end(), record.bytes.begin(), record.bytes.end())) fail("delivered altered");
  record.is_delivered = true;
  deliveries_.push_back({record.sent, now_, record.from, record.to});

  const IpAddress source = IpAddress::v4_from(packet.data() + 12);
  int longest = -1;
  Node owner = nodes_.size();
  for (const auto& [block, peer] : at_node.allowed) {
    if (block.contains(source) && block.length > longest) {
      longest = block.length;
      owner = peer;
    }
  }
  if (owner != record.from) fail("delivered with an inner source that is not its sender's");
}

void Simulation::check(NodeState& node) {
  if (!std::exchange(node.is_touched, false)) return;
  const Counters counters = node.tunnel->counters();
  if (counters.unexplained(Direction::kOutbound) != 0)
    fail("outbound packets unexplained: " + std::to_string(counters.unexplained(Direction::kOutbound)));
  if (counters.unexplained(Direction::kInbound) != 0)
    fail("inbound packets unexplained: " + std::to_string(counters.unexplained(Direction::kInbound)));
  if (counters.outbound_queued > 128 * node.peers.size() || counters.outbound_queued > kPoolCount / 2) fail("too much staged");
  if (counters.inbound_queued > 1024) fail("too many handshakes queued");
}

// --- What a test asks ------------------------------------------------------------------------------------------------------

std::size_t Simulation::delivered(Node from, Node to, Instant since) const {
  return static_cast<std::size_t>(std::count_if(deliveries_.begin(), deliveries_.end(), [&](const Delivery& delivery) {
    return delivery.from == from && delivery.to == to && delivery.arrived >= since;
  }));
}

std::size_t Simulation::sent(Node node, int type, Instant since) const {
  return static_cast<std::size_t>(std::count_if(trace_.begin(), trace_.end(), [&](const Event& event) {
    return event.node == node && event.is_sent && event.type == type && event.when >= since;
  }));
}

std::size_t Simulation::crossings(Instant since) const {
  std::size_t count = 0;
  const Duration flight = std::chrono::milliseconds(link_.most_delay);
  for (const auto& [when, from, to] : initiations_) {
    for (const auto& [later, other, back] : initiations_) {
      if (when >= since && other == to && back == from && later >= when && later - when <= flight && (later > when || from < to)) ++count;
    }
  }
  return count;
}

}  // namespace wgu::tunnel
