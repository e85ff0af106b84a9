// Noise's symmetric state (specification rev. 34, section 5.2) with BLAKE2s, WireGuard's KDF and ChaCha20-Poly1305.
//   ck  chaining key: everything secret so far        h  hash: everything sent so far, the AEADs' associated data
//   k   key of the next encrypt or decrypt
// WireGuard never encrypts twice under one k, so the nonce of a handshake message is always 0: no counter is kept.
// A failed decrypt changes nothing but `out`, which it zeroes.

#include "noise/transcript.h"

#include "crypto/aead.h"

namespace wgu::noise {

Transcript::Transcript(const crypto::Hash& initial_chaining_key, const crypto::Hash& initial_hash) noexcept
    : chaining_key_(initial_chaining_key), hash_(initial_hash) {}

Transcript::~Transcript() { erase(); }

void Transcript::mix_hash(std::span<const std::uint8_t> data) noexcept { hash_ = crypto::hash(hash_, data); }

void Transcript::mix_key(std::span<const std::uint8_t> input) noexcept { crypto::kdf(chaining_key_, input, chaining_key_.data()); }

void Transcript::mix_key_and_derive(std::span<const std::uint8_t> input) noexcept {
  crypto::kdf(chaining_key_, input, chaining_key_.data(), key_.data());
}

void Transcript::mix_psk(std::span<const std::uint8_t, 32> psk) noexcept {
  crypto::SecretBytes temporary;
  crypto::kdf(chaining_key_, psk, chaining_key_.data(), temporary.data(), key_.data());
  mix_hash(temporary.bytes);
}

void Transcript::encrypt_and_hash(std::span<const std::uint8_t> plaintext, std::uint8_t* out) noexcept {
  crypto::aead_seal(key_, 0, hash_, plaintext, out);
  mix_hash({out, plaintext.size() + crypto::kAeadTagSize});
}

bool Transcript::decrypt_and_hash(std::span<const std::uint8_t> ciphertext, std::uint8_t* out) noexcept {
  if (ciphertext.size() < crypto::kAeadTagSize) return false;
  if (!crypto::aead_open(key_, 0, hash_, ciphertext, out)) return false;
  mix_hash(ciphertext);
  return true;
}

void Transcript::split(std::uint8_t* first32, std::uint8_t* second32) const noexcept { crypto::kdf(chaining_key_, {}, first32, second32); }

void Transcript::erase() noexcept {
  crypto::erase(chaining_key_.data(), chaining_key_.size());
  crypto::erase(hash_.data(), hash_.size());
  crypto::erase(key_.data(), key_.size());
}

}  // namespace wgu::noise
