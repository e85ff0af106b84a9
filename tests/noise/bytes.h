#pragma once
// Byte strings of vectors and of made-up parties.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "crypto/blake2s.h"
#include "crypto/x25519.h"
#include "noise/handshake.h"

namespace wgu::noise {

inline std::vector<std::uint8_t> unhex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) bytes.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
  return bytes;
}

template <std::size_t kSize>
std::array<std::uint8_t, kSize> unhex_array(std::string_view text) {
  const auto bytes = unhex(text);
  std::array<std::uint8_t, kSize> out{};
  std::copy_n(bytes.begin(), std::min(kSize, bytes.size()), out.begin());
  return out;
}

template <class Bytes>
std::vector<std::uint8_t> to_vector(const Bytes& bytes) {
  return {std::begin(bytes), std::end(bytes)};
}

inline std::span<const std::uint8_t> text_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// 32 bytes that stand for `name`: a private key, an ephemeral.
inline crypto::Hash bytes_of(std::string_view name) { return crypto::hash(text_bytes(name)); }

inline PublicKey public_of(std::span<const std::uint8_t, 32> private_key) {
  PublicKey key;
  crypto::x25519_public(private_key, key.bytes.data());
  return key;
}

inline Identity identity_of(std::span<const std::uint8_t, 32> private_key) {
  return Identity{PrivateKey(private_key), public_of(private_key)};
}

}  // namespace wgu::noise
