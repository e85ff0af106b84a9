#pragma once
// What a shard's peers use of it: one set a worker, owned by the shard, outliving its peers.

#include <cstdint>
#include <deque>
#include <functional>

#include "crypto/aead.h"
#include "crypto/secret_slab.h"
#include "noise/handshake.h"
#include "noise/messages.h"
#include "tunnel/deadlines.h"
#include "tunnel/event_buffer.h"
#include "tunnel/index_table.h"
#include "tunnel/peer_id.h"
#include "values/handshake_secrets.h"
#include "wgu/host.h"
#include "wgu/packet.h"
#include "wgu/stats.h"
#include "wgu/tunnel.h"

namespace wgu::tunnel {

struct ShardContext {
  ShardContext(std::uint8_t worker, const Host& its_host, PacketPool& its_pool)
      : host(its_host), pool(its_pool), indices(worker, its_host.random), max_staged(its_pool.count() / 2) {}

  const Host& host;
  PacketPool& pool;
  IndexTable indices;
  // Of all peers together: peers that do not answer must not hold so many buffers that the others' traffic has none.
  std::size_t max_staged;
  crypto::SecretSlab identity_slab{sizeof(noise::Identity), 1};
  crypto::SecretSlab handshake_slab{sizeof(noise::PeerSecrets)};
  crypto::SecretSlab session_slab{sizeof(noise::SessionKeys)};
  crypto::Secret<noise::Identity> identity{identity_slab};
  Deadlines deadlines;
  Counters counters;
  EventBuffer events;
  std::function<void(const HandshakeSecrets&)> on_secrets;  // of a handshake message, before it is sent; empty: nobody listens
  std::deque<PeerId> wanting_initiation;                    // each peer at most once
  std::uint64_t jitter_state = 0;                           // seeded from Host; spreads retries, guards nothing
  Instant now{};                                            // of the latest call; what events are stamped with
  std::uint16_t mtu = 1420;
  PathPolicy path_policy;
  bool is_up = false;
  bool has_identity = false;  // a private key is set; asked with every packet, so that the key itself stays untouched

  void emit(Event event) noexcept {
    if (!events.is_wanted()) return;
    event.when = now;
    events.emit(event, counters);
  }
  // 0..kRekeyJitterMax. A linear congruential step (Knuth, MMIX): the data path asks for it with every packet.
  [[nodiscard]] Duration jitter() noexcept {
    jitter_state = jitter_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return noise::kRekeyJitterMax * static_cast<std::int64_t>(jitter_state >> 48) / 0xFFFF;
  }
};

// Whose datagram it was, for a send failure: packs into Datagram::tag.
struct SendTag {
  enum class Kind : std::uint8_t { kNobody, kData, kOwn };
  Kind kind = Kind::kNobody;
  PeerId peer;               // home is this shard
  std::uint8_t padding = 0;  // bytes, of kData

  // Of a datagram of `size` bytes, those of the inner packet.
  [[nodiscard]] std::size_t inner_size(std::size_t size) const noexcept {
    return kind == Kind::kData ? size - noise::kDataHeaderSize - crypto::kAeadTagSize - padding : 0;
  }

  [[nodiscard]] std::uint64_t pack() const noexcept {
    return static_cast<std::uint64_t>(kind) << 56 | static_cast<std::uint64_t>(padding) << 48 |
           static_cast<std::uint64_t>(peer.generation) << 32 | peer.slot;
  }
  static SendTag unpack(std::uint64_t tag, std::uint16_t home) noexcept {
    return {static_cast<Kind>(tag >> 56),
            {static_cast<std::uint32_t>(tag), home, static_cast<std::uint16_t>(tag >> 32)},
            static_cast<std::uint8_t>(tag >> 48)};
  }
};

}  // namespace wgu::tunnel
