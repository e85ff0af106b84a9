// Keys have one spelling in base64 and two cases in hex: what is accepted is written back as it was, and all three types of key
// accept the same and hold the same bytes.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wgu/key.h"

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

template <class A, class B>
void check_same(const wgu::Result<wgu::PublicKey>& key, const A& private_key, const B& preshared_key) {
  if (key.ok() != private_key.ok() || key.ok() != preshared_key.ok()) std::abort();
  if (!key) return;
  const auto is_same = [&key](std::span<const std::uint8_t, wgu::kKeySize> bytes) {
    return std::equal(bytes.begin(), bytes.end(), key->bytes.begin());
  };
  if (!is_same(private_key->reveal()) || !is_same(preshared_key->reveal()) || key->is_zero() != private_key->is_zero()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wgu;
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  const auto base64 = PublicKey::from_base64(text);
  if (base64 && base64->base64() != text) std::abort();
  check_same(base64, PrivateKey::from_base64(text), PresharedKey::from_base64(text));

  const auto hex = PublicKey::from_hex(text);
  if (hex && hex->hex() != lower(text)) std::abort();
  check_same(hex, PrivateKey::from_hex(text), PresharedKey::from_hex(text));

  // Any 32 bytes are a key, and survive both notations.
  if (size >= kKeySize) {
    PublicKey key;
    std::copy_n(data, kKeySize, key.bytes.begin());
    const auto from_base64 = PublicKey::from_base64(key.base64());
    const auto from_hex = PublicKey::from_hex(key.hex());
    if (!from_base64 || !from_hex || *from_base64 != key || *from_hex != key) std::abort();
  }
  return 0;
}
