#pragma once
// What one shard hands to another: work that belongs to a peer at home there.

#include <cstdint>
#include <memory>
#include <variant>

#include "noise/handshake.h"
#include "tunnel/peer.h"
#include "wgu/packet.h"

namespace wgu::tunnel {

// An inner packet whose route leads to `peer`.
struct RoutedPacket {
  PeerId peer;
  Packet packet;
};

// An initiation that landed elsewhere, with what was already computed (es and the static key).
struct RoutedInitiation {
  PeerId peer;
  noise::OpenedInitiation opened;
  Source source;
};

// What the network said of the way to `remote`, to whichever socket the kernel chose: for all, as anybody's peer may be there.
struct NarrowPath {
  Endpoint remote;
  std::size_t mtu = 0;
};

struct Handover {
  std::uint16_t worker = 0;
  // A Datagram: its receiver index belongs to that worker.
  std::variant<RoutedPacket, Datagram, std::unique_ptr<RoutedInitiation>, NarrowPath> work;
};

}  // namespace wgu::tunnel
