#pragma once
// What decrypts a handshake and the session that comes of it, for a key log: handed out where the message is made, before it is sent.

#include <cstdint>
#include <span>

#include "wgu/key.h"

namespace wgu {

// Borrowed for the duration of one call; who keeps any of it keeps a secret, and erases it.
struct HandshakeSecrets {
  std::span<const std::uint8_t, kKeySize> local_static_private;
  std::span<const std::uint8_t, kKeySize> local_ephemeral_private;  // of this handshake, as initiator or responder
  std::span<const std::uint8_t, kKeySize> preshared;                // all zero: none
  PublicKey remote_static;
};

}  // namespace wgu
