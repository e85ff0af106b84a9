#pragma once
// A session's two keys and what is known of their use. Created by a completed handshake, used by one peer, erased with it.

#include <cstdint>

#include "crypto/secret_slab.h"
#include "noise/limits.h"
#include "noise/replay.h"

namespace wgu::noise {

struct SessionKeys {
  std::uint8_t send[32];
  std::uint8_t receive[32];
};

struct Keypair {
  crypto::Secret<SessionKeys> keys;
  std::uint32_t local_index = 0;   // in packets we receive
  std::uint32_t remote_index = 0;  // in packets we send
  Instant born{};
  bool is_initiator = false;       // did we begin this session's handshake?
  std::uint64_t next_counter = 0;  // of the next packet sent; 64 bits and never back
  ReplayWindow replay;

  // May packets still be sent (received) with it? Whitepaper 6.2: "no more packets after Reject-After-Time or
  // Reject-After-Messages".
  [[nodiscard]] bool can_send(Instant now) const noexcept {
    return now - born < kRejectAfterTime && next_counter < kRejectAfterMessages;
  }
  [[nodiscard]] bool can_receive(Instant now) const noexcept {
    return now - born < kRejectAfterTime && replay.greatest() < kRejectAfterMessages;
  }
  // After sending: is it time for the initiator (or, by message count, anyone) to renew?
  [[nodiscard]] bool wants_rekey_after_send(Instant now) const noexcept {
    return next_counter > kRekeyAfterMessages || (is_initiator && now - born >= kRekeyAfterTime);
  }
  [[nodiscard]] bool wants_rekey_after_receive(Instant now) const noexcept {
    return is_initiator && now - born >= kRefreshAfterReceive;
  }
};

}  // namespace wgu::noise
