// Every intrinsic of kernels/avx512.cc, run on bytes. Compiled twice: against the emulation, and by real_forms.cc for the CPU's own
// instructions. No templates of the standard library: the linker could take their copies compiled for this CPU for all the program.

#if defined(WGU_REAL_FORMS)
#include <immintrin.h>
#else
#include "crypto/emulation/avx512.h"
#endif

#include <utility>

#include "crypto/emulation/forms.h"

namespace wgu::crypto::emulation {
namespace {

// Operands and results as vectors. `narrow` is the lower half.
inline __m512i wide(const std::uint8_t* bytes) { return _mm512_loadu_si512(bytes); }
inline __m256i narrow(const std::uint8_t* bytes) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes)); }
inline void put(Results& results, __m512i vector, std::size_t i = 0) { _mm512_storeu_si512(results.vector[i], vector); }
inline void put(Results& results, __m256i vector, std::size_t i = 0) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(results.vector[i]), vector);
}
inline void put(Results& results, std::uint64_t mask) {
  for (unsigned i = 0; i < 8; ++i) results.vector[0][i] = static_cast<std::uint8_t>(mask >> (8 * i));
}
inline std::uint64_t word64(const std::uint8_t* bytes, unsigned i = 0) {
  std::uint64_t word = 0;
  for (unsigned k = 0; k < 8; ++k) word |= std::uint64_t{bytes[8 * i + k]} << (8 * k);
  return word;
}
inline int word32(const std::uint8_t* bytes, unsigned i = 0) { return static_cast<int>(word64(bytes, i / 2) >> (i % 2 * 32)); }
inline __mmask8 mask8(const Operands& x) { return static_cast<__mmask8>(x.mask); }
inline __mmask16 mask16(const Operands& x) { return static_cast<__mmask16>(x.mask); }

// run(number) for each immediate 0 .. sizeof...(kNumbers) - 1.
template <std::size_t... kNumbers, class Run>
inline void for_each_immediate(std::index_sequence<kNumbers...>, Run run) {
  (run.template operator()<static_cast<int>(kNumbers)>(), ...);
}

// clang-format off: it breaks the lines before `#name`.
#define FORM(name, statement) {#name, [](const Operands& x, Results& r) noexcept { statement; }}
#define FORM_A(name) FORM(name, put(r, name(wide(x.a))))
#define FORM_AB(name) FORM(name, put(r, name(wide(x.a), wide(x.b))))
#define NARROW_AB(name) FORM(name, put(r, name(narrow(x.a), narrow(x.b))))
#define FORM_CAB(name) FORM(name, put(r, name(wide(x.c), wide(x.a), wide(x.b))))
// For every immediate below `count`.
#define FORM_IMMEDIATE(name, count, statement) \
  FORM(name, for_each_immediate(std::make_index_sequence<count>(), [&]<int kNumber>() { statement; }))
// Orders of a shuffle: 64 of the 256, and with them every choice of every place.
#define FORM_ORDER(name, call) FORM_IMMEDIATE(name, 64, constexpr int kOrder = kNumber * 5 % 256; put(r, call, kNumber))
// clang-format on

constexpr Form kForms[] = {
    NARROW_AB(_mm256_add_epi32),
    NARROW_AB(_mm256_unpackhi_epi32),
    NARROW_AB(_mm256_unpackhi_epi64),
    NARROW_AB(_mm256_unpacklo_epi32),
    NARROW_AB(_mm256_unpacklo_epi64),
    NARROW_AB(_mm256_xor_si256),
    FORM(_mm_cvtsi64_si128, put(r, _mm512_cvtepu8_epi64(_mm_cvtsi64_si128(static_cast<long long>(word64(x.a)))))),
    FORM(_mm256_load_si256, put(r, _mm256_load_si256(reinterpret_cast<const __m256i*>(x.a)))),
    FORM(_mm256_loadu_si256, put(r, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x.a + 1)))),
    FORM(_mm256_setzero_si256, static_cast<void>(x); put(r, _mm256_setzero_si256())),
    FORM(_mm256_mask_mov_epi32, put(r, _mm256_mask_mov_epi32(narrow(x.a), mask8(x), narrow(x.b)))),
    FORM(_mm256_mask_set1_epi32, put(r, _mm256_mask_set1_epi32(narrow(x.a), mask8(x), word32(x.b)))),
    FORM_IMMEDIATE(_mm256_rol_epi32, 32, put(r, _mm256_rol_epi32(narrow(x.a), kNumber), kNumber)),
    FORM(_mm256_set1_epi32, put(r, _mm256_set1_epi32(word32(x.a)))),
    FORM(_mm256_set_epi32, put(r, _mm256_set_epi32(word32(x.a), word32(x.a, 1), word32(x.a, 2), word32(x.a, 3), word32(x.a, 4),
                                                   word32(x.a, 5), word32(x.a, 6), word32(x.a, 7)))),
    FORM_AB(_mm512_add_epi32),
    FORM_AB(_mm512_add_epi64),
    FORM_AB(_mm512_sub_epi64),
    FORM_AB(_mm512_and_si512),
    FORM_AB(_mm512_or_si512),
    FORM_AB(_mm512_xor_si512),
    FORM_AB(_mm512_unpackhi_epi32),
    FORM_AB(_mm512_unpackhi_epi64),
    FORM_AB(_mm512_unpacklo_epi32),
    FORM_AB(_mm512_unpacklo_epi64),
    FORM_AB(_mm512_permutexvar_epi64),
    FORM_AB(_mm512_cmple_epu64_mask),
    FORM_AB(_mm512_cmplt_epu64_mask),
    FORM_AB(_mm512_test_epi64_mask),
    FORM_CAB(_mm512_madd52hi_epu64),
    FORM_CAB(_mm512_madd52lo_epu64),
    FORM(_mm512_cvtepi64_epi32, put(r, _mm512_cvtepi64_epi32(wide(x.a)))),
    FORM(_mm512_cvtepu8_epi64, put(r, _mm512_cvtepu8_epi64(_mm_cvtsi64_si128(static_cast<long long>(word64(x.a)))))),
    FORM(_mm512_castsi256_si512, put(r, _mm512_castsi512_si256(_mm512_castsi256_si512(narrow(x.a))))),
    FORM_IMMEDIATE(_mm512_inserti64x4, 2, put(r, _mm512_inserti64x4(wide(x.a), narrow(x.b), kNumber), kNumber)),
    FORM(_mm512_load_si512, put(r, _mm512_load_si512(x.a))),
    FORM(_mm512_loadu_si512, put(r, _mm512_loadu_si512(x.a + 1))),
    FORM(_mm512_store_si512, _mm512_store_si512(r.vector[0], wide(x.a))),
    FORM(_mm512_storeu_si512, _mm512_storeu_si512(r.vector[0] + 1, wide(x.a))),
    FORM(_mm512_mask_add_epi64, put(r, _mm512_mask_add_epi64(wide(x.c), mask8(x), wide(x.a), wide(x.b)))),
    FORM(_mm512_mask_mov_epi32, put(r, _mm512_mask_mov_epi32(wide(x.a), mask16(x), wide(x.b)))),
    FORM(_mm512_mask_mov_epi64, put(r, _mm512_mask_mov_epi64(wide(x.a), mask8(x), wide(x.b)))),
    FORM(_mm512_maskz_mov_epi64, put(r, _mm512_maskz_mov_epi64(mask8(x), wide(x.a)))),
    FORM(_mm512_mask_set1_epi32, put(r, _mm512_mask_set1_epi32(wide(x.a), mask16(x), word32(x.b)))),
    FORM(_mm512_maskz_set1_epi64, put(r, _mm512_maskz_set1_epi64(mask8(x), static_cast<long long>(word64(x.a))))),
    FORM(_mm512_maskz_loadu_epi8, put(r, _mm512_maskz_loadu_epi8(x.mask, x.a + 1))),
    FORM(_mm512_mask_storeu_epi8, _mm512_mask_storeu_epi8(r.vector[0] + 1, x.mask, wide(x.a))),
    FORM_IMMEDIATE(_mm512_rol_epi32, 32, put(r, _mm512_rol_epi32(wide(x.a), kNumber), kNumber)),
    FORM_IMMEDIATE(_mm512_slli_epi64, 64, put(r, _mm512_slli_epi64(wide(x.a), kNumber), kNumber)),
    FORM_IMMEDIATE(_mm512_srli_epi64, 64, put(r, _mm512_srli_epi64(wide(x.a), kNumber), kNumber)),
    FORM_ORDER(_mm512_shuffle_epi32, _mm512_shuffle_epi32(wide(x.a), static_cast<_MM_PERM_ENUM>(kOrder))),
    FORM_ORDER(_mm512_shuffle_i64x2, _mm512_shuffle_i64x2(wide(x.a), wide(x.b), kOrder)),
    FORM(_MM_PERM_BADC, put(r, _mm512_shuffle_epi32(wide(x.a), _MM_PERM_BADC))),
    FORM(_mm512_set1_epi32, put(r, _mm512_set1_epi32(word32(x.a)))),
    FORM(_mm512_set1_epi64, put(r, _mm512_set1_epi64(static_cast<long long>(word64(x.a))))),
    FORM(_mm512_set_epi32,
         put(r, _mm512_set_epi32(word32(x.a), word32(x.a, 1), word32(x.a, 2), word32(x.a, 3), word32(x.a, 4), word32(x.a, 5),
                                 word32(x.a, 6), word32(x.a, 7), word32(x.a, 8), word32(x.a, 9), word32(x.a, 10), word32(x.a, 11),
                                 word32(x.a, 12), word32(x.a, 13), word32(x.a, 14), word32(x.a, 15)))),
    FORM(_mm512_set_epi64, put(r, _mm512_set_epi64(static_cast<long long>(word64(x.a)), static_cast<long long>(word64(x.a, 1)),
                                                   static_cast<long long>(word64(x.a, 2)), static_cast<long long>(word64(x.a, 3)),
                                                   static_cast<long long>(word64(x.a, 4)), static_cast<long long>(word64(x.a, 5)),
                                                   static_cast<long long>(word64(x.a, 6)), static_cast<long long>(word64(x.a, 7))))),
    FORM(_mm512_setzero_si512, static_cast<void>(x); put(r, _mm512_setzero_si512())),
};

}  // namespace

#if defined(WGU_REAL_FORMS)
const std::span<const Form> kRealForms = kForms;
bool runs_real_forms() noexcept {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512ifma");
}
#else
const std::span<const Form> kEmulatedForms = kForms;
#endif

}  // namespace wgu::crypto::emulation
