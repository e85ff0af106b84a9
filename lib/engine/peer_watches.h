#pragma once
// Peers that somebody wants to know more of: for each, drops by reason (counted by the peer) and stage times (by its home's meter). A watch
// is for a key, and lasts while its peer comes and goes. Control side: under the engine's mutex.

#include <memory>
#include <optional>
#include <vector>

#include "engine/worker.h"
#include "tunnel/configuration.h"

namespace wgu::engine {

class PeerWatches {
 public:
  // \errors ENOSPC
  Result<void> set(const PublicKey& key, bool is_wanted, Crew& crew, const tunnel::Configuration& configuration);

  // Around what workers apply: leave() while peers that the configuration no longer has are still there, enter() once the new ones are.
  void leave(Crew& crew, const tunnel::Configuration& configuration);
  void enter(Crew& crew, const tunnel::Configuration& configuration);

  void add_stages(std::vector<PeerSnapshot>& peers) const;

 private:
  struct Watch {
    PublicKey key;
    std::optional<tunnel::PeerId> id;  // where it is watched; none: there is no such peer
    std::unique_ptr<WatchedPeer> times;
  };
  static void end(Watch& watch, Crew& crew);

  std::vector<Watch> watches_;
};

}  // namespace wgu::engine
