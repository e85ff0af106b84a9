// Keys to text and back. The coding is libsodium's, which neither branches on nor indexes by the characters of a valid key;
// strictness is ours: exact length in, exactly 32 bytes out. Secrets are decoded straight into the object that erases them
// and encoded straight into the string handed out, so no other copy exists. Bytes are kept as given: X25519 clamps in use.

#include "wgu/key.h"

#include <sodium.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "values/quote_value.h"

namespace wgu {
namespace {

constexpr std::size_t kBase64Length = 44;
constexpr std::size_t kHexLength = 64;
static_assert(sodium_base64_ENCODED_LEN(kKeySize, sodium_base64_VARIANT_ORIGINAL) == kBase64Length + 1);

// False leaves `bytes` in no particular state. libsodium refuses non-zero trailing bits, missing '=' and anything behind it.
bool decode_base64(std::string_view text, std::array<std::uint8_t, kKeySize>& bytes) noexcept {
  // libsodium 1.0.18 takes some bytes above 0x7F for letters. All are looked at, whatever they are: no branch on a secret.
  std::uint8_t all = 0;
  for (const char character : text) all |= static_cast<std::uint8_t>(character);
  std::size_t decoded = 0;
  return (all & 0x80) == 0 && text.size() == kBase64Length &&
         sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &decoded, nullptr,
                           sodium_base64_VARIANT_ORIGINAL) == 0 &&
         decoded == kKeySize;
}

bool decode_hex(std::string_view text, std::array<std::uint8_t, kKeySize>& bytes) noexcept {
  std::size_t decoded = 0;
  return text.size() == kHexLength &&
         sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &decoded, nullptr) == 0 && decoded == kKeySize;
}

std::string encode_base64(std::span<const std::uint8_t, kKeySize> bytes) {
  std::string text(kBase64Length + 1, '\0');  // with room for the encoder's NUL; shrinking does not move the characters
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.resize(kBase64Length);
  return text;
}

std::string encode_hex(std::span<const std::uint8_t, kKeySize> bytes) {
  std::string text(kHexLength + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.resize(kHexLength);
  return text;
}

// libsodium picks its curve code and its random source at initialisation; once a process, then a plain load.
void require_sodium() noexcept {
  static const bool is_ready = sodium_init() >= 0;
  if (!is_ready) std::abort();
}

template <class Key>
Result<Key> as(Result<SecretKey> secret) {
  if (!secret) return std::move(secret).error();
  return Key(secret->reveal());
}

}  // namespace

Result<PublicKey> PublicKey::from_base64(std::string_view text) {
  PublicKey key;
  if (!decode_base64(text, key.bytes))
    return Error{EINVAL, "public key " + quote_value(text) + " is not 44 characters of canonical base64"};
  return key;
}

Result<PublicKey> PublicKey::from_hex(std::string_view text) {
  PublicKey key;
  if (!decode_hex(text, key.bytes)) return Error{EINVAL, "public key " + quote_value(text) + " is not 64 hexadecimal digits"};
  return key;
}

std::string PublicKey::base64() const { return encode_base64(bytes); }

std::string PublicKey::hex() const { return encode_hex(bytes); }

bool PublicKey::is_zero() const noexcept { return bytes == std::array<std::uint8_t, kKeySize>{}; }

SecretKey::SecretKey(std::span<const std::uint8_t, kKeySize> bytes) noexcept { std::copy(bytes.begin(), bytes.end(), bytes_.begin()); }

SecretKey::SecretKey(SecretKey&& other) noexcept : bytes_(other.bytes_) { other.erase(); }

SecretKey& SecretKey::operator=(SecretKey&& other) noexcept {
  if (this != &other) {
    bytes_ = other.bytes_;
    other.erase();
  }
  return *this;
}

SecretKey::~SecretKey() { erase(); }

std::string SecretKey::reveal_base64() const { return encode_base64(bytes_); }

std::string SecretKey::reveal_hex() const { return encode_hex(bytes_); }

bool SecretKey::is_zero() const noexcept { return sodium_is_zero(bytes_.data(), bytes_.size()) == 1; }

bool SecretKey::equals(const SecretKey& other) const noexcept {
  return sodium_memcmp(bytes_.data(), other.bytes_.data(), bytes_.size()) == 0;
}

void SecretKey::erase() noexcept { sodium_memzero(bytes_.data(), bytes_.size()); }

// The errors name no value: a mistyped secret is still most of a secret.
Result<SecretKey> SecretKey::secret_from_base64(std::string_view text) {
  SecretKey key;
  if (!decode_base64(text, key.bytes_)) return Error{EINVAL, "secret key is not 44 characters of canonical base64"};
  return key;
}

Result<SecretKey> SecretKey::secret_from_hex(std::string_view text) {
  SecretKey key;
  if (!decode_hex(text, key.bytes_)) return Error{EINVAL, "secret key is not 64 hexadecimal digits"};
  return key;
}

PrivateKey PrivateKey::generate() {
  require_sodium();
  PrivateKey key;
  randombytes_buf(key.bytes_.data(), key.bytes_.size());
  key.clamp();
  return key;
}

// What X25519 does in use, done once so that the key reads the same in every implementation.
void PrivateKey::clamp() noexcept {
  bytes_[0] &= 248;
  bytes_[31] = static_cast<std::uint8_t>((bytes_[31] & 127) | 64);
}

Result<PrivateKey> PrivateKey::from_base64(std::string_view text) { return as<PrivateKey>(secret_from_base64(text)); }

Result<PrivateKey> PrivateKey::from_hex(std::string_view text) { return as<PrivateKey>(secret_from_hex(text)); }

PublicKey PrivateKey::public_key() const {
  require_sodium();
  PublicKey key;
  crypto_scalarmult_base(key.bytes.data(), bytes_.data());  // clamps a copy; cannot fail
  return key;
}

PresharedKey PresharedKey::generate() {
  require_sodium();
  PresharedKey key;
  randombytes_buf(key.bytes_.data(), key.bytes_.size());
  return key;
}

Result<PresharedKey> PresharedKey::from_base64(std::string_view text) { return as<PresharedKey>(secret_from_base64(text)); }

Result<PresharedKey> PresharedKey::from_hex(std::string_view text) { return as<PresharedKey>(secret_from_hex(text)); }

}  // namespace wgu
