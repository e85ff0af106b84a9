#pragma once
// A device's configuration as its writer sees it: which peers there are, where they are at home, and which allowed IPs they
// have. A change is checked whole, then committed; the result are the updates of each shard, in two steps (shard.h).

#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "tunnel/allowed_ips.h"
#include "tunnel/block_list.h"
#include "tunnel/shard.h"
#include "wgu/device.h"

namespace wgu::tunnel {

class Configuration {
 public:
  // Where packets to these destinations are at home from now on; none: nowhere.
  struct HomeChange {
    Prefix prefix;
    std::optional<std::uint16_t> home;
  };
  struct Commit {
    std::vector<ShardAdditions> additions;  // one a shard; every shard applies these first
    std::vector<ShardRemovals> removals;    // then these; then reclaim()
    std::vector<HomeChange> homes;          // for whoever steers packets of the device to their home (tell_homes), in this order
  };

  explicit Configuration(unsigned shards);

  // Whether commits tell of homes; not unless asked: a million prefixes make a long list.
  void tell_homes(bool are_wanted) noexcept { tells_homes_ = are_wanted; }

  // Would commit() succeed? \errors EINVAL (a prefix or endpoint that is none), ENOSPC (more than kMaxPeers)
  [[nodiscard]] Result<void> check(const DeviceChange& change) const;
  // \pre check(change). listen_port and firewall_mark are the caller's to act on; they are only noted for status().
  [[nodiscard]] Commit commit(DeviceChange change);
  // All shards have applied the last commit's removals.
  void reclaim() noexcept;

  // What is known here; `fill` adds what a peer's home knows (Shard::fill). The private key is the caller's to add.
  template <class Fill>
  [[nodiscard]] DeviceStatus status(Fill&& fill) const {
    DeviceStatus status;
    status.public_key = own_public_key_.value_or(PublicKey{});
    status.listen_port = listen_port_;
    status.firewall_mark = firewall_mark_;
    status.peers.reserve(by_age_.size());
    for (const auto& [age, key] : by_age_) {
      const PeerRecord& record = peers_.at(key);
      PeerStatus& peer = status.peers.emplace_back();
      peer.public_key = key;
      fill(record.id, peer);
      peer.allowed_ips = allowed_ips_of(record);
    }
    return status;
  }

  void set_listen_port(std::uint16_t port) noexcept { listen_port_ = port; }  // the one that was bound
  [[nodiscard]] std::uint16_t listen_port() const noexcept { return listen_port_; }
  [[nodiscard]] std::uint32_t firewall_mark() const noexcept { return firewall_mark_; }
  [[nodiscard]] std::size_t peer_count() const noexcept { return peers_.size(); }
  [[nodiscard]] std::optional<PeerId> find(const PublicKey& key) const;

 private:
  struct PeerRecord {
    PeerId id;
    std::uint64_t age = 0;
    BlockList allowed_ips;
  };
  struct Slots {  // of one shard
    std::vector<std::uint16_t> generations;
    std::vector<std::uint32_t> free;
    std::size_t in_use = 0;
  };

  PeerRecord& add_peer(const PublicKey& key, Commit& commit);
  void remove_peer(const PublicKey& key, Commit& commit);
  void note_home(const Prefix& prefix, std::optional<std::uint16_t> home, Commit& commit) const;
  [[nodiscard]] std::vector<Prefix> allowed_ips_of(const PeerRecord& record) const;  // sorted
  void take_allowed_ips(PeerRecord& record, Commit& commit);                         // all of them
  void note_taken(PeerRecord& record);                                               // one of them
  void change_allowed_ips(PeerRecord& record, const PeerChange& change, Commit& commit);
  [[nodiscard]] PeerId take_slot();

  AllowedIps allowed_ips_;
  std::unordered_map<PublicKey, PeerRecord, PublicKeyHash> peers_;
  std::map<std::uint64_t, PublicKey> by_age_;
  std::vector<Slots> shards_;
  std::vector<PeerId> vacated_;  // by the last commit; free after reclaim()
  std::unordered_map<std::uint64_t, PublicKey> keys_by_slot_;  // home and slot -> key, for blocks that move between peers
  std::uint64_t next_age_ = 0;
  bool tells_homes_ = false;
  std::optional<PublicKey> own_public_key_;
  std::uint16_t listen_port_ = 0;
  std::uint32_t firewall_mark_ = 0;
};

}  // namespace wgu::tunnel
