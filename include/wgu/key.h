#pragma once
/// \file
/// Keys as users hold them: 32 bytes, written as 44 characters of base64 (wg, configuration files) or 64 of hex (UAPI).

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "wgu/result.h"

namespace wgu {

inline constexpr std::size_t kKeySize = 32;  ///< bytes; whitepaper section 5.4

/// A peer's identity: a Curve25519 point. An ordinary value.
struct PublicKey {
  std::array<std::uint8_t, kKeySize> bytes{};

  /// \errors EINVAL when `text` is not exactly 44 characters of canonical base64 (64 of hex).
  static Result<PublicKey> from_base64(std::string_view text);
  static Result<PublicKey> from_hex(std::string_view text);
  [[nodiscard]] std::string base64() const;
  [[nodiscard]] std::string hex() const;
  [[nodiscard]] bool is_zero() const noexcept;

  friend bool operator==(const PublicKey&, const PublicKey&) = default;
  friend auto operator<=>(const PublicKey&, const PublicKey&) = default;
};

/// 32 secret bytes: move-only, erased when they go, compared in constant time, never printed unless asked for by name.
class SecretKey {
 public:
  SecretKey() noexcept = default;  ///< all zero: "no key"
  explicit SecretKey(std::span<const std::uint8_t, kKeySize> bytes) noexcept;
  SecretKey(SecretKey&& other) noexcept;
  SecretKey& operator=(SecretKey&& other) noexcept;
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  ~SecretKey();

  [[nodiscard]] std::span<const std::uint8_t, kKeySize> reveal() const noexcept { return bytes_; }
  [[nodiscard]] std::string reveal_base64() const;
  [[nodiscard]] std::string reveal_hex() const;
  [[nodiscard]] bool is_zero() const noexcept;                         ///< constant time
  [[nodiscard]] bool equals(const SecretKey& other) const noexcept;    ///< constant time
  void erase() noexcept;

 protected:
  static Result<SecretKey> secret_from_base64(std::string_view text);
  static Result<SecretKey> secret_from_hex(std::string_view text);
  std::array<std::uint8_t, kKeySize> bytes_{};
};

/// A static private key. Its bytes stay as given; whatever computes with them clamps first (RFC 7748 section 5).
class PrivateKey : public SecretKey {
 public:
  using SecretKey::SecretKey;
  static PrivateKey generate();  ///< from the system's random source; clamped, as `wg genkey` writes it
  static Result<PrivateKey> from_base64(std::string_view text);
  static Result<PrivateKey> from_hex(std::string_view text);
  [[nodiscard]] PrivateKey copy() const noexcept { return PrivateKey(reveal()); }
  /// Clears and sets the bits that RFC 7748 section 5 fixes, as the kernel does when a key is set; X25519 ignores them anyway.
  void clamp() noexcept;
  [[nodiscard]] PublicKey public_key() const;
};

/// An optional symmetric key mixed into the handshake (all zero: none).
class PresharedKey : public SecretKey {
 public:
  using SecretKey::SecretKey;
  static PresharedKey generate();
  static Result<PresharedKey> from_base64(std::string_view text);
  static Result<PresharedKey> from_hex(std::string_view text);
  [[nodiscard]] PresharedKey copy() const noexcept { return PresharedKey(reveal()); }
};

}  // namespace wgu
