// A shard's peers, configuration and timers; the flows stand in outbound.cc, inbound.cc and handshakes.cc.
#include "tunnel/shard.h"

#include <cstring>
#include <utility>

namespace wgu::tunnel {
namespace {

// ICMP errors to inner senders; the kernel's own default is one in 100 ms a destination (icmp_ratelimit) after a burst.
constexpr unsigned kIcmpPerSecond = 100;
constexpr unsigned kIcmpBurst = 50;
// Reports of narrow paths, which strangers can forge and of which each is looked up among all peers.
constexpr unsigned kNarrowPathsPerSecond = 100;
constexpr unsigned kNarrowPathBurst = 50;

std::uint64_t random_seed(const Host& host) {
  std::array<std::uint8_t, 8> bytes;
  host.random(bytes);
  return noise::load64(bytes.data());
}

}  // namespace

std::size_t PublicKeyHash::operator()(const PublicKey& key) const noexcept {
  // A Curve25519 point chosen by a configured peer; its low bytes are as good as random.
  return static_cast<std::size_t>(noise::load64(key.bytes.data()));
}

Shard::Shard(std::uint8_t worker, std::uint16_t mtu, unsigned workers, const Host& host, HandshakeGate& gate, PacketPool& pool)
    : worker_(worker),
      workers_(workers),
      gate_(gate),
      context_(worker, host, pool),
      cookie_checker_(gate.cookie_secret()),
      icmp_bucket_(kIcmpPerSecond, kIcmpBurst),
      too_big_bucket_(kIcmpPerSecond, kIcmpBurst),
      narrow_path_bucket_(kNarrowPathsPerSecond, kNarrowPathBurst) {
  context_.mtu = mtu;
  context_.jitter_state = random_seed(host);
}

Shard::~Shard() {
  for (std::size_t i = 0; i < handshake_queue_.size(); ++i) gate_.leave();
}

Peer* Shard::find(PeerId id) const noexcept {
  if (id.slot >= peers_.size()) return nullptr;
  Peer* peer = peers_[id.slot].get();
  return peer != nullptr && peer->id() == id ? peer : nullptr;
}

// --- Between shards --------------------------------------------------------------------------------------------------------

void Shard::handover_failed(Handover handover) {
  if (std::holds_alternative<RoutedPacket>(handover.work)) {
    --context_.counters.outbound_forwarded;
    context_.counters.drop(Drop::kOutMailboxFull);
  } else if (!std::holds_alternative<NarrowPath>(handover.work)) {  // no packet; the next too large one brings another

    --context_.counters.inbound_forwarded;
    context_.counters.drop(Drop::kInMailboxFull);
  }
}

void Shard::adopt(std::span<Handover> handovers, Instant now, TunnelOutput& output) {
  context_.now = now;
  for (Handover& handover : handovers) {
    if (auto* routed = std::get_if<RoutedPacket>(&handover.work)) {
      ++context_.counters.outbound_adopted;
      Peer* peer = find(routed->peer);
      if (peer == nullptr || !context_.is_up || !context_.has_identity) {
        context_.counters.drop(peer == nullptr ? Drop::kOutPeerRemoved : Drop::kOutNoIdentity);
        continue;
      }
      const std::uint8_t traffic_class = parse_outbound(routed->packet.bytes())->traffic_class;  // parsed where it was routed
      send_to(*peer, std::move(routed->packet), traffic_class, now, output);
    } else if (auto* datagram = std::get_if<Datagram>(&handover.work)) {
      ++context_.counters.inbound_adopted;
      classify(std::move(*datagram), now);
    } else if (const auto* path = std::get_if<NarrowPath>(&handover.work)) {
      narrow_own(*path, now);
    } else {
      ++context_.counters.inbound_adopted;
      enqueue_opened(std::move(std::get<std::unique_ptr<RoutedInitiation>>(handover.work)));
    }
  }
  seal_planned(now, output);
  open_classified(now, output);
}

// --- Path MTUs -------------------------------------------------------------------------------------------------------------

void Shard::answer_path(const PathQuestion& question, std::size_t mtu, Instant now) {
  Peer* peer = find(SendTag::unpack(question.tag, worker_).peer);
  if (peer == nullptr || peer->endpoint() != question.remote) return;
  context_.now = now;
  peer->path().learn(question.remote.address.family, mtu, now);
  peer->tell_path_mtu();
}

void Shard::narrow_path(const Endpoint& remote, std::size_t mtu, Instant now) {
  if (!context_.path_policy.discover_mtu || !narrow_path_bucket_.admit(now)) return;
  const NarrowPath path{remote, mtu};
  narrow_own(path, now);
  for (unsigned worker = 0; worker < workers_; ++worker) {
    if (worker != worker_) handovers_.push_back({static_cast<std::uint16_t>(worker), path});
  }
}

void Shard::narrow_own(const NarrowPath& path, Instant now) {
  context_.now = now;
  for (const auto& peer : peers_) {
    if (peer == nullptr || peer->endpoint() != path.remote) continue;
    if (peer->path().narrow(path.remote.address.family, path.mtu, now)) ++context_.counters.paths_narrowed;
    peer->tell_path_mtu();
  }
}

// --- Time ------------------------------------------------------------------------------------------------------------------

void Shard::advance(Instant now, TunnelOutput& output) {
  context_.now = now;
  while (!context_.deadlines.empty() && context_.deadlines.top().when <= now) {
    Peer& peer = *peers_[context_.deadlines.top().slot];
    if (!peer.expire_timers(now)) continue;
    send_keepalive(peer, now);
    seal_planned(now, output);  // before a timer may erase the keys that it is sealed with
  }
  run_handshakes(now, output);
}

Instant Shard::next_deadline() {
  Instant next = has_handshake_work() ? handshake_budget_.next_credit() : kNever;
  while (!context_.deadlines.empty()) {
    const auto [slot, when] = context_.deadlines.top();
    const Instant exact = peers_[slot]->next_deadline();
    if (exact == when) return std::min(when, next);
    context_.deadlines.set(slot, exact);
  }
  return next;
}

// --- Configuration ---------------------------------------------------------------------------------------------------------

void Shard::apply(ShardAdditions additions, Instant now) {
  context_.now = now;
  for (const auto& [key, id] : additions.directory) directory_[key] = id;
  // The same key again (wg setconf) changes nothing: sessions live on.
  if (additions.private_key && !additions.private_key->equals(context_.identity->private_key)) {
    context_.has_identity = !additions.private_key->is_zero();
    context_.identity->public_key = context_.has_identity ? additions.private_key->public_key() : PublicKey{};
    context_.identity->private_key = std::move(*additions.private_key);
    cookie_checker_.set_public_key(context_.identity->public_key);
    for (auto& peer : peers_) {
      if (peer == nullptr) continue;
      peer->identity_changed();
      peer->start(now);
    }
  }
  for (PeerUpdate& update : additions.peers) {
    if (update.id.slot >= peers_.size()) peers_.resize(update.id.slot + 1);
    auto& peer = peers_[update.id.slot];
    if (update.is_new) peer = std::make_unique<Peer>(update.id, update.public_key, context_);
    if (peer == nullptr || peer->id() != update.id) continue;
    if (update.preshared_key) peer->set_preshared(*update.preshared_key);
    if (update.endpoint) peer->set_endpoint(*update.endpoint, now);
    if (update.persistent_keepalive) peer->set_persistent_keepalive(*update.persistent_keepalive, now);
  }
}

void Shard::apply(const ShardRemovals& removals) {
  routes_ = removals.routes;
  for (const auto& [key, id] : removals.directory) {
    if (const auto entry = directory_.find(key); entry != directory_.end() && entry->second == id) directory_.erase(entry);
    if (id.home == worker_ && find(id) != nullptr) peers_[id.slot].reset();
  }
}

void Shard::set_up(bool is_up, Instant now) {
  context_.now = now;
  if (context_.is_up == is_up) return;
  context_.is_up = is_up;
  for (auto& peer : peers_) {
    if (peer == nullptr) continue;
    is_up ? peer->start(now) : peer->stop();
  }
}

void Shard::fill(PeerId id, PeerStatus& status) const {
  if (const Peer* peer = find(id); peer != nullptr) peer->fill(status);
}

}  // namespace wgu::tunnel
