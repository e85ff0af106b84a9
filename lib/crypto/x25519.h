#pragma once
// X25519 (RFC 7748) through libsodium.

#include <cstdint>
#include <span>

namespace wgu::crypto {

using KeyBytes = std::span<const std::uint8_t, 32>;

// DH(private, public). False, and an all-zero output, when the shared secret is all zero: the public key is of low order and
// contributes nothing (RFC 7748 section 6.1); no session may rest on it. Constant time.
[[nodiscard]] bool x25519(KeyBytes private_key, KeyBytes public_key, std::uint8_t* shared32) noexcept;
// Would x25519() refuse this public key? It does so for any private key, and for no other public keys. Not a secret: not constant time.
[[nodiscard]] bool has_low_order(KeyBytes public_key) noexcept;
void x25519_public(KeyBytes private_key, std::uint8_t* public32) noexcept;

}  // namespace wgu::crypto
