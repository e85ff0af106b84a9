#pragma once
// Who cost how much of a batch: packets of several peers are sealed or opened together, and each peer's share of the time is that of
// its bytes.

#include <cstddef>
#include <cstdint>

#include "wgu/time.h"

namespace wgu::tunnel {

// Calls tell(peer, packets, bytes, time) for each run of packets of one peer, in order; not for packets whose peer is null.
template <class PeerAt, class BytesAt, class Tell>
void divide_among_peers(std::size_t packets, Duration took, PeerAt peer_at, BytesAt bytes_at, Tell tell) {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < packets; ++i) all += bytes_at(i);
  for (std::size_t begin = 0, end = 0; begin < packets; begin = end) {
    const auto peer = peer_at(begin);
    std::uint64_t bytes = 0;
    for (end = begin; end < packets && peer_at(end) == peer; ++end) bytes += bytes_at(end);
    // Bytes are sizes of packets and time is that of a batch: the product stays far below 2^63.
    if (peer != nullptr)
      tell(*peer, end - begin, bytes,
           all == 0 ? Duration::zero() : took * static_cast<std::int64_t>(bytes) / static_cast<std::int64_t>(all));
  }
}

}  // namespace wgu::tunnel
