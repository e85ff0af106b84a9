// X25519 is libsodium's, which clamps the private key and ignores the public key's top bit (RFC 7748 section 5), and refuses
// both a public key of low order and an all-zero result.

#include "crypto/x25519.h"

#include <algorithm>
#include <array>

#include "crypto/secret_slab.h"
#include "crypto/sodium_ready.h"

namespace wgu::crypto {
namespace {

// The u-coordinates of order 1, 2, 4 and 8 on the curve and its twist, and their other encodings below 2^255 (all that there are:
// cr.yp.to/ecdh.html, "validate"). A clamped private key is a multiple of 8, so these and only these lead to zero.
constexpr std::array<std::uint8_t, 32> almost_p(std::uint8_t first) {
  std::array<std::uint8_t, 32> bytes{};
  for (std::uint8_t& byte : bytes) byte = 0xff;
  bytes[0] = first;
  bytes[31] = 0x7f;
  return bytes;
}
constexpr std::array<std::array<std::uint8_t, 32>, 7> kLowOrder = {{
    {0},
    {1},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
     0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
     0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
    almost_p(0xec),  // p - 1
    almost_p(0xed),  // p
    almost_p(0xee),  // p + 1
}};

}  // namespace

bool has_low_order(KeyBytes public_key) noexcept {
  return std::any_of(kLowOrder.begin(), kLowOrder.end(), [public_key](const auto& point) {
    return std::equal(point.begin(), point.end() - 1, public_key.begin()) && point[31] == (public_key[31] & 0x7f);
  });
}

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
