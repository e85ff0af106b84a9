// Wireshark takes the preshared key for that of the ephemeral key on the line before, once: so the two stand together, in this order.
// A preshared key of zeros it tries by itself.
#include "capture/key_log.h"

#include <sodium.h>

#include <algorithm>

namespace wgu::capture {
namespace {

constexpr std::string_view kStaticKey = "LOCAL_STATIC_PRIVATE_KEY";

bool is_zero(std::span<const std::uint8_t, kKeySize> key) noexcept { return sodium_is_zero(key.data(), key.size()) != 0; }

}  // namespace

KeyLogText::KeyLogText(const HandshakeSecrets& secrets) noexcept {
  append(kStaticKey, secrets.local_static_private);
  append("REMOTE_STATIC_PUBLIC_KEY", secrets.remote_static.bytes);
  append("LOCAL_EPHEMERAL_PRIVATE_KEY", secrets.local_ephemeral_private);
  if (!is_zero(secrets.preshared)) append("PRESHARED_KEY", secrets.preshared);
}

KeyLogText::KeyLogText(std::span<const std::uint8_t, kKeySize> local_static_private) noexcept {
  if (!is_zero(local_static_private)) append(kStaticKey, local_static_private);
}

KeyLogText::~KeyLogText() { sodium_memzero(text_.data(), text_.size()); }

void KeyLogText::append(std::string_view type, std::span<const std::uint8_t, kKeySize> key) noexcept {
  constexpr std::string_view kEquals = " = ";
  constexpr std::size_t kEncoded = sodium_base64_ENCODED_LEN(kKeySize, sodium_base64_VARIANT_ORIGINAL);  // and a NUL
  char* at = text_.data() + size_;
  at = std::copy(type.begin(), type.end(), at);
  at = std::copy(kEquals.begin(), kEquals.end(), at);
  sodium_bin2base64(at, kEncoded, key.data(), key.size(), sodium_base64_VARIANT_ORIGINAL);
  at += kEncoded - 1;
  *at++ = '\n';  // over the NUL
  size_ = static_cast<std::size_t>(at - text_.data());
}

}  // namespace wgu::capture
