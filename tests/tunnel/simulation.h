#pragma once
// Tunnels in a simulated network: a virtual clock of whole milliseconds, seeded randomness, links that lose, double, reorder,
// corrupt and delay. After every step it checks what design.md promises, from what an observer of all wires and devices sees.
// The environment's WGU_SEED replaces a test's seed; a failure prints it.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tunnel/packets.h"
#include "wgu/tunnel.h"

namespace wgu::tunnel {

std::uint64_t seed_or(std::uint64_t given);

// Probabilities of a datagram's fate; delays in milliseconds.
struct Link {
  double loss = 0;
  double duplication = 0;
  double corruption = 0;
  int least_delay = 20;
  int most_delay = 20;  // more than the least: reordering
};

enum class Drive { kAtDeadlines, kEveryMillisecond };

class Simulation {
 public:
  using Node = std::size_t;
  struct Event {  // of the trace
    Instant when;
    Node node;
    bool is_sent;  // to the network; else delivered to the device
    std::size_t size;
    int type;  // of the message; 0 when delivered
    friend bool operator==(const Event&, const Event&) = default;
  };
  struct Delivery {
    Instant sent, arrived;
    Node from, to;
  };

  Simulation(std::uint64_t seed, Link link, Drive drive = Drive::kAtDeadlines);
  ~Simulation();  // checks that every buffer comes back

  Node add_node();
  // Makes them peers, each allowed its own 10.x.y.z/32. A false `a_knows_b`: `a` has no endpoint for `b`, and must be called.
  void connect(Node a, Node b, std::uint16_t keepalive_of_a = 0, bool a_knows_b = true, bool b_knows_a = true);
  void allow(Node at, Node peer, Prefix block);  // also moves it
  void set_up(Node node, bool is_up);
  void set_link(Link link) { link_ = link; }
  void cut(Node node, bool is_cut) { nodes_[node]->is_cut = is_cut; }  // nothing reaches it or leaves it
  void sleep(Node node, bool sleeps);                                  // the process stands still; its clock does not
  void move(Node node);                                                // another endpoint, which nobody is told
  void jump_wall_clock(Node node, std::int64_t seconds) { nodes_[node]->wall_offset += seconds; }
  void restart(Node node);  // all state lost but keys and configuration

  // An inner packet of `size` bytes (44 at least) now. `inner_source`: not the node's own.
  void send(Node from, Node to, std::size_t size = 100, std::optional<IpAddress> inner_source = std::nullopt);
  // send() every `period` until `until`, beginning `first` from now.
  void send_every(Node from, Node to, Duration period, Instant until, Duration first = Duration::zero());
  void at(Instant when, std::function<void()> action);
  void run_until(Instant end);
  void run_for(Duration time) { run_until(now_ + time); }

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] Tunnel& tunnel(Node node) { return *nodes_[node]->tunnel; }
  [[nodiscard]] IpAddress address(Node node) const { return nodes_[node]->address; }
  [[nodiscard]] const std::vector<Event>& trace() const { return trace_; }
  [[nodiscard]] const std::vector<Delivery>& deliveries() const { return deliveries_; }
  [[nodiscard]] std::size_t delivered(Node from, Node to, Instant since = Instant::min()) const;
  [[nodiscard]] std::size_t sent(Node node, int type, Instant since = Instant::min()) const;
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  // Initiations that met on the way since then: each can cost both sides one Rekey-Timeout.
  [[nodiscard]] std::size_t crossings(Instant since) const;
  [[nodiscard]] std::mt19937_64& random() { return random_; }

 private:
  struct NodeState {
    Node number = 0;
    PrivateKey key;
    IpAddress address;
    Endpoint endpoint;
    std::int64_t wall_offset = 0;
    bool is_up = true, is_cut = false, sleeps = false, is_touched = false;
    std::mt19937_64 random;
    std::unique_ptr<PacketPool> pool;
    std::unique_ptr<Tunnel> tunnel;
    TunnelOutput output;
    std::vector<std::pair<Prefix, Node>> allowed;       // naive: every block and its owner
    std::vector<std::pair<Node, std::uint16_t>> peers;  // and their keepalive
    std::vector<Datagram> arrived;                      // at this instant
  };
  struct Scheduled {
    Instant when;
    std::uint64_t order;
    std::function<void()> action;
    friend bool operator>(const Scheduled& a, const Scheduled& b) { return std::tie(a.when, a.order) > std::tie(b.when, b.order); }
  };
  struct Session {  // as one end uses it for sending: the receiver's index
    std::optional<Instant> born;
    bool is_unconfirmed = false;  // this end is the responder and has heard nothing on it
    std::set<std::uint64_t> counters{};
  };
  struct InnerRecord {
    Node from, to;
    Instant sent;
    Bytes bytes;
    bool is_delivered = false;
  };

  void make_tunnel(NodeState& node);
  void configure_peer(NodeState& node, Node peer, std::uint16_t keepalive, bool knows_endpoint);
  void deliver_arrivals(NodeState& node);
  void settle(NodeState& node);
  void flush(NodeState& node);
  void transmit(NodeState& from, const Datagram& datagram);
  void arrive(Node to, const Bytes& bytes, Endpoint from, std::uint8_t traffic_class, bool is_intact);
  void observe_sent(NodeState& from, std::span<const std::uint8_t> message, const Endpoint& to);
  void observe_arrival(NodeState& to, std::span<const std::uint8_t> message);
  void observe_delivered(NodeState& at, std::span<const std::uint8_t> packet);
  void check(NodeState& node);
  void fail(const std::string& what);
  [[nodiscard]] bool chance(double probability);

  std::uint64_t seed_;
  Link link_;
  Drive drive_;
  Instant now_{};
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<NodeState>> nodes_;
  std::map<std::string, Node> by_endpoint_;
  std::priority_queue<Scheduled, std::vector<Scheduled>, std::greater<>> scheduled_;
  std::uint64_t next_order_ = 0;
  std::vector<Event> trace_;
  std::vector<Delivery> deliveries_;
  std::vector<InnerRecord> inner_;
  std::map<std::pair<Node, std::uint32_t>, Session> sessions_;  // sender, receiver's index
  std::map<std::pair<Node, std::uint32_t>, std::pair<std::uint32_t, Instant>>
      responses_;                             // responder, its index -> initiator's index, when
  std::map<std::uint32_t, Node> initiators_;  // index of an initiation -> who sent it
  std::vector<std::tuple<Instant, Node, Node>> initiations_;
  std::array<std::uint8_t, 16> marker_{};  // in every inner packet, never on a wire
  int failures_ = 0;
  unsigned next_port_ = 51820;
};

}  // namespace wgu::tunnel
