#pragma once
// One worker's share of a device: the peers at home there, and the two flows. Sans-IO, one thread at a time. What belongs to
// another shard goes into handovers(); with one shard that stays empty.
//
//   outbound.cc    send:    route -> stage(nonce) -> seal -> sent(timers)
//   inbound.cc     receive: classify -> open -> accept(replay, source)
//   handshakes.cc  the bounded queue of handshake messages, and initiations that peers want
//   shard.cc       configuration, timers

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "crypto/aead.h"
#include "noise/cookie.h"
#include "tunnel/allowed_ips.h"
#include "tunnel/handover.h"
#include "tunnel/handshake_budget.h"
#include "tunnel/handshake_gate.h"
#include "tunnel/ip.h"
#include "tunnel/peer.h"
#include "tunnel/shard_context.h"

namespace wgu::tunnel {

struct PublicKeyHash {
  std::size_t operator()(const PublicKey& key) const noexcept;
};

// One peer's part of a committed change. `id.home` is this shard.
struct PeerUpdate {
  PeerId id;
  PublicKey public_key;
  bool is_new = false;
  std::optional<PresharedKey> preshared_key;
  std::optional<Endpoint> endpoint;
  std::optional<std::uint16_t> persistent_keepalive;
};

// A committed change comes in two steps, so that peers are there before routes lead to them (with several shards: all shards
// finish the first step before any begins the second).
struct ShardAdditions {
  std::optional<PrivateKey> private_key;
  std::vector<PeerUpdate> peers;                        // at home here
  std::vector<std::pair<PublicKey, PeerId>> directory;  // new peers of all shards
};
struct ShardRemovals {
  AllowedIpsView routes;                                // the new version
  std::vector<std::pair<PublicKey, PeerId>> directory;  // removed peers of all shards
};

class Shard {
 public:
  // `worker`: this shard's number among `workers`. The host, the gate and the pool outlive the shard.
  Shard(std::uint8_t worker, std::uint16_t mtu, unsigned workers, const Host& host, HandshakeGate& gate, PacketPool& pool);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // How batches are sealed and opened; by default on the spot. Whoever does it returns when all is done, and how long it took: zero
  // where nobody measures.
  struct AeadCalls {
    std::function<Duration(std::span<crypto::SealJob>)> seal = [](auto jobs) { return crypto::seal(jobs), Duration::zero(); };
    std::function<Duration(std::span<crypto::OpenJob>)> open = [](auto jobs) { return crypto::open(jobs), Duration::zero(); };
  };
  void set_aead(AeadCalls calls) { aead_ = std::move(calls); }
  // Is told what decrypts each handshake that is made or answered here, before its message is sent: for a key log.
  void set_secrets_listener(std::function<void(const HandshakeSecrets&)> listener) { context_.on_secrets = std::move(listener); }

  // --- Packets
  void send(std::span<Packet> packets, Instant now, TunnelOutput& output);
  void receive(std::span<Datagram> datagrams, Instant now, TunnelOutput& output);
  void send_failed(std::uint64_t tag, std::size_t size, Drop reason);
  void forget_local_address(std::uint64_t tag);  // the sticky source of that datagram's peer is gone
  // Path MTUs, as wgu/tunnel.h has them.
  void answer_path(const PathQuestion& question, std::size_t mtu, Instant now);
  void narrow_path(const Endpoint& remote, std::size_t mtu, Instant now);

  // --- Between shards
  // Filled by the calls above; the caller delivers and clears. Counted as forwarded already.
  [[nodiscard]] std::vector<Handover>& handovers() noexcept { return handovers_; }
  void handover_failed(Handover handover);  // the mailbox was full: a counted drop
  void adopt(std::span<Handover> handovers, Instant now, TunnelOutput& output);

  // The peer of that id, if it is at home here and still is the one.
  [[nodiscard]] Peer* find(PeerId id) const noexcept;

  // --- Time
  void advance(Instant now, TunnelOutput& output);
  [[nodiscard]] Instant next_deadline();

  // --- Configuration
  void apply(ShardAdditions additions, Instant now);
  void apply(const ShardRemovals& removals);
  void set_up(bool is_up, Instant now);
  void set_mtu(std::uint16_t mtu) noexcept { context_.mtu = mtu; }
  // Bytes of the data message that a packet of `size` bytes becomes, as a rule: a narrow path may allow less padding.
  [[nodiscard]] std::size_t sealed_size(std::size_t size) const noexcept;
  void set_path_policy(const PathPolicy& policy) noexcept { context_.path_policy = policy; }
  void fill(PeerId id, PeerStatus& status) const;
  [[nodiscard]] PrivateKey private_key() const { return context_.identity->private_key.copy(); }

  [[nodiscard]] const Counters& counters() const noexcept { return context_.counters; }
  [[nodiscard]] Counters& counters() noexcept { return context_.counters; }
  // What happened since they were last cleared; none unless wanted.
  [[nodiscard]] EventBuffer& events() noexcept { return context_.events; }
  [[nodiscard]] std::uint8_t worker() const noexcept { return worker_; }

 private:
  struct PendingSeal {
    Peer* peer;
    noise::Keypair* keypair;
    Packet packet;
    std::uint8_t traffic_class;
    bool is_keepalive;
    std::uint8_t padding;  // bytes
  };
  struct PendingOpen {
    std::uint32_t index;
    Datagram datagram;
  };
  // A copy: a flood of handshake messages must not hold the buffers that data needs.
  struct QueuedHandshake {
    std::array<std::uint8_t, noise::kInitiationSize> bytes;
    std::uint8_t size;
    bool is_proven;  // MAC1, MAC2 and its source's bucket have been looked at
    Source source;
    std::unique_ptr<RoutedInitiation> opened;  // set: what another shard has made of an initiation; there are no bytes then
    [[nodiscard]] std::span<const std::uint8_t> message() const noexcept { return std::span(bytes).first(size); }
  };

  // outbound.cc
  void route(Packet packet, Instant now, TunnelOutput& output);
  void send_to(Peer& peer, Packet packet, std::uint8_t inner_traffic_class, Instant now, TunnelOutput& output);
  [[nodiscard]] bool plan_seal(Peer& peer, noise::Keypair& keypair, Packet& packet, std::uint8_t traffic_class, bool is_keepalive,
                               Instant now);
  void seal_planned(Instant now, TunnelOutput& output);
  void flush_staged(Peer& peer, Instant now);
  void send_keepalive(Peer& peer, Instant now);
  void refuse(const Packet& packet, Drop reason, Instant now, TunnelOutput& output);
  [[nodiscard]] bool refuse_too_big(Peer& peer, const Packet& packet, Instant now, TunnelOutput& output);
  template <class Write>
  void answer_sender(Write write, TunnelOutput& output);
  void trace_sealed(Duration took) const;
  void clamp_mss_of(Peer& peer, const Packet& packet, Instant now) noexcept;
  void narrow_own(const NarrowPath& path, Instant now);

  // inbound.cc
  void classify(Datagram datagram, Instant now);
  void open_classified(Instant now, TunnelOutput& output);
  void trace_opened(Duration took) const;
  void accept(PendingOpen& opened, std::uint64_t counter, Instant now, TunnelOutput& output);

  // handshakes.cc
  void enqueue_handshake(const Datagram& datagram, Instant now);
  void enqueue_opened(std::unique_ptr<RoutedInitiation> opened);
  [[nodiscard]] QueuedHandshake* try_enqueue();
  [[nodiscard]] bool proves_itself(const Datagram& datagram, Instant now);
  void refuse_handshake(Drop reason, const Source& source, const PublicKey& peer = {});
  [[nodiscard]] bool consume_handshake(const QueuedHandshake& queued, Instant now, TunnelOutput& output);
  void consume_initiation(const QueuedHandshake& queued, Instant now, TunnelOutput& output);
  void accept_initiation(Peer* peer, const noise::OpenedInitiation& opened, const Source& source, Instant now, TunnelOutput& output);
  void consume_response(const QueuedHandshake& queued, Instant now);
  void consume_cookie_reply(const QueuedHandshake& queued, Instant now);
  void answer_with_cookie(const QueuedHandshake& queued, Instant now, TunnelOutput& output);
  void run_handshakes(Instant now, TunnelOutput& output);
  [[nodiscard]] bool has_handshake_work() const noexcept { return !handshake_queue_.empty() || !context_.wanting_initiation.empty(); }

  AeadCalls aead_;
  std::uint8_t worker_;
  unsigned workers_;
  HandshakeGate& gate_;
  ShardContext context_;
  noise::CookieChecker cookie_checker_;
  AllowedIpsView routes_;
  TokenBucket icmp_bucket_;
  TokenBucket too_big_bucket_;  // of its own: a path's senders must learn of it whatever else has no way out
  TokenBucket narrow_path_bucket_;
  std::unordered_map<PublicKey, PeerId, PublicKeyHash> directory_;
  std::vector<std::unique_ptr<Peer>> peers_;     // by slot
  std::deque<QueuedHandshake> handshake_queue_;  // bounded by the gate
  std::size_t packets_since_advance_ = 0;        // of data
  HandshakeBudget handshake_budget_;
  bool is_own_turn_ = false;  // of our own initiations, not of what came
  std::vector<Handover> handovers_;

  // Scratch of one call, kept for its capacity.
  std::vector<PendingSeal> planned_seals_;
  std::vector<crypto::SealJob> seal_jobs_;
  std::vector<PendingOpen> pending_opens_;
  std::vector<crypto::OpenJob> open_jobs_;
};

}  // namespace wgu::tunnel
