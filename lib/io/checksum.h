#pragma once
// The internet checksum (RFC 1071). Sums are of 16-bit words as they lie in memory: byte order does not matter as long as the
// result is stored the same way (section 2(B)), so nothing is swapped. A sum that begins at an odd byte of what it covers would
// have to be; no caller has one.
//
//   sum = add_words(add_words(0, pseudo header), segment)      store_checksum(field, sum), or is_whole(sum) to verify

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace wgu::io {

// A sum under way: up to 65,536 words or results of add_words may be added without a fold.
using WordSum = std::uint32_t;

inline constexpr std::uint16_t fold_sum(WordSum sum) noexcept {
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum + (sum >> 16));
}

// A number of the pseudo header (length, protocol) as it would lie in memory.
inline WordSum network_word(std::size_t value) noexcept {
  const std::uint8_t bytes[2] = {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
  std::uint16_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}
inline WordSum load_word(const std::uint8_t* bytes) noexcept {
  std::uint16_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}
inline void store_word(std::uint8_t* bytes, std::uint16_t word) noexcept { std::memcpy(bytes, &word, sizeof word); }

// For headers: `size` is a multiple of 4, and small. Adds at most 0xffff to `sum`.
inline WordSum add_header(WordSum sum, const std::uint8_t* bytes, std::size_t size) noexcept {
  std::uint64_t wide = 0;
  for (std::size_t i = 0; i < size; i += 4) {
    std::uint32_t two_words;
    std::memcpy(&two_words, bytes + i, sizeof two_words);
    wide += two_words;
  }
  wide = (wide & 0xffff) + (wide >> 16 & 0xffff) + (wide >> 32);
  return sum + fold_sum(static_cast<WordSum>(wide));
}

// `sum` and at most 0xffff for the bytes; an odd last one counts as if a zero followed.
[[nodiscard]] WordSum add_words(WordSum sum, std::span<const std::uint8_t> bytes) noexcept;
// Likewise, and copies them in the same pass. Where the areas overlap, `to` lies at least kOverlapDistance before the bytes.
inline constexpr std::size_t kOverlapDistance = 32;
[[nodiscard]] WordSum copy_and_add(WordSum sum, std::uint8_t* to, std::span<const std::uint8_t> bytes) noexcept;

// What data with a right checksum in it adds up to, pseudo header included.
[[nodiscard]] inline bool is_whole(WordSum sum) noexcept { return fold_sum(sum) == 0xffff; }

// One way to add for each instruction set; the functions above take the last that runs here.
struct ChecksumKernel {
  const char* name;
  bool (*runs_here)() noexcept;
  std::uint16_t (*sum)(const std::uint8_t* bytes, std::size_t size) noexcept;
  std::uint16_t (*copy)(std::uint8_t* to, const std::uint8_t* bytes, std::size_t size) noexcept;
};
[[nodiscard]] std::span<const ChecksumKernel> checksum_kernels() noexcept;

}  // namespace wgu::io
