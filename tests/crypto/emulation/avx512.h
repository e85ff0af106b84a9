#pragma once
// AVX-512 (F, BW, DQ, VL, IFMA) in plain C++, for compiling kernels/avx512.cc into a program that runs on any machine. SIMDe has most
// of it; what stands here is what SIMDe 0.7.4 (Debian 12) lacks, and those of its forms that choose lanes by a mask of lane comparisons:
// such a mask may be secret, and memcheck must not see a branch on it. So every form here whose operands may be secret is arithmetic.
//
// A kernel that uses an intrinsic missing from both fails to compile, the compiler naming it: add its form here, a row in forms.cc
// (forms_test.cc asks for one), and where the form is written here its definition in forms_test.cc.

#if defined(__AVX__)
#error "an emulation that is compiled for AVX proves nothing: give the target no -mavx* (see tests/CMakeLists.txt)"
#endif

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

using __mmask8 = simde__mmask8;
using __mmask16 = simde__mmask16;
using __mmask32 = simde__mmask32;
using __mmask64 = simde__mmask64;

namespace wgu::crypto::emulation {

// A vector of any width as lanes of Word.
template <class Word, std::size_t kBytes>
struct Lanes {
  static constexpr std::size_t kCount = kBytes / sizeof(Word);
  template <class Vector>
  static Lanes of(const Vector& vector) {
    static_assert(sizeof vector == kBytes);
    Lanes lanes;
    std::memcpy(lanes.lane, &vector, kBytes);
    return lanes;
  }
  template <class Vector>
  Vector to() const {
    static_assert(sizeof(Vector) == kBytes);
    Vector vector;
    std::memcpy(&vector, lane, kBytes);
    return vector;
  }
  Word lane[kCount];
};

template <class Word, class Vector>
auto lanes_of(const Vector& vector) {
  return Lanes<Word, sizeof(Vector)>::of(vector);
}

// All bits set where bit i of the mask is.
template <class Word>
Word where(std::uint64_t mask, std::size_t i) {
  return static_cast<Word>(Word{0} - static_cast<Word>(mask >> i & 1));
}

// 1 if a < b: the borrow of a - b (Hacker's Delight 2-12).
inline std::uint64_t is_less(std::uint64_t a, std::uint64_t b) { return ((~a & b) | ((~a | b) & (a - b))) >> 63; }

template <class Word, class Vector>
Vector select(std::uint64_t mask, const Vector& unset, const Vector& set) {
  const auto a = lanes_of<Word>(unset);
  const auto b = lanes_of<Word>(set);
  auto r = a;
  for (std::size_t i = 0; i < r.kCount; ++i) r.lane[i] = static_cast<Word>(a.lane[i] ^ ((a.lane[i] ^ b.lane[i]) & where<Word>(mask, i)));
  return r.template to<Vector>();
}

// Bit i is bit(lane i of a, lane i of b).
template <class Bit>
__mmask8 mask_of(__m512i a, __m512i b, Bit bit) {
  const auto x = lanes_of<std::uint64_t>(a);
  const auto y = lanes_of<std::uint64_t>(b);
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < x.kCount; ++i) mask |= bit(x.lane[i], y.lane[i]) << i;
  return static_cast<__mmask8>(mask);
}

// Lane by lane c plus bits 0 to 51 (kShift 0) or 52 to 103 (kShift 52) of the product of the low 52 bits of a and b.
template <unsigned kShift, class Vector>
Vector madd52(const Vector& c, const Vector& a, const Vector& b) {
  __extension__ using U128 = unsigned __int128;
  constexpr std::uint64_t kMask = (std::uint64_t{1} << 52) - 1;
  const auto x = lanes_of<std::uint64_t>(a);
  const auto y = lanes_of<std::uint64_t>(b);
  auto r = lanes_of<std::uint64_t>(c);
  for (std::size_t i = 0; i < r.kCount; ++i) {
    const U128 product = static_cast<U128>(x.lane[i] & kMask) * (y.lane[i] & kMask);
    r.lane[i] += static_cast<std::uint64_t>(product >> kShift) & kMask;
  }
  return r.template to<Vector>();
}

// Masked bytes of memory: those not chosen are not touched, so here the mask, which is public (a length), is branched on.
template <class Vector>
Vector load_bytes(std::uint64_t mask, const void* memory) {
  Lanes<std::uint8_t, sizeof(Vector)> r{};
  for (std::size_t i = 0; i < r.kCount; ++i) {
    if (mask >> i & 1) std::memcpy(&r.lane[i], reinterpret_cast<const char*>(reinterpret_cast<std::uintptr_t>(memory) + i), 1);
  }
  return r.template to<Vector>();
}

template <class Vector>
void store_bytes(void* memory, std::uint64_t mask, const Vector& vector) {
  const auto v = lanes_of<std::uint8_t>(vector);
  for (std::size_t i = 0; i < v.kCount; ++i) {
    if (mask >> i & 1) std::memcpy(reinterpret_cast<char*>(reinterpret_cast<std::uintptr_t>(memory) + i), &v.lane[i], 1);
  }
}

}  // namespace wgu::crypto::emulation

// The intrinsics' own names, so that a kernel's text needs no change. What SIMDe has under them is a macro: away with it.
#undef _mm256_mask_mov_epi32
#undef _mm256_mask_set1_epi32
#undef _mm512_cmple_epu64_mask
#undef _mm512_cmplt_epu64_mask
#undef _mm512_cvtepu8_epi64
#undef _mm512_madd52hi_epu64
#undef _mm512_madd52lo_epu64
#undef _mm512_mask_add_epi64
#undef _mm512_mask_mov_epi32
#undef _mm512_mask_mov_epi64
#undef _mm512_mask_set1_epi32
#undef _mm512_mask_storeu_epi8
#undef _mm512_maskz_loadu_epi8
#undef _mm512_maskz_mov_epi64
#undef _mm512_maskz_set1_epi64
#undef _mm512_shuffle_epi32
#undef _mm512_shuffle_i64x2
#undef _mm512_test_epi64_mask

// Compilers' enumeration of the orders of shuffles: the letters are lanes, the highest first.
enum _MM_PERM_ENUM : int { _MM_PERM_BADC = 0x4e };

inline __m256i _mm256_mask_mov_epi32(__m256i unset, __mmask8 mask, __m256i set) {
  return wgu::crypto::emulation::select<std::uint32_t>(mask, unset, set);
}
inline __m512i _mm512_mask_mov_epi32(__m512i unset, __mmask16 mask, __m512i set) {
  return wgu::crypto::emulation::select<std::uint32_t>(mask, unset, set);
}
inline __m512i _mm512_mask_mov_epi64(__m512i unset, __mmask8 mask, __m512i set) {
  return wgu::crypto::emulation::select<std::uint64_t>(mask, unset, set);
}
inline __m512i _mm512_maskz_mov_epi64(__mmask8 mask, __m512i set) {
  return wgu::crypto::emulation::select<std::uint64_t>(mask, _mm512_setzero_si512(), set);
}
inline __m256i _mm256_mask_set1_epi32(__m256i unset, __mmask8 mask, int word) {
  return wgu::crypto::emulation::select<std::uint32_t>(mask, unset, _mm256_set1_epi32(word));
}
inline __m512i _mm512_mask_set1_epi32(__m512i unset, __mmask16 mask, int word) {
  return wgu::crypto::emulation::select<std::uint32_t>(mask, unset, _mm512_set1_epi32(word));
}
inline __m512i _mm512_maskz_set1_epi64(__mmask8 mask, long long word) {
  return wgu::crypto::emulation::select<std::uint64_t>(mask, _mm512_setzero_si512(), _mm512_set1_epi64(word));
}
inline __m512i _mm512_mask_add_epi64(__m512i unset, __mmask8 mask, __m512i a, __m512i b) {
  return wgu::crypto::emulation::select<std::uint64_t>(mask, unset, _mm512_add_epi64(a, b));
}

inline __mmask8 _mm512_cmplt_epu64_mask(__m512i a, __m512i b) {
  return wgu::crypto::emulation::mask_of(a, b, wgu::crypto::emulation::is_less);
}
inline __mmask8 _mm512_cmple_epu64_mask(__m512i a, __m512i b) {
  return wgu::crypto::emulation::mask_of(a, b, [](std::uint64_t x, std::uint64_t y) { return 1 ^ wgu::crypto::emulation::is_less(y, x); });
}
inline __mmask8 _mm512_test_epi64_mask(__m512i a, __m512i b) {
  return wgu::crypto::emulation::mask_of(a, b, [](std::uint64_t x, std::uint64_t y) { return wgu::crypto::emulation::is_less(0, x & y); });
}

inline __m512i _mm512_madd52lo_epu64(__m512i c, __m512i a, __m512i b) { return wgu::crypto::emulation::madd52<0>(c, a, b); }
inline __m512i _mm512_madd52hi_epu64(__m512i c, __m512i a, __m512i b) { return wgu::crypto::emulation::madd52<52>(c, a, b); }

// The lowest eight bytes, each widened with zeros.
inline __m512i _mm512_cvtepu8_epi64(__m128i a) {
  const auto x = wgu::crypto::emulation::lanes_of<std::uint8_t>(a);
  wgu::crypto::emulation::Lanes<std::uint64_t, 64> r;
  for (std::size_t i = 0; i < r.kCount; ++i) r.lane[i] = x.lane[i];
  return r.to<__m512i>();
}

// Two bits of `order` a place: which word of its own quarter stands there.
inline __m512i _mm512_shuffle_epi32(__m512i a, int order) {
  const auto x = wgu::crypto::emulation::lanes_of<std::uint32_t>(a);
  auto r = x;
  for (std::size_t i = 0; i < r.kCount; ++i) r.lane[i] = x.lane[i / 4 * 4 + (static_cast<unsigned>(order) >> (2 * (i % 4)) & 3)];
  return r.to<__m512i>();
}

// Two bits of `order` a quarter: which quarter stands there, of `a` in the lower half, of `b` in the upper one.
inline __m512i _mm512_shuffle_i64x2(__m512i a, __m512i b, int order) {
  const auto low = wgu::crypto::emulation::lanes_of<std::uint64_t>(a);
  const auto high = wgu::crypto::emulation::lanes_of<std::uint64_t>(b);
  auto r = low;
  for (std::size_t i = 0; i < r.kCount; ++i) {
    const auto& from = i < r.kCount / 2 ? low : high;
    r.lane[i] = from.lane[(static_cast<unsigned>(order) >> (i / 2 * 2) & 3) * 2 + i % 2];
  }
  return r.to<__m512i>();
}

inline __m512i _mm512_maskz_loadu_epi8(__mmask64 mask, const void* memory) {
  return wgu::crypto::emulation::load_bytes<__m512i>(mask, memory);
}
inline void _mm512_mask_storeu_epi8(void* memory, __mmask64 mask, __m512i vector) {
  wgu::crypto::emulation::store_bytes(memory, mask, vector);
}
