#pragma once
// Two tunnels with a confirmed session, for targets that fuzz what comes after: "alice" begins, "bob" is under test. Every check
// ends the process, so that the fuzzer keeps the input.

#include <cstdint>
#include <cstdlib>
#include <random>
#include <span>
#include <utility>

#include "tunnel/packets.h"
#include "wgu/tunnel.h"

namespace wgu::tunnel {

inline void require(bool holds) {
  if (!holds) std::abort();
}

class LiveSession {
 public:
  LiveSession(std::size_t buffers, std::size_t capacity) : pool(buffers, capacity) {
    configure(alice, "alice", "bob", kBob, "10.0.0.2/32", "fd00::2/128");
    configure(bob, "bob", "alice", kAlice, "10.0.0.1/32", "fd00::1/128");
    send(alice, inner_packet(kAliceInside, kBobInside, 60));
    for (int round = 0; round < 3; ++round) {
      carry(alice, bob, kAlice);
      carry(bob, alice, kBob);
    }
    require(bob_delivered == 1);
  }

  // An inner packet of `from`'s device; what comes of it stays in from's output.
  void send(Tunnel& from, std::span<const std::uint8_t> inner) {
    Packet packet = packet_of(pool, inner);
    if (packet) from.send({&packet, 1}, now, output_of(from));
    check(from);
  }
  void receive(Tunnel& at, std::span<const std::uint8_t> bytes, const Endpoint& from, std::uint8_t traffic_class = 0) {
    Datagram datagram{pool.take(0), from, {}, traffic_class};
    if (!datagram.packet || datagram.packet.tailroom() < bytes.size()) return;
    datagram.packet.resize(bytes.size());
    std::copy(bytes.begin(), bytes.end(), datagram.packet.data());
    at.receive({&datagram, 1}, now, output_of(at));
    check(at);
  }
  void settle(Tunnel& tunnel) {
    for (int round = 0; tunnel.next_deadline() <= now; ++round) {
      require(round < 5000);
      tunnel.advance(now, output_of(tunnel));
      check(tunnel);
    }
  }
  // All that `from` has to say reaches `to`.
  void carry(Tunnel& from, Tunnel& to, const Endpoint& source) {
    settle(from);
    for (const Datagram& datagram : std::exchange(output_of(from).to_network, {}))
      receive(to, datagram.packet.bytes(), source, datagram.traffic_class);
    settle(to);
  }
  TunnelOutput& output_of(Tunnel& tunnel) { return &tunnel == &alice ? alice_output : bob_output; }

  // What must hold whatever came in. What bob delivered is alice's, or bob's own ICMP.
  void check(Tunnel& tunnel) {
    const Counters counters = tunnel.counters();
    require(counters.unexplained(Direction::kOutbound) == 0 && counters.unexplained(Direction::kInbound) == 0);
    require(counters.outbound_queued <= 128 && counters.inbound_queued <= 1024);
    if (&tunnel != &bob) return;
    for (const Packet& packet : std::exchange(bob_output.to_device, {})) {
      const std::uint8_t* bytes = packet.data();
      require(packet.size() >= 20);
      const IpAddress source = bytes[0] >> 4 == 4 ? IpAddress::v4_from(bytes + 12) : IpAddress::v6_from(bytes + 8);
      require(source == kAliceInside || source == kAliceInsideV6);
      ++bob_delivered;
    }
  }
  void finish() {
    for (Tunnel* tunnel : {&alice, &bob}) {
      tunnel->set_up(false, now);
      settle(*tunnel);
      output_of(*tunnel).clear();
    }
    require(pool.in_use() == 0);
  }

  const Endpoint kAlice = endpoint("192.0.2.1:51820"), kBob = endpoint("192.0.2.2:51820");
  const IpAddress kAliceInside = ip("10.0.0.1"), kAliceInsideV6 = ip("fd00::1");
  const IpAddress kBobInside = ip("10.0.0.2"), kBobInsideV6 = ip("fd00::2");

 private:
  Host host() {
    return {[this](std::span<std::uint8_t> out) {
              for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random_());
            },
            [this] {
              return WallTime{1'800'000'000 + now.time_since_epoch().count() / 1'000'000'000, 0};
            }};
  }
  void configure(Tunnel& tunnel, const char* own, const char* other, const Endpoint& at, const char* allowed4, const char* allowed6) {
    DeviceChange change;
    change.private_key = key_of(own);
    PeerChange& peer = change.peers.emplace_back();
    peer.public_key = key_of(other).public_key();
    peer.endpoint = at;
    peer.allowed_ips = {{prefix(allowed4)}, {prefix(allowed6)}};
    tunnel.apply(std::move(change), now).value();
    tunnel.set_up(true, now);
  }

  std::mt19937_64 random_{1};

 public:
  Instant now{};
  PacketPool pool;
  TunnelOutput alice_output, bob_output;
  Tunnel alice{TunnelOptions{}, host(), pool};
  Tunnel bob{TunnelOptions{.path = {.clamp_mss = true}}, host(), pool};
  std::uint64_t bob_delivered = 0;
};

// Reads an input front to back; zeros when it has ended.
class Script {
 public:
  explicit Script(std::span<const std::uint8_t> bytes) : rest_(bytes) {}
  [[nodiscard]] bool has_more() const { return !rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::size_t word() { return byte() | static_cast<std::size_t>(byte()) << 8; }
  std::span<const std::uint8_t> bytes(std::size_t count) {
    const auto taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace wgu::tunnel
