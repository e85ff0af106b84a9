#pragma once
// A device in memory that follows device.h to the letter and in the plainest way, for what speaks the UAPI to it.

#include <algorithm>
#include <mutex>
#include <utility>

#include "wgu/device.h"

namespace wgu::control {

class FakeDevice {
 public:
  Result<void> apply(DeviceChange change) {
    const std::scoped_lock lock(mutex_);
    if (change.listen_port == kPortInUse) return Error{EADDRINUSE, "port in use"};
    if (change.private_key) {
      status_.private_key = std::move(*change.private_key);
      status_.public_key = status_.private_key.public_key();
    }
    if (change.listen_port) status_.listen_port = *change.listen_port;
    if (change.firewall_mark) status_.firewall_mark = *change.firewall_mark;
    if (change.replace_peers) status_.peers.clear();
    for (PeerChange& peer : change.peers) apply(peer);
    ++changes_;
    return {};
  }

  DeviceStatus status() {
    const std::scoped_lock lock(mutex_);
    DeviceStatus copy;
    copy.private_key = status_.private_key.copy();
    copy.public_key = status_.public_key;
    copy.listen_port = status_.listen_port;
    copy.firewall_mark = status_.firewall_mark;
    for (const PeerStatus& peer : status_.peers) {
      PeerStatus& mine = copy.peers.emplace_back();
      mine.public_key = peer.public_key;
      mine.preshared_key = peer.preshared_key.copy();
      mine.endpoint = peer.endpoint;
      mine.persistent_keepalive = peer.persistent_keepalive;
      mine.allowed_ips = peer.allowed_ips;
      mine.last_handshake = peer.last_handshake;
      mine.rx_bytes = peer.rx_bytes;
      mine.tx_bytes = peer.tx_bytes;
    }
    return copy;
  }

  /// How many changes were applied.
  [[nodiscard]] int changes() {
    const std::scoped_lock lock(mutex_);
    return changes_;
  }

  /// Traffic and a handshake, as if they had happened.
  void simulate_traffic(const PublicKey& key, WallTime handshake, std::uint64_t rx_bytes, std::uint64_t tx_bytes) {
    const std::scoped_lock lock(mutex_);
    for (PeerStatus& peer : status_.peers) {
      if (peer.public_key != key) continue;
      peer.last_handshake = handshake;
      peer.rx_bytes = rx_bytes;
      peer.tx_bytes = tx_bytes;
    }
  }

  static constexpr std::uint16_t kPortInUse = 666;

 private:
  void apply(PeerChange& change) {
    auto peer = std::find_if(status_.peers.begin(), status_.peers.end(),
                             [&](const PeerStatus& candidate) { return candidate.public_key == change.public_key; });
    if (change.remove) {
      if (peer != status_.peers.end()) status_.peers.erase(peer);
      return;
    }
    if (peer == status_.peers.end()) {
      if (change.update_only) return;
      status_.peers.emplace_back().public_key = change.public_key;
      peer = std::prev(status_.peers.end());
    }
    if (change.preshared_key) peer->preshared_key = std::move(*change.preshared_key);
    if (change.endpoint) peer->endpoint = *change.endpoint;
    if (change.persistent_keepalive) peer->persistent_keepalive = *change.persistent_keepalive;
    if (change.replace_allowed_ips) peer->allowed_ips.clear();
    const bool has_few_peers = status_.peers.size() < 10;  // moving a block is quadratic here, and large tests move none
    for (const AllowedIpChange& allowed_ip : change.allowed_ips) {
      if (allowed_ip.remove) {
        std::erase(peer->allowed_ips, allowed_ip.prefix);
        continue;
      }
      if (has_few_peers && change.allowed_ips.size() < 1000) {
        for (PeerStatus& other : status_.peers) std::erase(other.allowed_ips, allowed_ip.prefix);
      }
      peer->allowed_ips.push_back(allowed_ip.prefix);
    }
  }

  std::mutex mutex_;
  DeviceStatus status_;
  int changes_ = 0;
};

}  // namespace wgu::control
