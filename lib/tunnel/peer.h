#pragma once
// One peer: its handshake, sessions, timers, staged packets and endpoint. Decisions come from below (noise/); this is where
// they become messages. Touched by its home shard only.

#include <array>
#include <cstdint>
#include <memory>

#include "noise/cookie.h"
#include "noise/handshake.h"
#include "noise/timers.h"
#include "tunnel/path_mtu.h"
#include "tunnel/peer_id.h"
#include "tunnel/sessions.h"
#include "tunnel/shard_context.h"
#include "tunnel/staged_queue.h"
#include "wgu/device.h"
#include "wgu/tunnel.h"

namespace wgu::tunnel {

// Where an authenticated message came from: what roaming follows.
struct Source {
  Endpoint remote;
  LocalAddress local;
};

class Peer {
 public:
  Peer(PeerId id, const PublicKey& public_key, ShardContext& context);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  [[nodiscard]] PeerId id() const noexcept { return id_; }
  [[nodiscard]] const PublicKey& public_key() const noexcept { return handshake_.remote_static(); }

  // --- Configuration -------------------------------------------------------------------------------------------------------
  void identity_changed();  // derives anew; nothing more is sent under the old sessions
  void set_preshared(const PresharedKey& key) noexcept { handshake_.set_preshared(key); }
  void set_endpoint(const Endpoint& endpoint, Instant now);
  void forget_local_address() noexcept { local_ = {}; }
  void set_persistent_keepalive(std::uint16_t seconds, Instant now);
  void start(Instant now);  // the interface went up, or a private key is set: persistent keepalives begin
  void stop();              // ... or down: sessions end, staged packets drop
  void fill(PeerStatus& status) const;
  void watch(bool is_watched);  // count drops by reason

  // --- Counting ------------------------------------------------------------------------------------------------------------
  [[nodiscard]] const PeerCounters& counters() const noexcept { return counters_; }
  void count_drop(Drop reason) noexcept {  // a packet of this peer's; of the shard's counters too
    context_.counters.drop(reason);
    note_drop(reason);
  }
  void note_drop(Drop reason) noexcept {  // ... which is in them already
    if (drops_ != nullptr) ++(*drops_)[static_cast<std::size_t>(reason)];
  }

  // --- Outbound ------------------------------------------------------------------------------------------------------------
  [[nodiscard]] bool has_endpoint() const noexcept { return endpoint_.is_set(); }
  [[nodiscard]] bool has_usable_key() const noexcept { return handshake_.is_usable(); }
  // The keypair for the next packet; none: stage it.
  [[nodiscard]] noise::Keypair* sending_keypair(Instant now) const noexcept;
  void stage(Packet packet);  // drops the oldest beyond kMaxStagedPackets, or beyond what all peers may stage
  [[nodiscard]] Packet take_staged() noexcept;
  [[nodiscard]] std::size_t staged() const noexcept { return staged_.size(); }
  // A sealed packet leaves: addresses it, moves timers and counters. `is_keepalive`: nothing was inside; else `padding` bytes of it.
  [[nodiscard]] Datagram address_sealed(Packet packet, std::uint8_t traffic_class, bool is_keepalive, std::uint8_t padding,
                                        const noise::Keypair& keypair, Instant now);
  void keepalive_not_sent(Instant now);  // no buffer: a persistent one is tried again an interval later
  // What was counted as sent was not: `size` bytes of datagram, with `inner` bytes of packet in it if it was data.
  void send_failed(const SendTag& sent, std::size_t size, std::size_t inner, Drop reason) noexcept;
  // The way to the endpoint; known only where the shard is told to discover it.
  [[nodiscard]] PathMtu& path() noexcept { return path_; }
  void tell_path_mtu() noexcept;  // an event, if it is another than was told last
  [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }

  // --- Inbound -------------------------------------------------------------------------------------------------------------
  // An authenticated, fresh packet of `size` bytes arrived under `keypair`. True when it confirmed a session: flush().
  [[nodiscard]] bool data_authenticated(noise::Keypair* keypair, const Source& source, Instant now);
  void data_received(Instant now);  // ... and it was no keepalive
  void count_received(std::size_t size) noexcept { rx_bytes_ += size; }
  void count_delivered(std::size_t inner) noexcept {
    ++counters_.data_packets_received;
    counters_.data_bytes_received += inner;
  }

  // --- Handshakes ----------------------------------------------------------------------------------------------------------
  // kAccepted: the response is in `output`.
  [[nodiscard]] noise::Handshake::Verdict accept_initiation(const noise::OpenedInitiation& opened, const Source& source,
                                                            Instant now, TunnelOutput& output);
  // kAccepted: a session has begun; flush() or, with nothing staged, a keepalive confirms it.
  [[nodiscard]] noise::Handshake::Verdict consume_response(std::span<const std::uint8_t, noise::kResponseSize> message,
                                                           const Source& source, Instant now);
  [[nodiscard]] bool consume_cookie_reply(std::span<const std::uint8_t, noise::kCookieReplySize> reply, Instant now);
  // Asks the shard for an initiation soon, unless one went out within Rekey-Timeout; `is_retry` keeps counting attempts. The cause
  // counts where this begins a handshake.
  void want_initiation(bool is_retry, Instant now, RekeyCause cause = RekeyCause::kNoSession);
  [[nodiscard]] bool wants_initiation() const noexcept { return wants_initiation_; }
  // Does what want_initiation asked for (about 100 us).
  void send_initiation(Instant now, TunnelOutput& output);

  // --- Timers --------------------------------------------------------------------------------------------------------------
  [[nodiscard]] Instant next_deadline() const noexcept { return timers_.next(); }
  // Acts on what is due. True when a keepalive is to be sent now: the caller seals an empty packet.
  [[nodiscard]] bool expire_timers(Instant now);

 private:
  void roam_to(const Source& source) noexcept;
  void authenticated_received(Instant now);
  void begin_handshake_for(RekeyCause cause) noexcept;
  void complete_handshake(bool is_initiator, Instant now);
  void tell_secrets(const crypto::SecretBytes& ephemeral) const;
  void give_up_handshake();
  void erase_sessions();
  void tell_retired(const noise::Keypair& keypair) noexcept;
  [[nodiscard]] Event event(EventKind kind) const noexcept;  // of this peer, at its endpoint
  [[nodiscard]] bool begin_session(Instant now, std::uint32_t index);  // false: no memory for keys, and no session
  void drop_staged(Drop reason) noexcept;
  void forget_handshake() noexcept;
  void forget_handshake_index() noexcept;
  [[nodiscard]] Datagram address_handshake(Packet packet);
  [[nodiscard]] Packet take_message(std::size_t size) noexcept;
  void touch();  // the shard's deadlines learn of an earlier one

  PeerId id_;
  ShardContext& context_;
  noise::Handshake handshake_;
  noise::CookieJar cookies_;
  noise::Timers timers_;
  Sessions sessions_;
  StagedQueue staged_;
  Endpoint endpoint_;
  LocalAddress local_;
  PathMtu path_;
  std::uint16_t told_path_mtu_ = 0;
  std::uint64_t rx_bytes_ = 0;
  std::uint64_t tx_bytes_ = 0;
  PeerCounters counters_;
  std::unique_ptr<std::array<std::uint64_t, kDropCount>> drops_;  // while it is watched
  WallTime last_handshake_;
  WallTime last_initiation_wall_;  // of the last initiation sent: the peer refuses what is not later
  Instant handshake_message_sent_{};  // our last initiation or response
  std::uint16_t persistent_keepalive_ = 0;  // seconds
  bool has_handshake_index_ = false;
  std::uint32_t handshake_index_ = 0;
  bool wants_initiation_ = false;
  bool is_handshaking_ = false;  // an initiation is on its way that was neither answered nor given up
  bool has_new_identity_ = false;  // since the last handshake
  RekeyCause cause_ = RekeyCause::kNoSession;  // of the handshake that is wanted
};

}  // namespace wgu::tunnel
