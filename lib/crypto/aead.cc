// The handshake's AEAD goes to libsodium directly: its calls are few, short and carry associated data. The data path's stands in
// aead_dispatch.cc.

#include "crypto/aead.h"

#include "crypto/aead_kernels.h"
#include "crypto/sodium_ready.h"

namespace wgu::crypto {

void aead_seal(std::span<const std::uint8_t, kAeadKeySize> key, std::uint64_t counter, std::span<const std::uint8_t> associated_data,
               std::span<const std::uint8_t> plaintext, std::uint8_t* out) noexcept {
  require_sodium();
  crypto_aead_chacha20poly1305_ietf_encrypt_detached(out, out + plaintext.size(), nullptr, plaintext.data(), plaintext.size(),
                                                     associated_data.data(), associated_data.size(), nullptr, nonce_of(counter).data(),
                                                     key.data());
}

bool aead_open(std::span<const std::uint8_t, kAeadKeySize> key, std::uint64_t counter, std::span<const std::uint8_t> associated_data,
               std::span<const std::uint8_t> ciphertext, std::uint8_t* out) noexcept {
  if (ciphertext.size() < kAeadTagSize) return false;
  require_sodium();
  const std::size_t size = ciphertext.size() - kAeadTagSize;
  return crypto_aead_chacha20poly1305_ietf_decrypt_detached(out, nullptr, ciphertext.data(), size, ciphertext.data() + size,
                                                            associated_data.data(), associated_data.size(), nonce_of(counter).data(),
                                                            key.data()) == 0;
}

void xaead_seal(std::span<const std::uint8_t, kAeadKeySize> key, std::span<const std::uint8_t, kXNonceSize> nonce,
                std::span<const std::uint8_t> associated_data, std::span<const std::uint8_t> plaintext, std::uint8_t* out) noexcept {
  require_sodium();
  crypto_aead_xchacha20poly1305_ietf_encrypt_detached(out, out + plaintext.size(), nullptr, plaintext.data(), plaintext.size(),
                                                      associated_data.data(), associated_data.size(), nullptr, nonce.data(), key.data());
}

bool xaead_open(std::span<const std::uint8_t, kAeadKeySize> key, std::span<const std::uint8_t, kXNonceSize> nonce,
                std::span<const std::uint8_t> associated_data, std::span<const std::uint8_t> ciphertext, std::uint8_t* out) noexcept {
  if (ciphertext.size() < kAeadTagSize) return false;
  require_sodium();
  const std::size_t size = ciphertext.size() - kAeadTagSize;
  return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(out, nullptr, ciphertext.data(), size, ciphertext.data() + size,
                                                             associated_data.data(), associated_data.size(), nonce.data(), key.data()) == 0;
}

}  // namespace wgu::crypto
