#pragma once
// Poly1305 of many messages, AVX-512 with IFMA: eight messages at a time, one a lane of 64 bits, each under its own r and in lock-step to a
// common end (two such groups of short ones at once, which hide each other's latency); or a long message alone, eight blocks at a
// time, under powers of r. Scalar form, limbs of 44, 44 and 42 bits:  h = (h + block + 2^128) * r mod 2^130 - 5.  A product of limbs
// i and j with i + j >= 3 has weight 2^132 or more, and 2^132 = 4 * 2^130 = 20 (mod p): hence `times20`.

#include <algorithm>

#include "crypto/kernels/avx512_chacha20.h"

namespace wgu::crypto::avx512 {
namespace {  // compiled for this CPU: no copy may be picked by the linker for another

constexpr size_t kPolyLanes = 8;

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

WGU_INLINE Multiplier multiplier_of(const Limbs& r) {
  const auto times20 = [](__m512i x) { return _mm512_add_epi64(_mm512_slli_epi64(x, 4), _mm512_slli_epi64(x, 2)); };
  return {r, times20(r.l1), times20(r.l2)};
}

WGU_INLINE void accumulate(__m512i& low, __m512i& high, __m512i a, __m512i b) {
  low = _mm512_madd52lo_epu64(low, a, b);
  high = _mm512_madd52hi_epu64(high, a, b);
}

WGU_INLINE void multiply_add(Product& sum, const Limbs& a, const Multiplier& m) {
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

WGU_INLINE Product zero_product() {
  const __m512i zero = _mm512_setzero_si512();
  return {zero, zero, zero, zero, zero, zero};
}

// Sums of up to four products of limbs below 2^46 and multipliers below 2^49 come back as limbs below 2^44, 2^44 + 2^15, 2^42.
WGU_INLINE Limbs reduce(const Product& sum) {
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

WGU_INLINE Limbs multiply(const Limbs& a, const Multiplier& m) {
  Product sum = zero_product();
  multiply_add(sum, a, m);
  return reduce(sum);
}

WGU_INLINE Limbs add(const Limbs& a, const Limbs& b) {
  return {_mm512_add_epi64(a.l0, b.l0), _mm512_add_epi64(a.l1, b.l1), _mm512_add_epi64(a.l2, b.l2)};
}

WGU_INLINE Limbs blend(__mmask8 take_b, const Limbs& a, const Limbs& b) {
  return {_mm512_mask_mov_epi64(a.l0, take_b, b.l0), _mm512_mask_mov_epi64(a.l1, take_b, b.l1), _mm512_mask_mov_epi64(a.l2, take_b, b.l2)};
}

// 128 bits a lane, and what stands at 2^128 (in units of 2^88: 2^40 for a block, 0 for none).
WGU_INLINE Limbs split(__m512i low, __m512i high, __m512i top) {
  const __m512i mask44 = limb_mask(44);
  return {_mm512_and_si512(low, mask44), _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(low, 44), _mm512_slli_epi64(high, 20)), mask44),
          _mm512_or_si512(_mm512_srli_epi64(high, 24), top)};
}

inline __m512i top_bit() { return _mm512_set1_epi64(1LL << 40); }

struct alignas(64) Tags {
  uint64_t low[kPolyLanes];
  uint64_t high[kPolyLanes];
};

// tag = (h mod p) + s mod 2^128.
WGU_INLINE void finish(Limbs h, __m512i s_low, __m512i s_high, Tags& tags) {
  const __m512i mask44 = limb_mask(44);
  const __m512i mask42 = limb_mask(42);
  h.l2 = _mm512_add_epi64(h.l2, _mm512_srli_epi64(h.l1, 44));
  h.l1 = _mm512_and_si512(h.l1, mask44);
  const __m512i carry = _mm512_srli_epi64(h.l2, 42);
  h.l2 = _mm512_and_si512(h.l2, mask42);
  h.l0 = _mm512_add_epi64(h.l0, _mm512_add_epi64(carry, _mm512_slli_epi64(carry, 2)));
  h.l1 = _mm512_add_epi64(h.l1, _mm512_srli_epi64(h.l0, 44));  // by 8 at most, so that h < 2^130 + 2^91 < 2 p
  h.l0 = _mm512_and_si512(h.l0, mask44);
  Limbs g;  // h + 5 - 2^130, which is h - p: taken where it is not negative
  g.l0 = _mm512_add_epi64(h.l0, _mm512_set1_epi64(5));
  g.l1 = _mm512_add_epi64(h.l1, _mm512_srli_epi64(g.l0, 44));
  g.l2 = _mm512_add_epi64(h.l2, _mm512_srli_epi64(g.l1, 44));
  const __mmask8 is_not_below_p = _mm512_test_epi64_mask(g.l2, _mm512_set1_epi64(1LL << 42));
  g.l0 = _mm512_and_si512(g.l0, mask44);
  g.l1 = _mm512_and_si512(g.l1, mask44);
  h = blend(is_not_below_p, h, g);
  __m512i low = _mm512_or_si512(h.l0, _mm512_slli_epi64(h.l1, 44));
  __m512i high = _mm512_add_epi64(_mm512_srli_epi64(h.l1, 20), _mm512_slli_epi64(h.l2, 24));
  low = _mm512_add_epi64(low, s_low);
  high = _mm512_add_epi64(high, s_high);
  high = _mm512_mask_add_epi64(high, _mm512_cmplt_epu64_mask(low, s_low), high, _mm512_set1_epi64(1));
  _mm512_store_si512(tags.low, low);
  _mm512_store_si512(tags.high, high);
}

// Eight rows of eight 64-bit words -> word w of all rows in word[w].
WGU_INLINE void transpose_words(const __m512i (&row)[8], __m512i (&word)[8]) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    word[2 * i] = _mm512_unpacklo_epi64(row[2 * i], row[2 * i + 1]);
    word[2 * i + 1] = _mm512_unpackhi_epi64(row[2 * i], row[2 * i + 1]);
  }
  transpose_parts(word[0], word[2], word[4], word[6]);
  transpose_parts(word[1], word[3], word[5], word[7]);
}

// Halves of rows 0 and 2, 1 and 3, 4 and 6, 5 and 7 -> words 0 to 3 of all rows.
WGU_INLINE void transpose_halves(const __m512i (&pair)[4], __m512i* word) {
  const __m512i a = _mm512_unpacklo_epi64(pair[0], pair[1]);
  const __m512i b = _mm512_unpackhi_epi64(pair[0], pair[1]);
  const __m512i c = _mm512_unpacklo_epi64(pair[2], pair[3]);
  const __m512i d = _mm512_unpackhi_epi64(pair[2], pair[3]);
  word[0] = _mm512_shuffle_i64x2(a, c, 0x88);
  word[1] = _mm512_shuffle_i64x2(b, d, 0x88);
  word[2] = _mm512_shuffle_i64x2(a, c, 0xdd);
  word[3] = _mm512_shuffle_i64x2(b, d, 0xdd);
}

// 32 bytes from each address: eight rows of four words -> word w of all rows in word[w].
template <class At>
WGU_INLINE void load_transposed(At at, __m512i* word) {
  __m512i pair[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const int row = i / 2 * 4 + i % 2;
    const __m256i front = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at(row)));
    const __m256i back = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at(row + 2)));
    pair[i] = _mm512_inserti64x4(_mm512_castsi256_si512(front), back, 1);
  }
  transpose_halves(pair, word);
}

struct Message {  // what Poly1305 authenticates: the ciphertext
  const uint8_t* data;
  size_t length;
  const OneTimeKey* key;
  uint32_t packet;  // its number in the group
};

// Data blocks, and one with the lengths (RFC 8439 section 2.8; the associated data is empty).
constexpr size_t poly_blocks(size_t length) { return (length + kPolyBlock - 1) / kPolyBlock + 1; }

WGU_INLINE Limbs clamped(__m512i low, __m512i high) {
  return split(_mm512_and_si512(low, _mm512_set1_epi64(0x0ffffffc0fffffffLL)),
               _mm512_and_si512(high, _mm512_set1_epi64(0x0ffffffc0ffffffcLL)), _mm512_setzero_si512());
}

// 64 bytes of a message at `offset`, which may begin before it or reach beyond its end: there zeros stand.
WGU_INLINE __m512i load_part(const uint8_t* data, size_t length, std::ptrdiff_t offset) {
  if (offset <= -64) return _mm512_setzero_si512();
  const size_t skipped = offset < 0 ? static_cast<size_t>(-offset) : 0;
  const size_t end = static_cast<size_t>(static_cast<std::ptrdiff_t>(length) - offset);
  const __mmask64 wanted = first_bytes(end) & ~first_bytes(skipped);
  return _mm512_maskz_loadu_epi8(wanted, reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(data) + offset));
}

// r and its powers, a message a lane. Secret: they lie in the workspace, which is erased.
struct Powers {
  Multiplier of[4];
};

// One-time keys of eight messages (the first one's again where there are fewer).
struct Keys {
  __m512i s_low, s_high;
};

template <unsigned kStride>
WGU_INLINE Keys load_keys(const Message* messages, size_t count, Powers& r) {
  __m512i word[4];
  load_transposed([&](size_t i) { return messages[i < count ? i : 0].key->bytes; }, word);
  const Limbs r1 = clamped(word[0], word[1]);
  r.of[0] = multiplier_of(r1);
  if constexpr (kStride > 1) {
    const Limbs r2 = multiply(r1, r.of[0]);
    r.of[1] = multiplier_of(r2);
    if constexpr (kStride > 2) {
      r.of[2] = multiplier_of(multiply(r2, r.of[0]));
      r.of[3] = multiplier_of(multiply(r2, r.of[1]));
    }
  }
  return {word[2], word[3]};
}

inline Limbs zero_limbs() { return {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()}; }

// kStride blocks share one carry: h = (h + b0) r^k + b1 r^(k-1) + ... + b(k-1) r.
template <unsigned kStride>
WGU_INLINE void absorb(Limbs& h, const __m512i* word, const __m512i* top, const Powers& r) {
  Product sum = zero_product();
#pragma GCC unroll 4
  for (unsigned k = 1; k < kStride; ++k) multiply_add(sum, split(word[2 * k], word[2 * k + 1], top[k]), r.of[kStride - 1 - k]);
  multiply_add(sum, add(h, split(word[0], word[1], top[0])), r.of[kStride - 1]);
  h = reduce(sum);
}

// Nine to sixteen messages of one length, in two groups, whose instructions hide each other's latency; eight a group, a lane each.
template <unsigned kStride>
void authenticate_twins(const Message* messages, size_t count, Powers (&r)[2], Tags (&tags)[2]) {
  const uint8_t* data[2 * kPolyLanes];
  const size_t length = messages[0].length;
  for (size_t i = 0; i < 2 * kPolyLanes; ++i) data[i] = messages[i < count ? i : 0].data;
  Keys keys[2];
  Limbs h[2] = {zero_limbs(), zero_limbs()};
#pragma GCC unroll 2
  for (unsigned g = 0; g < 2; ++g) keys[g] = load_keys<kStride>(messages + g * kPolyLanes, count - g * kPolyLanes, r[g]);
  const __m512i top[4] = {top_bit(), top_bit(), top_bit(), top_bit()};
  __m512i word[2][8];
  size_t done = 0;
  for (; done + 64 <= length; done += 64) {
#pragma GCC unroll 2
    for (unsigned g = 0; g < 2; ++g) {
      load_transposed([&](size_t i) { return data[g * kPolyLanes + i] + done; }, word[g]);
      load_transposed([&](size_t i) { return data[g * kPolyLanes + i] + done + 32; }, word[g] + 4);
    }
#pragma GCC unroll 4
    for (unsigned b = 0; b < 4; b += kStride) {
      absorb<kStride>(h[0], word[0] + 2 * b, top, r[0]);
      absorb<kStride>(h[1], word[1] + 2 * b, top, r[1]);
    }
  }
  if (done < length) {
    const __mmask64 bytes = first_bytes(length - done);
#pragma GCC unroll 2
    for (unsigned g = 0; g < 2; ++g) {
      __m512i row[8];
#pragma GCC unroll 8
      for (unsigned i = 0; i < kPolyLanes; ++i) row[i] = _mm512_maskz_loadu_epi8(bytes, data[g * kPolyLanes + i] + done);
      transpose_words(row, word[g]);
    }
#pragma GCC unroll 4
    for (unsigned b = 0; b < 4; ++b) {
      if (length - done <= kPolyBlock * b) break;
      absorb<1>(h[0], word[0] + 2 * b, top, r[0]);
      absorb<1>(h[1], word[1] + 2 * b, top, r[1]);
    }
  }
  const __m512i lengths[2] = {_mm512_setzero_si512(), _mm512_set1_epi64(static_cast<long long>(length))};
  absorb<1>(h[0], lengths, top, r[0]);
  absorb<1>(h[1], lengths, top, r[1]);
  finish(h[0], keys[0].s_low, keys[0].s_high, tags[0]);
  finish(h[1], keys[1].s_low, keys[1].s_high, tags[1]);
}

// One to eight messages, a lane each. All end together with their length blocks; the shorter ones begin later, behind zeros
// without the bit at 2^128, which leave h = 0.
template <unsigned kStride>
void authenticate_lanes(const Message* messages, size_t count, Powers& r, Tags& tags) {
  const uint8_t* data[kPolyLanes];
  size_t length[kPolyLanes];
  std::ptrdiff_t lead[kPolyLanes];  // bytes of zeros before the message
  alignas(64) uint64_t lead_blocks[kPolyLanes];
  alignas(64) uint64_t length_words[kPolyLanes];
  size_t most_blocks = 0;
  for (size_t i = 0; i < count; ++i) most_blocks = std::max(most_blocks, poly_blocks(messages[i].length));
  const size_t chunks = (most_blocks + 3) / 4;
  size_t first_full = 0;
#pragma GCC unroll 8
  for (size_t i = 0; i < kPolyLanes; ++i) {
    const Message& message = messages[i < count ? i : 0];
    data[i] = message.data;
    length[i] = length_words[i] = message.length;
    lead_blocks[i] = chunks * 4 - poly_blocks(message.length);
    lead[i] = static_cast<std::ptrdiff_t>(lead_blocks[i] * kPolyBlock);
    first_full = std::max(first_full, (static_cast<size_t>(lead_blocks[i]) + 3) / 4);
  }
  const Keys keys = load_keys<kStride>(messages, count, r);
  const __m512i lead_vector = _mm512_load_si512(lead_blocks);
  const __m512i lengths = _mm512_load_si512(length_words);
  Limbs h = zero_limbs();

  const auto absorb_edge = [&](size_t chunk, bool is_last) {
    __m512i row[8];
    __m512i word[8];
#pragma GCC unroll 8
    for (size_t i = 0; i < kPolyLanes; ++i) row[i] = load_part(data[i], length[i], static_cast<std::ptrdiff_t>(chunk * 64) - lead[i]);
    transpose_words(row, word);
    if (is_last) {
      word[6] = _mm512_setzero_si512();
      word[7] = lengths;
    }
    __m512i top[4];
#pragma GCC unroll 4
    for (unsigned b = 0; b < 4; ++b) {
      const __mmask8 has_begun = _mm512_cmple_epu64_mask(lead_vector, _mm512_set1_epi64(static_cast<long long>(chunk * 4 + b)));
      top[b] = _mm512_maskz_mov_epi64(has_begun, top_bit());
    }
#pragma GCC unroll 4
    for (unsigned b = 0; b < 4; b += kStride) absorb<kStride>(h, word + 2 * b, top + b, r);
  };

  size_t chunk = 0;
  for (; chunk < first_full && chunk + 1 < chunks; ++chunk) absorb_edge(chunk, false);
  const __m512i top[4] = {top_bit(), top_bit(), top_bit(), top_bit()};
  for (; chunk + 1 < chunks; ++chunk) {
    __m512i word[8];
    load_transposed([&](size_t i) { return data[i] + (static_cast<std::ptrdiff_t>(chunk * 64) - lead[i]); }, word);
    load_transposed([&](size_t i) { return data[i] + (static_cast<std::ptrdiff_t>(chunk * 64) - lead[i]) + 32; }, word + 4);
#pragma GCC unroll 4
    for (unsigned b = 0; b < 4; b += kStride) absorb<kStride>(h, word + 2 * b, top, r);
  }
  absorb_edge(chunk, true);
  finish(h, keys.s_low, keys.s_high, tags);
}

inline __m512i sum_of_lanes(__m512i x) {  // in every lane
  x = _mm512_add_epi64(x, _mm512_shuffle_i64x2(x, x, 0x4e));
  x = _mm512_add_epi64(x, _mm512_shuffle_i64x2(x, x, 0xb1));
  return _mm512_add_epi64(x, _mm512_shuffle_epi32(x, _MM_PERM_BADC));
}

// One message, its blocks dealt to the lanes in the order 0 4 1 5 2 6 3 7 (what unpacking two vectors of four gives):
// h = (h + blocks) r^8, and at the end lane by lane r^8 r^4 r^7 r^3 r^6 r^2 r^5 r^1. Zeros stand before the message, as above.
inline void authenticate_alone(const Message& message, Powers& powers, Tags& tags) {
  auto& power = powers.of;
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
  Limbs mixed = blend(0x33, r, r2);                       // those with bit 0
  mixed = blend(0x0f, mixed, multiply(mixed, times_r2));  // with bit 1
  const Limbs r4 = multiply(r2, times_r2);
  const Multiplier times_r4 = multiplier_of(r4);
  mixed = blend(0x55, mixed, multiply(mixed, times_r4));  // with bit 2
  const Limbs r8 = multiply(r4, times_r4);
  power[0] = multiplier_of(r8);
  power[1] = multiplier_of(mixed);
  if (pairs > 1) power[2] = multiplier_of(multiply(r8, power[0]));

  Limbs h = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
  const auto part = [&](size_t quarter) {
    return load_part(message.data, message.length, static_cast<std::ptrdiff_t>(quarter * 64) - lead);
  };
  const auto eight = [&](__m512i a, __m512i b, __m512i top) {
    return split(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b), top);
  };
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

}  // namespace
}  // namespace wgu::crypto::avx512
