#include "engine/peer_watches.h"

#include <algorithm>
#include <cerrno>

namespace wgu::engine {

Result<void> PeerWatches::set(const PublicKey& key, bool is_wanted, Crew& crew, const tunnel::Configuration& configuration) {
  const auto found = std::find_if(watches_.begin(), watches_.end(), [&key](const Watch& watch) { return watch.key == key; });
  if (is_wanted == (found != watches_.end())) return {};
  if (!is_wanted) {
    end(*found, crew);
    watches_.erase(found);
    return {};
  }
  if (watches_.size() == kMaxWatchedPeers) return Error{ENOSPC, std::to_string(kMaxWatchedPeers) + " peers are watched already"};
  watches_.push_back({key, {}, {}});
  enter(crew, configuration);
  return {};
}

void PeerWatches::leave(Crew& crew, const tunnel::Configuration& configuration) {
  for (Watch& watch : watches_) {
    if (configuration.find(watch.key) != watch.id) end(watch, crew);
  }
}

void PeerWatches::enter(Crew& crew, const tunnel::Configuration& configuration) {
  for (Watch& watch : watches_) {
    if (watch.id) continue;
    watch.id = configuration.find(watch.key);
    if (!watch.id) continue;
    watch.times = std::make_unique<WatchedPeer>();
    Worker& home = *crew.workers[watch.id->home];
    home.call([&watch, &home](tunnel::Shard& shard, io::Loop&) {
      tunnel::Peer& peer = *shard.find(*watch.id);
      peer.watch(true);
      watch.times->counters = &peer.counters();
      home.meter().watch(*watch.times);
    });
  }
}

void PeerWatches::end(Watch& watch, Crew& crew) {
  if (!watch.id) return;
  Worker& home = *crew.workers[watch.id->home];
  home.call([&watch, &home](tunnel::Shard& shard, io::Loop&) {
    home.meter().unwatch(*watch.times);
    shard.find(*watch.id)->watch(false);
  });
  watch.id.reset();
  watch.times.reset();
}

void PeerWatches::add_stages(std::vector<PeerSnapshot>& peers) const {
  for (const Watch& watch : watches_) {
    const auto peer = std::find_if(peers.begin(), peers.end(), [&watch](const PeerSnapshot& one) { return one.public_key == watch.key; });
    if (!watch.times || peer == peers.end()) continue;
    peer->stages.resize(kStageCount);
    for (std::size_t stage = 0; stage < kStageCount; ++stage) watch.times->stages[stage].add_to(peer->stages[stage]);
  }
}

}  // namespace wgu::engine
