#pragma once
// The key log that Wireshark reads (preference wg.keylog_file, or a decryption-secrets block of pcapng): a line "TYPE = BASE64" a key.
// Who has it reads everything, and has our identity: it is secret as the private key is.

#include <array>
#include <span>
#include <string_view>

#include "values/handshake_secrets.h"

namespace wgu::capture {

// Lines of it, erased when they go.
class KeyLogText {
 public:
  explicit KeyLogText(const HandshakeSecrets& secrets) noexcept;  // of one handshake
  // The static key alone, which an initiation to us takes. Nothing for a key of zeros.
  explicit KeyLogText(std::span<const std::uint8_t, kKeySize> local_static_private) noexcept;
  KeyLogText(const KeyLogText&) = delete;
  KeyLogText& operator=(const KeyLogText&) = delete;
  ~KeyLogText();

  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  void append(std::string_view type, std::span<const std::uint8_t, kKeySize> key) noexcept;

  // Four lines, the longest of 27 characters, " = ", 44 of base64 and a line feed.
  std::array<char, std::size_t{4} * (27 + 3 + 44 + 1)> text_{};
  std::size_t size_ = 0;
};

}  // namespace wgu::capture
