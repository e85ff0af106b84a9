#pragma once
// ChaCha20-Poly1305 (RFC 8439). seal()/open() of spans of jobs are the data path: pure functions of bytes, empty associated
// data, nonce = 4 zero bytes and the little-endian counter (whitepaper 5.4.6). The handshake's one-off calls stand below.

#include <array>
#include <cstdint>
#include <span>

namespace wgu::crypto {

inline constexpr std::size_t kAeadKeySize = 32;
inline constexpr std::size_t kAeadTagSize = 16;
inline constexpr std::size_t kXNonceSize = 24;

struct SealJob {
  const std::uint8_t* key = nullptr;  // 32 bytes
  std::uint64_t counter = 0;
  const std::uint8_t* in = nullptr;   // plaintext, `length` bytes
  std::uint8_t* out = nullptr;        // ciphertext, `length` + 16 bytes; may equal `in`
  std::uint32_t length = 0;           // 0..65,535
};

struct OpenJob {
  const std::uint8_t* key = nullptr;  // 32 bytes
  std::uint64_t counter = 0;
  const std::uint8_t* in = nullptr;   // ciphertext and tag, `length` bytes
  std::uint8_t* out = nullptr;        // plaintext, `length` - 16 bytes; may equal `in`; zeroed when the tag is wrong
  std::uint32_t length = 0;           // below 16 never opens
  bool is_authentic = false;          // the result
};

void seal(std::span<SealJob> jobs) noexcept;
void open(std::span<OpenJob> jobs) noexcept;

// The name of the kernel that seal() and open() use here: the best this CPU runs, chosen at the first use, unless WGU_AEAD=NAME
// in the environment (ignored in set-user-ID programs) names another that runs here. Any other value of it changes nothing.
const char* kernel_name() noexcept;

// Handshake: one buffer, associated data. `out` holds plaintext.size() + 16 bytes.
void aead_seal(std::span<const std::uint8_t, kAeadKeySize> key, std::uint64_t counter, std::span<const std::uint8_t> associated_data,
               std::span<const std::uint8_t> plaintext, std::uint8_t* out) noexcept;
// `out` holds ciphertext.size() - 16 bytes, zeroed on failure.
[[nodiscard]] bool aead_open(std::span<const std::uint8_t, kAeadKeySize> key, std::uint64_t counter,
                             std::span<const std::uint8_t> associated_data, std::span<const std::uint8_t> ciphertext,
                             std::uint8_t* out) noexcept;

// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), for cookie replies.
void xaead_seal(std::span<const std::uint8_t, kAeadKeySize> key, std::span<const std::uint8_t, kXNonceSize> nonce,
                std::span<const std::uint8_t> associated_data, std::span<const std::uint8_t> plaintext, std::uint8_t* out) noexcept;
[[nodiscard]] bool xaead_open(std::span<const std::uint8_t, kAeadKeySize> key, std::span<const std::uint8_t, kXNonceSize> nonce,
                              std::span<const std::uint8_t> associated_data, std::span<const std::uint8_t> ciphertext,
                              std::uint8_t* out) noexcept;

}  // namespace wgu::crypto
