#pragma once
// Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s as WireGuard uses it (whitepaper 5.4.1 to 5.4.5). Each step consumes one message or
// creates one; MAC1 and MAC2 are cookie.h's. No step keeps what it did not authenticate.
//
//   initiator: kZeroed -- create_initiation --> kInitiationCreated -- consume_response --> kResponseConsumed -- begin_session --> kZeroed
//   responder: kZeroed -- accept_initiation --> kInitiationConsumed -- create_response --> kResponseCreated -- begin_session --> kZeroed
//
// A failed consume leaves the state as it was.

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "crypto/secret_slab.h"
#include "noise/keypair.h"
#include "noise/messages.h"
#include "noise/transcript.h"
#include "wgu/key.h"
#include "wgu/time.h"

namespace wgu::noise {

inline constexpr std::size_t kTimestampSize = 12;
using Timestamp = std::array<std::uint8_t, kTimestampSize>;  // TAI64N; ordered as bytes

// TAI64N of `wall`, whitened: the low 24 bits of the nanoseconds are cleared (about 16 ms), so that it tells no fine clock.
Timestamp tai64n(WallTime wall) noexcept;

// The state before the first message to `responder`: construction, identifier, responder's static key (whitepaper 5.4.2).
Transcript begin_transcript(const PublicKey& responder) noexcept;

// Our side: one private key a device.
struct Identity {
  PrivateKey private_key;  // all zero: none set; no handshake can be made or answered
  PublicKey public_key;
};

// What both steps with one peer need. Lies in a slab.
struct PeerSecrets {
  std::uint8_t static_static[32];  // DH(our static private, their static public), once a handshake has needed it
  std::uint8_t preshared[32];
  std::uint8_t ephemeral_private[32];  // of the handshake under way, as initiator
  Transcript transcript;               // of the handshake under way
};

// An initiation whose sender's static key is authenticated so far as the message can be without knowing the peer: the work of
// whichever worker it landed on. The peer's home continues with accept_initiation.
struct OpenedInitiation {
  PublicKey remote_static;
  std::array<std::uint8_t, 32> remote_ephemeral{};
  std::array<std::uint8_t, kTimestampSize + 16> sealed_timestamp{};
  std::uint32_t sender_index = 0;
  Transcript transcript;
};

// First half of consuming an initiation: ephemeral, es, static. Nothing when the message does not authenticate, or the shared
// secret is all zero. \pre message.size() == kInitiationSize, identity has a private key
std::optional<OpenedInitiation> open_initiation(const Identity& identity, std::span<const std::uint8_t> message) noexcept;

class Handshake {
 public:
  enum class State : std::uint8_t { kZeroed, kInitiationCreated, kInitiationConsumed, kResponseCreated, kResponseConsumed };
  enum class Verdict : std::uint8_t { kAccepted, kInvalid, kReplayedTimestamp, kFlood, kUnexpected };

  Handshake(crypto::SecretSlab& slab, const PublicKey& remote_static);

  // Forgets a handshake under way and what was derived; for a new identity (a zero private key clears). Costs nothing: static-static is
  // derived when the first handshake needs it, so that ten thousand peers do not cost a third of a second at once.
  void set_identity(const Identity& identity) noexcept;
  void set_preshared(const PresharedKey& key) noexcept;
  // False for a peer key of low order, or without identity: create_* and accept_* then refuse.
  [[nodiscard]] bool is_usable() const noexcept { return is_usable_; }

  // Writes bytes 0..115 of an initiation into `message` (148 bytes; MACs are zeroed). `ephemeral_private` comes from Host. Replaces
  // a handshake under way. False: nothing of it has changed.
  [[nodiscard]] bool create_initiation(const Identity& identity, std::span<const std::uint8_t, 32> ephemeral_private,
                                       const Timestamp& timestamp, std::uint32_t local_index,
                                       std::span<std::uint8_t, kInitiationSize> message) noexcept;
  // Second half of consuming an initiation: ss, timestamp. Moves the greatest timestamp and the flood clock only on kAccepted.
  [[nodiscard]] Verdict accept_initiation(const Identity& identity, const OpenedInitiation& opened, Instant now) noexcept;
  // \pre state() == kInitiationConsumed. Writes bytes 0..59 of a response (MACs are zeroed).
  [[nodiscard]] bool create_response(std::span<const std::uint8_t, 32> ephemeral_private, std::uint32_t local_index,
                                     std::span<std::uint8_t, kResponseSize> message) noexcept;
  // kAccepted moves to kResponseConsumed; a second copy of the same response is kUnexpected.
  [[nodiscard]] Verdict consume_response(const Identity& identity, std::span<const std::uint8_t, kResponseSize> message) noexcept;
  // \pre kResponseCreated or kResponseConsumed. A fresh `keypair` with keys, indices, role and birth; erases the handshake.
  // False, and nothing has changed, in another state or when the slab finds no memory.
  [[nodiscard]] bool begin_session(crypto::SecretSlab& session_slab, Instant now, Keypair& keypair) noexcept;
  void erase() noexcept;  // forget the handshake under way; identity, PSK and greatest timestamp stay

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] std::uint32_t local_index() const noexcept { return local_index_; }
  [[nodiscard]] const PublicKey& remote_static() const noexcept { return remote_static_; }
  [[nodiscard]] PresharedKey preshared() const noexcept;  // a copy, for status

 private:
  [[nodiscard]] bool mix_static_static(const Identity& identity, Transcript& transcript) noexcept;  // token "ss"

  crypto::Secret<PeerSecrets> secrets_;
  PublicKey remote_static_;
  std::array<std::uint8_t, 32> remote_ephemeral_{};
  Timestamp greatest_timestamp_{};
  std::optional<Instant> last_accepted_;
  std::uint32_t local_index_ = 0;
  std::uint32_t remote_index_ = 0;
  State state_ = State::kZeroed;
  bool is_usable_ = false;
  bool has_static_static_ = false;
};

}  // namespace wgu::noise
