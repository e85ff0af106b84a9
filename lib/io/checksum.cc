// Sums of 16-bit words, folded to 16 bits. Every kernel adds words in wide lanes without carries between them, keeps the carries
// in the upper half of each lane, and folds once at the end: RFC 1071 section 2(C) allows any order and any width. Lanes of 32 bits
// hold the words of 512 KiB at least; no packet comes near. Copying kernels go upwards, reading each step before it is stored; the
// largest step in which the order of reads and stores is open is kOverlapDistance.

#include "io/checksum.h"

#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace wgu::io {
namespace {

std::uint16_t fold(std::uint64_t sum) noexcept {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
  return fold_sum(static_cast<WordSum>(sum));
}

// Where the copy goes on; sums copy nowhere.
template <bool kCopies>
std::uint8_t* ahead(std::uint8_t* to, std::size_t bytes) noexcept {
  if constexpr (kCopies) return to + bytes;
  return nullptr;
}

// --- Any machine -----------------------------------------------------------------------------------------------------------

std::uint64_t load(const std::uint8_t* bytes) noexcept {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}
constexpr std::uint64_t halves(std::uint64_t word) noexcept { return (word & 0xffffffff) + (word >> 32); }

// The last 1 to 7 bytes, followed by zeros. `has_before`: there are 8 bytes that end with them, so that one load (and one store, of
// bytes that are there already) does it.
template <bool kCopies>
std::uint64_t load_last(std::uint8_t* to, const std::uint8_t* bytes, std::size_t size, bool has_before) noexcept {
  if (has_before) {
    const std::uint64_t word = load(bytes + size - 8);
    if constexpr (kCopies) std::memcpy(to + size - 8, &word, sizeof word);
    const std::size_t others = 8 * (8 - size);
    return std::endian::native == std::endian::little ? word >> others : word << others;
  }
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, size);
  if constexpr (kCopies) std::memcpy(to, &word, size);
  return word;
}

// What is left of a buffer: fewer bytes than a vector, or all of it. Four words in a step, so that the adds do not wait for each other.
template <bool kCopies>
std::uint64_t add_rest(std::uint64_t sum, std::uint8_t* to, const std::uint8_t* bytes, std::size_t size, bool has_before) noexcept {
  const auto add_one = [&](std::size_t at) {
    const std::uint64_t word = load(bytes + at);
    if constexpr (kCopies) std::memcpy(to + at, &word, sizeof word);
    return halves(word);
  };
  std::size_t at = 0;
  for (; at + 32 <= size; at += 32) sum += (add_one(at) + add_one(at + 8)) + (add_one(at + 16) + add_one(at + 24));
  for (; at + 8 <= size; at += 8) sum += add_one(at);
  if (at == size) return sum;
  return sum + halves(load_last<kCopies>(ahead<kCopies>(to, at), bytes + at, size - at, has_before || at != 0));
}

bool always() noexcept { return true; }
std::uint16_t sum_portable(const std::uint8_t* bytes, std::size_t size) noexcept {
  return fold(add_rest<false>(0, nullptr, bytes, size, false));
}
std::uint16_t copy_portable(std::uint8_t* to, const std::uint8_t* bytes, std::size_t size) noexcept {
  return fold(add_rest<true>(0, to, bytes, size, false));
}

#if defined(__x86_64__)
// --- AVX2 ------------------------------------------------------------------------------------------------------------------

bool has_avx2() noexcept { return __builtin_cpu_supports("avx2") != 0; }

[[gnu::target("avx2")]] std::uint64_t sum_lanes(__m256i lanes) noexcept {
  const __m256i wide = _mm256_add_epi64(_mm256_and_si256(lanes, _mm256_set1_epi64x(0xffffffff)), _mm256_srli_epi64(lanes, 32));
  const __m128i two = _mm_add_epi64(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(two)) + static_cast<std::uint64_t>(_mm_extract_epi64(two, 1));
}

template <bool kCopies>
[[gnu::target("avx2"), gnu::always_inline]] inline void add_vector(__m256i& even, __m256i& odd, std::uint8_t* to,
                                                                   const std::uint8_t* bytes) noexcept {
  const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  if constexpr (kCopies) _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), words);
  even = _mm256_add_epi32(even, _mm256_and_si256(words, _mm256_set1_epi32(0xffff)));
  odd = _mm256_add_epi32(odd, _mm256_srli_epi32(words, 16));
}

template <bool kCopies>
[[gnu::target("avx2")]] std::uint16_t add_avx2(std::uint8_t* to, const std::uint8_t* bytes, std::size_t size) noexcept {
  __m256i even = _mm256_setzero_si256();
  __m256i odd = _mm256_setzero_si256();
  std::size_t at = 0;
  for (; at + 64 <= size; at += 64) {
    add_vector<kCopies>(even, odd, ahead<kCopies>(to, at), bytes + at);
    add_vector<kCopies>(even, odd, ahead<kCopies>(to, at + 32), bytes + at + 32);
  }
  if (at + 32 <= size) {
    add_vector<kCopies>(even, odd, ahead<kCopies>(to, at), bytes + at);
    at += 32;
  }
  return fold(add_rest<kCopies>(sum_lanes(_mm256_add_epi32(even, odd)), ahead<kCopies>(to, at), bytes + at, size - at, at != 0));
}
std::uint16_t sum_avx2(const std::uint8_t* bytes, std::size_t size) noexcept { return add_avx2<false>(nullptr, bytes, size); }
std::uint16_t copy_avx2(std::uint8_t* to, const std::uint8_t* bytes, std::size_t size) noexcept { return add_avx2<true>(to, bytes, size); }

// --- AVX-512 ---------------------------------------------------------------------------------------------------------------

bool has_avx512() noexcept { return __builtin_cpu_supports("avx512bw") != 0; }

template <bool kCopies>
[[gnu::target("avx512f,avx512bw"), gnu::always_inline]] inline void add_vector(__m512i& even, __m512i& odd, std::uint8_t* to,
                                                                               const std::uint8_t* bytes, __mmask64 which) noexcept {
  const __m512i words = _mm512_maskz_loadu_epi8(which, bytes);
  if constexpr (kCopies) _mm512_mask_storeu_epi8(to, which, words);
  even = _mm512_add_epi32(even, _mm512_and_si512(words, _mm512_set1_epi32(0xffff)));
  odd = _mm512_add_epi32(odd, _mm512_maskz_srli_epi32(0xffff, words, 16));
}

template <bool kCopies>
[[gnu::target("avx512f,avx512bw")]] std::uint16_t add_avx512(std::uint8_t* to, const std::uint8_t* bytes, std::size_t size) noexcept {
  constexpr __mmask64 kAll = ~__mmask64{0};
  __m512i even = _mm512_setzero_si512();
  __m512i odd = _mm512_setzero_si512();
  std::size_t at = 0;
  for (; at + 128 <= size; at += 128) {
    add_vector<kCopies>(even, odd, ahead<kCopies>(to, at), bytes + at, kAll);
    add_vector<kCopies>(even, odd, ahead<kCopies>(to, at + 64), bytes + at + 64, kAll);
  }
  if (at + 64 <= size) {
    add_vector<kCopies>(even, odd, ahead<kCopies>(to, at), bytes + at, kAll);
    at += 64;
  }
  add_vector<kCopies>(even, odd, ahead<kCopies>(to, at), bytes + at, (__mmask64{1} << (size - at)) - 1);
  const __m512i lanes = _mm512_add_epi32(even, odd);
  // Masks that leave nothing out: GCC 12 takes the plain forms' don't-care operand for an uninitialised variable.
  return fold(sum_lanes(_mm256_add_epi32(_mm512_maskz_extracti64x4_epi64(0xf, lanes, 0), _mm512_maskz_extracti64x4_epi64(0xf, lanes, 1))));
}
std::uint16_t sum_avx512(const std::uint8_t* bytes, std::size_t size) noexcept { return add_avx512<false>(nullptr, bytes, size); }
std::uint16_t copy_avx512(std::uint8_t* to, const std::uint8_t* bytes, std::size_t size) noexcept {
  return add_avx512<true>(to, bytes, size);
}
#endif

constexpr ChecksumKernel kKernels[] = {
    {"portable", always, sum_portable, copy_portable},
#if defined(__x86_64__)
    {"avx2", has_avx2, sum_avx2, copy_avx2},
    {"avx512", has_avx512, sum_avx512, copy_avx512},
#endif
};

// The CPU's abilities are a word that the C run-time keeps: cheaper to ask than a static is to guard.
const ChecksumKernel& best_kernel() noexcept {
#if defined(__x86_64__)
  if (has_avx512()) return kKernels[2];
  if (has_avx2()) return kKernels[1];
#endif
  return kKernels[0];
}

}  // namespace

std::span<const ChecksumKernel> checksum_kernels() noexcept { return kKernels; }

WordSum add_words(WordSum sum, std::span<const std::uint8_t> bytes) noexcept { return sum + best_kernel().sum(bytes.data(), bytes.size()); }

WordSum copy_and_add(WordSum sum, std::uint8_t* to, std::span<const std::uint8_t> bytes) noexcept {
  return sum + best_kernel().copy(to, bytes.data(), bytes.size());
}

}  // namespace wgu::io
