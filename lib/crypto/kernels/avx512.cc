// ChaCha20-Poly1305 across packets, AVX-512 with IFMA. A group of up to 64 packets goes through three steps:
//   ChaCha20   the blocks of all packets, each packet's Poly1305 key block (block 0) first, stand in one row; a pass takes the next
//              16 of them (8 at the end of the row), one block a lane, whatever packets they belong to.
//   Poly1305   eight packets at a time, one a lane, each under its own r and in lock-step to a common end; packets too long for
//              their neighbours go alone, eight blocks at a time, under powers of r.
//   tags       written (seal) or compared without branches (open: a packet is decrypted only after its tag was found right).
// Control flow and addresses depend on lengths, counts and pointers, and on the verdict of a tag, never on key, stream or text.
// `Workspace` holds all secrets that pass through memory and is erased before the return.

#if defined(WGU_EMULATED_AVX512)
#include "crypto/emulated_avx512.h"
#else
#include <immintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "crypto/aead_kernels.h"

namespace wgu::crypto {
namespace {

using std::size_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

constexpr size_t kBlock = 64;      // of ChaCha20
constexpr size_t kPolyBlock = 16;  // of Poly1305
constexpr size_t kGroup = 64;      // packets of one workspace
constexpr size_t kLanes = 8;       // of Poly1305

// Measured.
constexpr size_t kGroupBytes = 1 << 20;
constexpr size_t kStreamBlocks = 48;     // `open` keeps the key stream of so many blocks rather than compute passes half empty
constexpr size_t kBlocksForSquare = 6;   // messages longer than this pay for r^2,
constexpr size_t kBlocksForFourth = 16;  // and than this for r^3 and r^4

bool runs_here() noexcept {
#if defined(WGU_EMULATED_AVX512)
  return true;
#else
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("bmi2");
#endif
}

// The compiler may not drop the stores.
inline void erase(void* memory, size_t size) {
  std::memset(memory, 0, size);
  asm volatile("" : : "r"(memory) : "memory");
}

struct Packet {
  const uint8_t* key;
  uint64_t counter;
  const uint8_t* in;
  uint8_t* out;
  size_t length;  // of the text, without tag
};

// Poly1305 ------------------------------------------------------------------------------------------------------------------
// Scalar form, limbs of 44, 44 and 42 bits:  h = (h + block + 2^128) * r mod 2^130 - 5.  A product of limbs i and j with
// i + j >= 3 has weight 2^132 or more, and 2^132 = 4 * 2^130 = 20 (mod p): hence `times20`.

struct Limbs {
  __m512i l0, l1, l2;
};

struct Multiplier {
  Limbs r;
  __m512i r1_times20, r2_times20;
};

// Sums of products: the low 52 bits of each product, and the high ones, which weigh 2^52 times the limb.
struct Product {
  __m512i low0, high0, low1, high1, low2, high2;
};

inline __m512i limb_mask(unsigned bits) { return _mm512_set1_epi64((1LL << bits) - 1); }

inline Multiplier multiplier_of(const Limbs& r) {
  const auto times20 = [](__m512i x) { return _mm512_add_epi64(_mm512_slli_epi64(x, 4), _mm512_slli_epi64(x, 2)); };
  return {r, times20(r.l1), times20(r.l2)};
}

inline void accumulate(__m512i& low, __m512i& high, __m512i a, __m512i b) {
  low = _mm512_madd52lo_epu64(low, a, b);
  high = _mm512_madd52hi_epu64(high, a, b);
}

inline void multiply_add(Product& sum, const Limbs& a, const Multiplier& m) {
  accumulate(sum.low0, sum.high0, a.l0, m.r.l0);
  accumulate(sum.low1, sum.high1, a.l0, m.r.l1);
  accumulate(sum.low2, sum.high2, a.l0, m.r.l2);
  accumulate(sum.low0, sum.high0, a.l1, m.r2_times20);
  accumulate(sum.low1, sum.high1, a.l1, m.r.l0);
  accumulate(sum.low2, sum.high2, a.l1, m.r.l1);
  accumulate(sum.low0, sum.high0, a.l2, m.r1_times20);
  accumulate(sum.low1, sum.high1, a.l2, m.r2_times20);
  accumulate(sum.low2, sum.high2, a.l2, m.r.l0);
}

inline Product zero_product() {
  const __m512i zero = _mm512_setzero_si512();
  return {zero, zero, zero, zero, zero, zero};
}

// Sums of up to four products of limbs below 2^46 and multipliers below 2^49 come back as limbs below 2^44, 2^44 + 2^15, 2^42.
inline Limbs reduce(const Product& sum) {
  const __m512i mask44 = limb_mask(44);
  Limbs h;
  __m512i carry = _mm512_add_epi64(_mm512_srli_epi64(sum.low0, 44), _mm512_slli_epi64(sum.high0, 8));
  h.l0 = _mm512_and_si512(sum.low0, mask44);
  h.l1 = _mm512_add_epi64(sum.low1, carry);
  carry = _mm512_add_epi64(_mm512_srli_epi64(h.l1, 44), _mm512_slli_epi64(sum.high1, 8));
  h.l1 = _mm512_and_si512(h.l1, mask44);
  h.l2 = _mm512_add_epi64(sum.low2, carry);
  carry = _mm512_add_epi64(_mm512_srli_epi64(h.l2, 42), _mm512_slli_epi64(sum.high2, 10));
  h.l2 = _mm512_and_si512(h.l2, limb_mask(42));
  h.l0 = _mm512_add_epi64(h.l0, _mm512_add_epi64(carry, _mm512_slli_epi64(carry, 2)));
  h.l1 = _mm512_add_epi64(h.l1, _mm512_srli_epi64(h.l0, 44));
  h.l0 = _mm512_and_si512(h.l0, mask44);
  return h;
}

inline Limbs multiply(const Limbs& a, const Multiplier& m) {
  Product sum = zero_product();
  multiply_add(sum, a, m);
  return reduce(sum);
}

inline Limbs add(const Limbs& a, const Limbs& b) {
  return {_mm512_add_epi64(a.l0, b.l0), _mm512_add_epi64(a.l1, b.l1), _mm512_add_epi64(a.l2, b.l2)};
}

inline Limbs blend(__mmask8 take_b, const Limbs& a, const Limbs& b) {
  return {_mm512_mask_mov_epi64(a.l0, take_b, b.l0), _mm512_mask_mov_epi64(a.l1, take_b, b.l1), _mm512_mask_mov_epi64(a.l2, take_b, b.l2)};
}

// 128 bits a lane, and what stands at 2^128 (in units of 2^88: 2^40 for a block, 0 for none).
inline Limbs split(__m512i low, __m512i high, __m512i top) {
  const __m512i mask44 = limb_mask(44);
  return {_mm512_and_si512(low, mask44),
          _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(low, 44), _mm512_slli_epi64(high, 20)), mask44),
          _mm512_or_si512(_mm512_srli_epi64(high, 24), top)};
}

inline __m512i top_bit() { return _mm512_set1_epi64(1LL << 40); }

struct alignas(64) Tags {
  uint64_t low[kLanes];
  uint64_t high[kLanes];
};

// tag = (h mod p) + s mod 2^128.
inline void finish(Limbs h, __m512i s_low, __m512i s_high, Tags& tags) {
  const __m512i mask44 = limb_mask(44);
  const __m512i mask42 = limb_mask(42);
  for (int round = 0; round < 2; ++round) {
    h.l2 = _mm512_add_epi64(h.l2, _mm512_srli_epi64(h.l1, 44));
    h.l1 = _mm512_and_si512(h.l1, mask44);
    const __m512i carry = _mm512_srli_epi64(h.l2, 42);
    h.l2 = _mm512_and_si512(h.l2, mask42);
    h.l0 = _mm512_add_epi64(h.l0, _mm512_add_epi64(carry, _mm512_slli_epi64(carry, 2)));
    h.l1 = _mm512_add_epi64(h.l1, _mm512_srli_epi64(h.l0, 44));
    h.l0 = _mm512_and_si512(h.l0, mask44);
  }
  Limbs g;  // h + 5 - 2^130, which is h - p: taken where it is not negative
  g.l0 = _mm512_add_epi64(h.l0, _mm512_set1_epi64(5));
  g.l1 = _mm512_add_epi64(h.l1, _mm512_srli_epi64(g.l0, 44));
  g.l2 = _mm512_add_epi64(h.l2, _mm512_srli_epi64(g.l1, 44));
  const __mmask8 is_not_below_p = _mm512_test_epi64_mask(g.l2, _mm512_set1_epi64(1LL << 42));
  g.l0 = _mm512_and_si512(g.l0, mask44);
  g.l1 = _mm512_and_si512(g.l1, mask44);
  h = blend(is_not_below_p, h, g);
  __m512i low = _mm512_or_si512(h.l0, _mm512_slli_epi64(h.l1, 44));
  __m512i high = _mm512_or_si512(_mm512_srli_epi64(h.l1, 20), _mm512_slli_epi64(h.l2, 24));
  low = _mm512_add_epi64(low, s_low);
  high = _mm512_add_epi64(high, s_high);
  high = _mm512_mask_add_epi64(high, _mm512_cmplt_epu64_mask(low, s_low), high, _mm512_set1_epi64(1));
  _mm512_store_si512(tags.low, low);
  _mm512_store_si512(tags.high, high);
}

// rows[i] = parts (i.0, i.1, i.2, i.3) of 128 bits  ->  rows[p] = (0.p, 1.p, 2.p, 3.p)
inline void transpose_parts(__m512i& row0, __m512i& row1, __m512i& row2, __m512i& row3) {
  const __m512i a = _mm512_shuffle_i64x2(row0, row1, 0x44);
  const __m512i b = _mm512_shuffle_i64x2(row0, row1, 0xee);
  const __m512i c = _mm512_shuffle_i64x2(row2, row3, 0x44);
  const __m512i d = _mm512_shuffle_i64x2(row2, row3, 0xee);
  row0 = _mm512_shuffle_i64x2(a, c, 0x88);
  row1 = _mm512_shuffle_i64x2(a, c, 0xdd);
  row2 = _mm512_shuffle_i64x2(b, d, 0x88);
  row3 = _mm512_shuffle_i64x2(b, d, 0xdd);
}

// Eight rows of eight 64-bit words -> word w of all rows in word[w].
inline void transpose_words(const __m512i (&row)[8], __m512i (&word)[8]) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    word[2 * i] = _mm512_unpacklo_epi64(row[2 * i], row[2 * i + 1]);
    word[2 * i + 1] = _mm512_unpackhi_epi64(row[2 * i], row[2 * i + 1]);
  }
  transpose_parts(word[0], word[2], word[4], word[6]);
  transpose_parts(word[1], word[3], word[5], word[7]);
}

struct alignas(64) OneTimeKey {
  uint8_t bytes[kBlock];  // r, s, and the rest of block 0, which nobody uses
};

struct Message {  // what Poly1305 authenticates: the ciphertext
  const uint8_t* data;
  size_t length;
  const OneTimeKey* key;
  uint32_t packet;  // its number in the group
};

// Data blocks, and one with the lengths (RFC 8439 section 2.8; the associated data is empty).
inline size_t poly_blocks(size_t length) { return (length + kPolyBlock - 1) / kPolyBlock + 1; }

inline Limbs clamped(__m512i low, __m512i high) {
  return split(_mm512_and_si512(low, _mm512_set1_epi64(0x0ffffffc0fffffffLL)), _mm512_and_si512(high, _mm512_set1_epi64(0x0ffffffc0ffffffcLL)),
               _mm512_setzero_si512());
}

inline __mmask64 first_bytes(size_t count) { return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1; }

// 64 bytes of a message at `offset`, which may begin before it or reach beyond its end: there zeros stand.
inline __m512i load_part(const uint8_t* data, size_t length, std::ptrdiff_t offset) {
  if (offset <= -64) return _mm512_setzero_si512();
  const size_t skipped = offset < 0 ? static_cast<size_t>(-offset) : 0;
  const size_t end = static_cast<size_t>(static_cast<std::ptrdiff_t>(length) - offset);
  const __mmask64 wanted = first_bytes(end) & ~first_bytes(skipped);
  return _mm512_maskz_loadu_epi8(wanted, reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(data) + offset));
}

// One to eight messages, a lane each. All end together with their length blocks; the shorter ones begin later, behind zeros
// without the bit at 2^128, which leave h = 0. kStride blocks share one carry: h = (h + b0) r^k + b1 r^(k-1) + ... + b(k-1) r.
template <unsigned kStride>
void authenticate_lanes(const Message* messages, size_t count, Multiplier (&power)[4], Tags& tags) {
  const uint8_t* data[kLanes];
  size_t length[kLanes];
  std::ptrdiff_t lead[kLanes];  // bytes of zeros before the message
  alignas(64) uint64_t lead_blocks[kLanes];
  alignas(64) uint64_t length_words[kLanes];
  size_t most_blocks = 0;
  for (size_t i = 0; i < count; ++i) most_blocks = std::max(most_blocks, poly_blocks(messages[i].length));
  const size_t chunks = (most_blocks + 3) / 4;
  size_t first_full = 0;
  __m512i rows[8];
#pragma GCC unroll 8
  for (size_t i = 0; i < kLanes; ++i) {
    const Message& message = messages[i < count ? i : 0];
    data[i] = message.data;
    length[i] = length_words[i] = message.length;
    lead_blocks[i] = chunks * 4 - poly_blocks(message.length);
    lead[i] = static_cast<std::ptrdiff_t>(lead_blocks[i] * kPolyBlock);
    first_full = std::max(first_full, (static_cast<size_t>(lead_blocks[i]) + 3) / 4);
    rows[i] = _mm512_load_si512(message.key->bytes);
  }
  __m512i words[8];
  transpose_words(rows, words);
  const Limbs r = clamped(words[0], words[1]);
  const __m512i s_low = words[2];
  const __m512i s_high = words[3];
  power[0] = multiplier_of(r);
  if constexpr (kStride > 1) {
    const Limbs r2 = multiply(r, power[0]);
    power[1] = multiplier_of(r2);
    if constexpr (kStride > 2) {
      power[2] = multiplier_of(multiply(r2, power[0]));
      power[3] = multiplier_of(multiply(r2, power[1]));
    }
  }
  const __m512i lead_vector = _mm512_load_si512(lead_blocks);
  const __m512i lengths = _mm512_load_si512(length_words);
  Limbs h = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};

  const auto absorb = [&](const __m512i(&word)[8], const __m512i(&top)[4]) {
#pragma GCC unroll 4
    for (unsigned b = 0; b < 4; b += kStride) {
      Product sum = zero_product();
#pragma GCC unroll 4
      for (unsigned k = 1; k < kStride; ++k) multiply_add(sum, split(word[2 * (b + k)], word[2 * (b + k) + 1], top[b + k]), power[kStride - 1 - k]);
      multiply_add(sum, add(h, split(word[2 * b], word[2 * b + 1], top[b])), power[kStride - 1]);
      h = reduce(sum);
    }
  };
  const auto absorb_edge = [&](size_t chunk, bool is_last) {
#pragma GCC unroll 8
    for (size_t i = 0; i < kLanes; ++i) rows[i] = load_part(data[i], length[i], static_cast<std::ptrdiff_t>(chunk * 64) - lead[i]);
    transpose_words(rows, words);
    if (is_last) {
      words[6] = _mm512_setzero_si512();
      words[7] = lengths;
    }
    __m512i top[4];
#pragma GCC unroll 4
    for (unsigned b = 0; b < 4; ++b) {
      const __mmask8 has_begun = _mm512_cmple_epu64_mask(lead_vector, _mm512_set1_epi64(static_cast<long long>(chunk * 4 + b)));
      top[b] = _mm512_maskz_mov_epi64(has_begun, top_bit());
    }
    absorb(words, top);
  };

  size_t chunk = 0;
  for (; chunk < first_full && chunk + 1 < chunks; ++chunk) absorb_edge(chunk, false);
  for (; chunk + 1 < chunks; ++chunk) {
#pragma GCC unroll 8
    for (size_t i = 0; i < kLanes; ++i) {
      rows[i] = _mm512_loadu_si512(data[i] + (static_cast<std::ptrdiff_t>(chunk * 64) - lead[i]));
    }
    transpose_words(rows, words);
    absorb(words, {top_bit(), top_bit(), top_bit(), top_bit()});
  }
  absorb_edge(chunk, true);
  finish(h, s_low, s_high, tags);
}

inline __m512i sum_of_lanes(__m512i x) {  // in every lane
  x = _mm512_add_epi64(x, _mm512_shuffle_i64x2(x, x, 0x4e));
  x = _mm512_add_epi64(x, _mm512_shuffle_i64x2(x, x, 0xb1));
  return _mm512_add_epi64(x, _mm512_shuffle_epi32(x, _MM_PERM_BADC));
}

// One message, its blocks dealt to the lanes in the order 0 4 1 5 2 6 3 7 (what unpacking two vectors of four gives):
// h = (h + blocks) r^8, and at the end lane by lane r^8 r^4 r^7 r^3 r^6 r^2 r^5 r^1. Zeros stand before the message, as above.
void authenticate_alone(const Message& message, Multiplier (&power)[4], Tags& tags) {
  const size_t blocks = poly_blocks(message.length);
  const size_t pairs = (blocks + 15) / 16;
  const auto lead = static_cast<std::ptrdiff_t>((pairs * 16 - blocks) * kPolyBlock);
  const __m512i key = _mm512_load_si512(message.key->bytes);
  const auto word_of_key = [&](long long i) { return _mm512_permutexvar_epi64(_mm512_set1_epi64(i), key); };
  const Limbs r = clamped(word_of_key(0), word_of_key(1));
  const Multiplier times_r = multiplier_of(r);
  const Limbs r2 = multiply(r, times_r);
  const Multiplier times_r2 = multiplier_of(r2);
  // Exponents less one, lanes 0 to 7: 7 3 6 2 5 1 4 0.
  Limbs mixed = blend(0x33, r, r2);                         // those with bit 0
  mixed = blend(0x0f, mixed, multiply(mixed, times_r2));    // with bit 1
  const Limbs r4 = multiply(r2, times_r2);
  const Multiplier times_r4 = multiplier_of(r4);
  mixed = blend(0x55, mixed, multiply(mixed, times_r4));    // with bit 2
  const Limbs r8 = multiply(r4, times_r4);
  power[0] = multiplier_of(r8);
  power[1] = multiplier_of(mixed);
  if (pairs > 1) power[2] = multiplier_of(multiply(r8, power[0]));

  Limbs h = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
  const auto part = [&](size_t quarter) { return load_part(message.data, message.length, static_cast<std::ptrdiff_t>(quarter * 64) - lead); };
  const auto eight = [&](__m512i a, __m512i b, __m512i top) { return split(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b), top); };
  // Where blocks have begun: block numbers of the lanes against the zeros before the message.
  const __m512i lane_blocks = _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0);
  const auto top_from = [&](size_t first_block) {
    const __m512i number = _mm512_add_epi64(lane_blocks, _mm512_set1_epi64(static_cast<long long>(first_block)));
    const __m512i lead_blocks = _mm512_set1_epi64(static_cast<long long>(pairs * 16 - blocks));
    return _mm512_maskz_mov_epi64(_mm512_cmple_epu64_mask(lead_blocks, number), top_bit());
  };
  for (size_t pair = 0; pair + 1 < pairs; ++pair) {
    Product sum = zero_product();
    if (pair == 0) {
      multiply_add(sum, eight(part(2), part(3), top_from(8)), power[0]);
      multiply_add(sum, eight(part(0), part(1), top_from(0)), power[2]);
    } else {
      const uint8_t* at = message.data + (static_cast<std::ptrdiff_t>(pair * 256) - lead);
      multiply_add(sum, eight(_mm512_loadu_si512(at + 128), _mm512_loadu_si512(at + 192), top_bit()), power[0]);
      multiply_add(sum, add(h, eight(_mm512_loadu_si512(at), _mm512_loadu_si512(at + 64), top_bit())), power[2]);
    }
    h = reduce(sum);
  }
  const size_t last = (pairs - 1) * 4;
  h = multiply(add(h, eight(part(last), part(last + 1), top_from(last * 4))), power[0]);
  const __m512i lengths = _mm512_maskz_set1_epi64(0x80, static_cast<long long>(message.length));
  h = multiply(add(h, eight(part(last + 2), _mm512_or_si512(part(last + 3), lengths), top_from(last * 4 + 8))), power[1]);
  h = {sum_of_lanes(h.l0), sum_of_lanes(h.l1), sum_of_lanes(h.l2)};
  finish(h, word_of_key(2), word_of_key(3), tags);
}

// ChaCha20 ------------------------------------------------------------------------------------------------------------------
// Vector w holds word w of the state, one block a lane, so every line of RFC 8439's quarter round is one instruction for all.

struct Sixteen {
  using Vector = __m512i;
  using Mask = __mmask16;
  static constexpr unsigned kCount = 16;
  static Vector add(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
  static Vector exclusive_or(Vector a, Vector b) { return _mm512_xor_si512(a, b); }
  template <int kBits>
  static Vector rotate(Vector a) {
    return _mm512_rol_epi32(a, kBits);
  }
  static Vector all(uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }
  static Vector set_where(Mask lanes, Vector a, uint32_t word) { return _mm512_mask_set1_epi32(a, lanes, static_cast<int>(word)); }
  static Vector count_from(uint32_t first) {
    return _mm512_add_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), all(first));
  }
  static Vector blend(Mask lanes, Vector a, Vector b) { return _mm512_mask_mov_epi32(a, lanes, b); }
};

struct Eight {
  using Vector = __m256i;
  using Mask = __mmask8;
  static constexpr unsigned kCount = 8;
  static Vector add(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
  static Vector exclusive_or(Vector a, Vector b) { return _mm256_xor_si256(a, b); }
  template <int kBits>
  static Vector rotate(Vector a) {
    return _mm256_rol_epi32(a, kBits);
  }
  static Vector all(uint32_t word) { return _mm256_set1_epi32(static_cast<int>(word)); }
  static Vector set_where(Mask lanes, Vector a, uint32_t word) { return _mm256_mask_set1_epi32(a, lanes, static_cast<int>(word)); }
  static Vector count_from(uint32_t first) { return _mm256_add_epi32(_mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0), all(first)); }
  static Vector blend(Mask lanes, Vector a, Vector b) { return _mm256_mask_mov_epi32(a, lanes, b); }
};

// Four quarter rounds at once: of columns, or, with kDiagonal = 1, of diagonals.
template <class L, int kDiagonal>
inline void quarter_rounds(typename L::Vector (&x)[16]) {
  const auto step = [&]<int kBits>(int to, int to_shift, int from, int from_shift, int turned, int turned_shift) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      auto& sum = x[to + (i + to_shift * kDiagonal) % 4];
      auto& other = x[turned + (i + turned_shift * kDiagonal) % 4];
      sum = L::add(sum, x[from + (i + from_shift * kDiagonal) % 4]);
      other = L::template rotate<kBits>(L::exclusive_or(other, sum));
    }
  };
  step.template operator()<16>(0, 0, 4, 1, 12, 3);  // a += b; d = (d ^ a) <<< 16
  step.template operator()<12>(8, 2, 12, 3, 4, 1);  // c += d; b = (b ^ c) <<< 12
  step.template operator()<8>(0, 0, 4, 1, 12, 3);
  step.template operator()<7>(8, 2, 12, 3, 4, 1);
}

// Words 4g to 4g + 3 of all lanes -> for j = 0..3 the same words of lanes j, 4 + j, 8 + j, 12 + j, in row[j]'s 128-bit parts.
inline void transpose_quads(__m512i* row) {
  const __m512i a = _mm512_unpacklo_epi32(row[0], row[1]);
  const __m512i b = _mm512_unpackhi_epi32(row[0], row[1]);
  const __m512i c = _mm512_unpacklo_epi32(row[2], row[3]);
  const __m512i d = _mm512_unpackhi_epi32(row[2], row[3]);
  row[0] = _mm512_unpacklo_epi64(a, c);
  row[1] = _mm512_unpackhi_epi64(a, c);
  row[2] = _mm512_unpacklo_epi64(b, d);
  row[3] = _mm512_unpackhi_epi64(b, d);
}

inline void transpose_quads(__m256i* row) {
  const __m256i a = _mm256_unpacklo_epi32(row[0], row[1]);
  const __m256i b = _mm256_unpackhi_epi32(row[0], row[1]);
  const __m256i c = _mm256_unpacklo_epi32(row[2], row[3]);
  const __m256i d = _mm256_unpackhi_epi32(row[2], row[3]);
  row[0] = _mm256_unpacklo_epi64(a, c);
  row[1] = _mm256_unpackhi_epi64(a, c);
  row[2] = _mm256_unpacklo_epi64(b, d);
  row[3] = _mm256_unpackhi_epi64(b, d);
}

// One block's way: 64 bytes or fewer of `in` and stream to `out`.
struct Lane {
  const uint8_t* in;
  uint8_t* out;
  size_t size;
};

inline void apply(const Lane& lane, __m512i stream) {
  if (lane.size == kBlock) {
    _mm512_storeu_si512(lane.out, _mm512_xor_si512(stream, _mm512_loadu_si512(lane.in)));
  } else if (lane.size != 0) {
    const __mmask64 bytes = first_bytes(lane.size);
    _mm512_mask_storeu_epi8(lane.out, bytes, _mm512_xor_si512(stream, _mm512_maskz_loadu_epi8(bytes, lane.in)));
  }
}

// Sixteen vectors of words -> sixteen blocks, each applied to its lane's bytes.
inline void apply_all(__m512i (&x)[16], const Lane* lane) {
  transpose_quads(x), transpose_quads(x + 4), transpose_quads(x + 8), transpose_quads(x + 12);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    transpose_parts(x[j], x[4 + j], x[8 + j], x[12 + j]);
#pragma GCC unroll 4
    for (int part = 0; part < 4; ++part) apply(lane[4 * part + j], x[4 * part + j]);
  }
}

inline void apply_all(__m256i (&x)[16], const Lane* lane) {
  transpose_quads(x), transpose_quads(x + 4), transpose_quads(x + 8), transpose_quads(x + 12);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const __m512i front = _mm512_inserti64x4(_mm512_castsi256_si512(x[j]), x[4 + j], 1);
    const __m512i back = _mm512_inserti64x4(_mm512_castsi256_si512(x[8 + j]), x[12 + j], 1);
    apply(lane[j], _mm512_shuffle_i64x2(front, back, 0x88));
    apply(lane[4 + j], _mm512_shuffle_i64x2(front, back, 0xdd));
  }
}

alignas(64) constexpr uint8_t kZeros[kBlock] = {};

inline uint32_t word_at(const uint8_t* bytes) {
  uint32_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// The blocks of a group in one row, from first_block (0: the one-time key; 1: the first of the text) to the end of each packet.
// `stream` unset: the text is encrypted; set: the key stream of the text is laid there, block after block.
class BlockRow {
 public:
  BlockRow(const Packet* packets, size_t count, OneTimeKey* keys, uint8_t* stream = nullptr)
      : packets_(packets), count_(count), keys_(keys), stream_(stream) {}

  void run(bool with_keys, bool with_text) {
    first_block_ = with_keys ? 0 : 1;
    with_text_ = with_text;
    size_t left = 0;
    for (size_t i = 0; i < count_; ++i) left += end_block(i) - first_block_;
    number_ = 0;
    block_ = first_block_;
    left = run_passes<Sixteen>(left, Eight::kCount);
    run_passes<Eight>(left, 0);
  }

 private:
  size_t end_block(size_t i) const { return 1 + (with_text_ ? (packets_[i].length + kBlock - 1) / kBlock : 0); }

  template <class L>
  struct State {
    typename L::Vector key[8], counter, nonce_low, nonce_high;
    const uint8_t* key_in_lanes = nullptr;  // that of all lanes still to be dealt, if it is one
  };

  template <class L>
  size_t run_passes(size_t left, size_t enough) {
    State<L> state;
#pragma GCC unroll 8
    for (auto& word : state.key) word = L::all(0);
    state.counter = state.nonce_low = state.nonce_high = L::all(0);
    for (; left > enough; left -= std::min<size_t>(left, L::kCount)) {
      Lane lanes[L::kCount];
      fill(state, lanes);
      typename L::Vector x[16] = {L::all(0x61707865), L::all(0x3320646e), L::all(0x79622d32), L::all(0x6b206574),
                                  state.key[0],       state.key[1],       state.key[2],       state.key[3],
                                  state.key[4],       state.key[5],       state.key[6],       state.key[7],
                                  state.counter,      L::all(0),          state.nonce_low,    state.nonce_high};
#pragma GCC unroll 1
      for (int i = 0; i < 10; ++i) {
        quarter_rounds<L, 0>(x);
        quarter_rounds<L, 1>(x);
      }
      x[0] = L::add(x[0], L::all(0x61707865));
      x[1] = L::add(x[1], L::all(0x3320646e));
      x[2] = L::add(x[2], L::all(0x79622d32));
      x[3] = L::add(x[3], L::all(0x6b206574));
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) x[4 + i] = L::add(x[4 + i], state.key[i]);
      x[12] = L::add(x[12], state.counter);
      x[14] = L::add(x[14], state.nonce_low);
      x[15] = L::add(x[15], state.nonce_high);
      apply_all(x, lanes);
    }
    erase(&state, sizeof state);
    return left;
  }

  // Packets succeed each other in the lanes; what the next lanes need that the last pass left there already, stays.
  template <class L>
  void fill(State<L>& state, Lane (&lanes)[L::kCount]) {
    size_t used = 0;
    bool is_mixed = false;
    while (used < L::kCount && number_ < count_) {
      const Packet& packet = packets_[number_];
      const size_t end = end_block(number_);
      const size_t taken = std::min(L::kCount - used, end - block_);
      const auto mask = static_cast<typename L::Mask>(~0u << used);  // these lanes and all after them, whose turn comes
      if (packet.key != state.key_in_lanes) {
#pragma GCC unroll 8
        for (int i = 0; i < 8; ++i) state.key[i] = L::set_where(mask, state.key[i], word_at(packet.key + 4 * i));
        state.key_in_lanes = packet.key;
        is_mixed = used > 0;
      }
      state.counter = L::blend(mask, state.counter, L::count_from(static_cast<uint32_t>(block_ - used)));
      state.nonce_low = L::set_where(mask, state.nonce_low, static_cast<uint32_t>(packet.counter));
      state.nonce_high = L::set_where(mask, state.nonce_high, static_cast<uint32_t>(packet.counter >> 32));
      for (size_t i = 0; i < taken; ++i) lanes[used + i] = lane_of(packet, block_ + i);
      used += taken;
      block_ += taken;
      if (block_ == end) {
        ++number_;
        block_ = first_block_;
      }
    }
    for (; used < L::kCount; ++used) lanes[used] = {kZeros, nullptr, 0};
    if (is_mixed) state.key_in_lanes = nullptr;
  }

  Lane lane_of(const Packet& packet, size_t block) {
    if (block == 0) return {kZeros, keys_[number_].bytes, kBlock};
    const size_t offset = (block - 1) * kBlock;
    const size_t size = std::min(packet.length - offset, kBlock);
    if (stream_ == nullptr) return {packet.in + offset, packet.out + offset, size};
    uint8_t* place = stream_;
    stream_ += kBlock;
    return {kZeros, place, kBlock};
  }

  const Packet* packets_;
  size_t count_;
  OneTimeKey* keys_;
  uint8_t* stream_;
  size_t first_block_ = 0;
  bool with_text_ = true;
  size_t number_ = 0;  // of the packet whose block `block_` comes next
  size_t block_ = 0;
};

// Groups --------------------------------------------------------------------------------------------------------------------

struct Workspace {
  OneTimeKey keys[kGroup];
  Multiplier power[4];
  alignas(64) uint8_t stream[kStreamBlocks * kBlock];
};

// Lengths in steps of 12 % or less, so that messages of nearly equal length share a lock-step.
constexpr size_t kLengthClasses = 80;
inline size_t length_class(size_t blocks) {
  if (blocks < 16) return blocks;
  const auto exponent = static_cast<size_t>(std::bit_width(blocks)) - 4;  // 4097 blocks at most: 9
  return exponent * 8 + (blocks >> exponent);
}

// Longest first: a counting sort, because comparisons of random lengths would be mispredicted.
void sort_by_length(Message* messages, size_t count) {
  const size_t blocks = poly_blocks(messages[0].length);
  if (std::all_of(messages + 1, messages + count, [&](const Message& m) { return poly_blocks(m.length) == blocks; })) return;
  uint8_t place[kLengthClasses + 1] = {};
  uint8_t of[kGroup];
  for (size_t i = 0; i < count; ++i) {
    of[i] = static_cast<uint8_t>(kLengthClasses - 1 - length_class(poly_blocks(messages[i].length)));
    ++place[of[i] + 1];
  }
  for (size_t c = 1; c < kLengthClasses; ++c) place[c] = static_cast<uint8_t>(place[c] + place[c - 1]);
  Message sorted[kGroup];
  for (size_t i = 0; i < count; ++i) sorted[place[of[i]]++] = messages[i];
  std::copy(sorted, sorted + count, messages);
}

// What it costs, in blocks of a lock-step: measured.
inline size_t cost_alone(size_t blocks) { return blocks / 8 + 14; }

// How many of the next messages to take alone before the rest of them goes in lock-step.
size_t number_alone(const Message* messages, size_t count) {
  const size_t window = std::min(count, kLanes);
  size_t best = 0;
  size_t best_cost = poly_blocks(messages[0].length);
  size_t alone = 0;
  for (size_t i = 0; i < window; ++i) {
    alone += cost_alone(poly_blocks(messages[i].length));
    const size_t cost = alone + (i + 1 < window ? poly_blocks(messages[i + 1].length) : 0);
    if (cost < best_cost) {
      best_cost = cost;
      best = i + 1;
    }
  }
  return best;
}

// Hands every message's tag to take(message, low, high).
template <class Take>
void authenticate(Message* messages, size_t count, Workspace& workspace, Take take) {
  if (count == 0) return;
  sort_by_length(messages, count);
  Tags tags;
  for (size_t i = 0; i < count;) {
    for (size_t alone = number_alone(messages + i, count - i); alone > 0; --alone, ++i) {
      authenticate_alone(messages[i], workspace.power, tags);
      take(messages[i], tags.low[0], tags.high[0]);
    }
    const size_t together = std::min(count - i, kLanes);
    if (together == 0) break;
    size_t most_blocks = 0;
    for (size_t lane = 0; lane < together; ++lane) most_blocks = std::max(most_blocks, poly_blocks(messages[i + lane].length));
    if (most_blocks <= kBlocksForSquare) {
      authenticate_lanes<1>(messages + i, together, workspace.power, tags);
    } else if (most_blocks <= kBlocksForFourth) {
      authenticate_lanes<2>(messages + i, together, workspace.power, tags);
    } else {
      authenticate_lanes<4>(messages + i, together, workspace.power, tags);
    }
    for (size_t lane = 0; lane < together; ++lane, ++i) take(messages[i], tags.low[lane], tags.high[lane]);
  }
}

// Erased: the keys that were used, and the powers, whichever were.
inline void erase_keys(Workspace& workspace, size_t count) {
  erase(workspace.keys, count * sizeof(OneTimeKey));
  erase(workspace.power, sizeof workspace.power);
}

void seal_group(SealJob* jobs, size_t count) {
  Workspace workspace;
  Packet packets[kGroup];
  Message messages[kGroup];
  for (size_t i = 0; i < count; ++i) {
    const SealJob& job = jobs[i];
    packets[i] = {job.key, job.counter, job.in, job.out, job.length};
    messages[i] = {job.out, job.length, &workspace.keys[i], static_cast<uint32_t>(i)};
  }
  BlockRow(packets, count, workspace.keys).run(true, true);
  authenticate(messages, count, workspace, [](const Message& message, uint64_t low, uint64_t high) {
    auto* tag = const_cast<uint8_t*>(message.data) + message.length;
    std::memcpy(tag, &low, 8);
    std::memcpy(tag + 8, &high, 8);
  });
  erase_keys(workspace, count);
}

void open_group(OpenJob* jobs, size_t count) {
  Workspace workspace;
  Packet packets[kGroup];
  Message messages[kGroup];
  OpenJob* job_of[kGroup];
  size_t used = 0;
  size_t text_blocks = 0;
  for (size_t i = 0; i < count; ++i) {
    OpenJob& job = jobs[i];
    job.is_authentic = false;
    if (job.length < kAeadTagSize) continue;
    const size_t length = job.length - kAeadTagSize;
    packets[used] = {job.key, job.counter, job.in, job.out, length};
    messages[used] = {job.in, length, &workspace.keys[used], static_cast<uint32_t>(used)};
    job_of[used++] = &job;
    text_blocks += (length + kBlock - 1) / kBlock;
  }
  // Few blocks: the whole key stream with the keys, so that these do not need a pass of their own.
  const bool is_small = text_blocks <= kStreamBlocks;
  BlockRow(packets, used, workspace.keys, is_small ? workspace.stream : nullptr).run(true, is_small);
  authenticate(messages, used, workspace, [&](const Message& message, uint64_t low, uint64_t high) {
    uint64_t tag[2];
    std::memcpy(tag, message.data + message.length, sizeof tag);
    job_of[message.packet]->is_authentic = ((tag[0] ^ low) | (tag[1] ^ high)) == 0;
  });
  erase_keys(workspace, used);
  const uint8_t* stream = workspace.stream;
  size_t good = 0;
  for (size_t i = 0; i < used; ++i) {
    const Packet packet = packets[i];
    if (!job_of[i]->is_authentic) {
      std::memset(packet.out, 0, packet.length);
    } else if (is_small) {
      for (size_t done = 0; done < packet.length; done += kBlock) {
        apply({packet.in + done, packet.out + done, std::min(kBlock, packet.length - done)}, _mm512_load_si512(stream + done));
      }
    } else {
      packets[good++] = packet;
    }
    stream += (packet.length + kBlock - 1) / kBlock * kBlock;
  }
  if (is_small) {
    erase(workspace.stream, text_blocks * kBlock);
  } else {
    BlockRow(packets, good, nullptr).run(false, true);
  }
}

// As many of the next jobs as a workspace holds and the nearest cache keeps between the steps.
template <class Job, class Run>
void in_groups(std::span<Job> jobs, Run run) {
  Job* job = jobs.data();
  for (size_t left = jobs.size(); left > 0;) {
    size_t count = 0;
    size_t bytes = 0;
    while (count < left && count < kGroup && bytes < kGroupBytes) bytes += job[count++].length;
    run(job, count);
    job += count;
    left -= count;
  }
}

void seal_all(std::span<SealJob> jobs) noexcept { in_groups(jobs, seal_group); }
void open_all(std::span<OpenJob> jobs) noexcept { in_groups(jobs, open_group); }

}  // namespace

const AeadKernel kAvx512Kernel = {"avx512", runs_here, seal_all, open_all};

}  // namespace wgu::crypto
