#pragma once
// BLAKE2s (RFC 7693), HMAC-BLAKE2s (RFC 2104) and WireGuard's KDF (whitepaper 5.4: HKDF of RFC 5869 with HMAC-BLAKE2s).

#include <array>
#include <cstdint>
#include <span>

namespace wgu::crypto {

inline constexpr std::size_t kHashSize = 32;
inline constexpr std::size_t kMacSize = 16;
using Hash = std::array<std::uint8_t, kHashSize>;
using Mac = std::array<std::uint8_t, kMacSize>;

class Blake2s {
 public:
  // `output_size` 1..32 bytes, key 0..32 bytes.
  explicit Blake2s(std::size_t output_size = kHashSize, std::span<const std::uint8_t> key = {}) noexcept;
  ~Blake2s();  // erases its state: it may have hashed secrets
  Blake2s(const Blake2s&) noexcept = default;  // goes on from a common beginning
  Blake2s& operator=(const Blake2s&) noexcept = default;
  Blake2s& update(std::span<const std::uint8_t> input) noexcept;
  // Works off a full block that waits, as the last one does, for what may follow. \pre something follows
  void expect_more() noexcept;
  void finish(std::uint8_t* out) noexcept;  // output_size bytes; once

 private:
  void compress(const std::uint8_t* block, bool is_last) noexcept;
  std::array<std::uint32_t, 8> h_;
  std::uint64_t counter_ = 0;
  std::array<std::uint8_t, 64> buffer_{};
  std::size_t buffered_ = 0;
  std::size_t output_size_;
};

// HASH(a || b) of the whitepaper.
Hash hash(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b = {}) noexcept;
// MAC(key, input): keyed BLAKE2s with 16 bytes of output.
Mac mac(std::span<const std::uint8_t> key, std::span<const std::uint8_t> input) noexcept;
void hmac(std::span<const std::uint8_t> key, std::span<const std::uint8_t> input, std::uint8_t* out32) noexcept;
// KDF1, KDF2, KDF3 in one: writes as many 32-byte outputs as there are non-null pointers (first, second, third in turn).
// Outputs may alias `key`.
void kdf(std::span<const std::uint8_t, 32> key, std::span<const std::uint8_t> input, std::uint8_t* first, std::uint8_t* second = nullptr,
         std::uint8_t* third = nullptr) noexcept;

// Constant-time comparison of equal-length secrets.
[[nodiscard]] bool equal_secret(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept;

}  // namespace wgu::crypto
