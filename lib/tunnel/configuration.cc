// check() finds all that can be wrong with a change; commit() then cannot fail half-way. Order within a change, as wg expects it:
// private key (which removes a peer of that key), replace_peers, then the peers in turn.
#include "tunnel/configuration.h"

#include <algorithm>
#include <cerrno>
#include <unordered_set>
#include <utility>

namespace wgu::tunnel {
namespace {

std::uint64_t slot_key(PeerId id) noexcept { return static_cast<std::uint64_t>(id.home) << 32 | id.slot; }

bool is_sound(const Prefix& prefix) noexcept {
  return prefix.address.family != Family::kNone && prefix.length <= prefix.address.bits() &&
         Prefix::masked(prefix.address, prefix.length) == prefix;
}

}  // namespace

Configuration::Configuration(unsigned shards) : shards_(shards) {}

Result<void> Configuration::check(const DeviceChange& change) const {
  std::unordered_set<PublicKey, PublicKeyHash> added;
  for (const PeerChange& peer : change.peers) {
    if (peer.endpoint && (!peer.endpoint->is_set() || peer.endpoint->port == 0)) {
      return Error{EINVAL, "peer " + peer.public_key.base64() + ": endpoint " + peer.endpoint->to_string() + " has no address or port"};
    }
    for (const AllowedIpChange& allowed : peer.allowed_ips) {
      if (!is_sound(allowed.prefix)) {
        return Error{EINVAL, "peer " + peer.public_key.base64() + ": allowed IP " + allowed.prefix.to_string() + " is no address block"};
      }
    }
    if (!peer.remove && !peer.update_only && (change.replace_peers || !peers_.contains(peer.public_key))) added.insert(peer.public_key);
  }
  // An upper bound: removals within the same change are not credited.
  const std::size_t kept = change.replace_peers ? 0 : peers_.size();
  if (kept + added.size() > kMaxPeers) {
    return Error{ENOSPC,
                 "the device would have " + std::to_string(kept + added.size()) + " peers; the limit is " + std::to_string(kMaxPeers)};
  }
  return {};
}

Configuration::Commit Configuration::commit(DeviceChange change) {
  Commit commit{std::vector<ShardAdditions>(shards_.size()), std::vector<ShardRemovals>(shards_.size()), {}};
  if (change.listen_port) listen_port_ = *change.listen_port;
  if (change.firewall_mark) firewall_mark_ = *change.firewall_mark;
  if (change.private_key) {
    own_public_key_.reset();
    if (!change.private_key->is_zero()) {
      change.private_key->clamp();
      own_public_key_ = change.private_key->public_key();
    }
    if (own_public_key_) remove_peer(*own_public_key_, commit);
    for (ShardAdditions& shard : commit.additions) shard.private_key = change.private_key->copy();
  }
  if (change.replace_peers) {
    while (!by_age_.empty()) remove_peer(PublicKey(by_age_.begin()->second), commit);
  }
  for (PeerChange& peer : change.peers) {
    if (peer.public_key == own_public_key_) continue;
    if (peer.remove) {
      remove_peer(peer.public_key, commit);
      continue;
    }
    const auto existing = peers_.find(peer.public_key);
    if (existing == peers_.end() && peer.update_only) continue;
    const bool is_new = existing == peers_.end();
    PeerRecord& record = is_new ? add_peer(peer.public_key, commit) : existing->second;
    commit.additions[record.id.home].peers.push_back(
        {record.id, peer.public_key, is_new, std::move(peer.preshared_key), peer.endpoint, peer.persistent_keepalive});
    change_allowed_ips(record, peer, commit);
  }
  const AllowedIpsView routes = allowed_ips_.publish();
  for (ShardRemovals& shard : commit.removals) shard.routes = routes;
  return commit;
}

void Configuration::reclaim() noexcept {
  allowed_ips_.reclaim();
  for (const PeerId id : vacated_) shards_[id.home].free.push_back(id.slot);
  vacated_.clear();
}

std::optional<PeerId> Configuration::find(const PublicKey& key) const {
  const auto entry = peers_.find(key);
  return entry == peers_.end() ? std::nullopt : std::optional(entry->second.id);
}

Configuration::PeerRecord& Configuration::add_peer(const PublicKey& key, Commit& commit) {
  PeerRecord& record = peers_[key];
  record.id = take_slot();
  record.age = next_age_++;
  by_age_[record.age] = key;
  keys_by_slot_[slot_key(record.id)] = key;
  for (ShardAdditions& shard : commit.additions) shard.directory.emplace_back(key, record.id);
  return record;
}

void Configuration::remove_peer(const PublicKey& key, Commit& commit) {
  const auto entry = peers_.find(key);
  if (entry == peers_.end()) return;
  PeerRecord& record = entry->second;
  take_allowed_ips(record, commit);
  for (ShardRemovals& shard : commit.removals) shard.directory.emplace_back(key, record.id);
  // The slot is not free before the shards have removed its tenant: in this commit a new peer takes another.
  vacated_.push_back(record.id);
  --shards_[record.id.home].in_use;
  keys_by_slot_.erase(slot_key(record.id));
  by_age_.erase(record.age);
  peers_.erase(entry);
}

void Configuration::note_home(const Prefix& prefix, std::optional<std::uint16_t> home, Commit& commit) const {
  if (tells_homes_) commit.homes.push_back({prefix, home});
}

std::vector<Prefix> Configuration::allowed_ips_of(const PeerRecord& record) const {
  std::vector<Prefix> blocks = record.allowed_ips.sorted();
  if (record.allowed_ips.has_stale()) {
    blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
    std::erase_if(blocks, [&](const Prefix& block) { return allowed_ips_.owner(block) != record.id; });
  }
  return blocks;
}

void Configuration::take_allowed_ips(PeerRecord& record, Commit& commit) {
  for (const Prefix& block : record.allowed_ips.sorted()) {
    if (allowed_ips_.remove(block, record.id)) note_home(block, std::nullopt, commit);
  }
  record.allowed_ips = {};
}

void Configuration::note_taken(PeerRecord& record) {
  if (!record.allowed_ips.note_stale()) return;
  BlockList packed;
  for (const Prefix& block : allowed_ips_of(record)) packed.add(block);
  record.allowed_ips = std::move(packed);
}

void Configuration::change_allowed_ips(PeerRecord& record, const PeerChange& change, Commit& commit) {
  if (change.replace_allowed_ips) take_allowed_ips(record, commit);
  if (record.allowed_ips.empty()) {
    std::size_t packed = 0;
    for (const AllowedIpChange& allowed : change.allowed_ips) packed += allowed.remove ? 0 : BlockList::packed_size(allowed.prefix);
    record.allowed_ips.reserve(packed);
  }
  for (const AllowedIpChange& allowed : change.allowed_ips) {
    if (allowed.remove) {
      if (!allowed_ips_.remove(allowed.prefix, record.id)) continue;
      note_taken(record);
      note_home(allowed.prefix, std::nullopt, commit);
      continue;
    }
    const PeerId before = allowed_ips_.insert(allowed.prefix, record.id);
    if (before == record.id) continue;
    if (before.is_set()) note_taken(peers_.at(keys_by_slot_.at(slot_key(before))));
    record.allowed_ips.add(allowed.prefix);
    if (!before.is_set() || before.home != record.id.home) note_home(allowed.prefix, record.id.home, commit);
  }
}

// The shard with the fewest peers gets the next one: homes spread evenly whatever the keys.
PeerId Configuration::take_slot() {
  std::size_t home = 0;
  for (std::size_t i = 1; i < shards_.size(); ++i) {
    if (shards_[i].in_use < shards_[home].in_use) home = i;
  }
  Slots& slots = shards_[home];
  ++slots.in_use;
  std::uint32_t slot = static_cast<std::uint32_t>(slots.generations.size());
  if (!slots.free.empty()) {
    slot = slots.free.back();
    slots.free.pop_back();
  } else {
    slots.generations.push_back(0);
  }
  return {slot, static_cast<std::uint16_t>(home), ++slots.generations[slot]};
}

}  // namespace wgu::tunnel
