// X25519 is libsodium's, which clamps the private key and ignores the public key's top bit (RFC 7748 section 5), and refuses
// both a public key of low order and an all-zero result.

#include "crypto/x25519.h"

#include "crypto/secret_slab.h"
#include "crypto/sodium_ready.h"

namespace wgu::crypto {

bool x25519(KeyBytes private_key, KeyBytes public_key, std::uint8_t* shared32) noexcept {
  require_sodium();
  if (crypto_scalarmult(shared32, private_key.data(), public_key.data()) == 0) return true;
  erase(shared32, crypto_scalarmult_BYTES);  // left unwritten when the public key was refused by its bytes
  return false;
}

void x25519_public(KeyBytes private_key, std::uint8_t* public32) noexcept {
  require_sodium();
  crypto_scalarmult_base(public32, private_key.data());
}

}  // namespace wgu::crypto
