#pragma once
// Noise's symmetric state: chaining key and hash, mixed step by step (Noise specification rev. 34, section 5.2). Copyable on
// purpose (a responder continues from a snapshot), erased when it goes.

#include <array>
#include <cstdint>
#include <span>

#include "crypto/blake2s.h"
#include "crypto/secret_slab.h"

namespace wgu::noise {

class Transcript {
 public:
  // Starts at `initial_chaining_key` and `initial_hash` (for WireGuard: begin_transcript in handshake.h).
  Transcript(const crypto::Hash& initial_chaining_key, const crypto::Hash& initial_hash) noexcept;
  Transcript() noexcept = default;
  Transcript(const Transcript&) noexcept = default;
  Transcript& operator=(const Transcript&) noexcept = default;
  ~Transcript();

  void mix_hash(std::span<const std::uint8_t> data) noexcept;                // h = HASH(h || data)
  void mix_key(std::span<const std::uint8_t> input) noexcept;               // ck = KDF1(ck, input)
  void mix_key_and_derive(std::span<const std::uint8_t> input) noexcept;    // (ck, k) = KDF2(ck, input)
  void mix_psk(std::span<const std::uint8_t, 32> psk) noexcept;             // (ck, t, k) = KDF3(ck, psk); mix_hash(t)
  void encrypt_and_hash(std::span<const std::uint8_t> plaintext, std::uint8_t* out) noexcept;  // with k, nonce 0
  // False: the transcript is as it was, `out` zeroed. `out` does not overlap `ciphertext`.
  [[nodiscard]] bool decrypt_and_hash(std::span<const std::uint8_t> ciphertext, std::uint8_t* out) noexcept;
  // (first, second) = KDF2(ck, ""): the initiator sends with the first.
  void split(std::uint8_t* first32, std::uint8_t* second32) const noexcept;
  [[nodiscard]] const crypto::Hash& handshake_hash() const noexcept { return hash_; }
  void erase() noexcept;

 private:
  crypto::Hash chaining_key_{};
  crypto::Hash hash_{};
  crypto::Hash key_{};
};

}  // namespace wgu::noise
