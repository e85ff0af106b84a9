#include <utility>

#include "wgu/telemetry.h"

namespace wgu {

Snapshot make_snapshot(DeviceStatus status, std::vector<Counters> workers) {
  Snapshot snapshot;
  snapshot.public_key = status.public_key;
  snapshot.workers = std::move(workers);
  snapshot.peers.reserve(status.peers.size());
  for (PeerStatus& peer : status.peers) {
    snapshot.peers.push_back({.public_key = peer.public_key,
                              .endpoint = peer.endpoint,
                              .allowed_ips = std::move(peer.allowed_ips),
                              .last_handshake = peer.last_handshake,
                              .rx_bytes = peer.rx_bytes,
                              .tx_bytes = peer.tx_bytes,
                              .path_mtu = peer.path_mtu,
                              .counters = peer.counters,
                              .drops = std::move(peer.drops),
                              .stages = {}});
  }
  return snapshot;
}

}  // namespace wgu
