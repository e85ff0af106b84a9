// ChaCha20-Poly1305 for AVX2, in batches across packets. Up to four packets are under way at once; each pass computes the
// next eight 64-byte ChaCha20 blocks of any of them, one-time Poly1305 keys included, one block a 32-bit lane:
//   plan(k+1)    which eight blocks come next      compute(k)  eight ChaCha20 blocks, and woven between their vector
//   exchange(k)  seal: at once; open: a pass late              instructions the scalar Poly1305 of what pass k-1 covered
//   finish(k-1)  tags of the packets that are complete
// So vector units and multipliers work at the same time, and Poly1305 needs neither powers of r nor a horizontal fold: the
// chains of several packets hide each other's latency. A packet with none beside it takes the same steps, planned by rule.
// `open` hashes ciphertext a pass before it is overwritten, which lets both work in place, and zeroes the text of a packet whose
// tag proves wrong. Branches and indices depend on lengths and verdicts alone, which are public. WGU_NO_INLINE_ASM compiles the
// passes from intrinsics (the readable form of the assembly), WGU_EMULATED_AVX2 these from their emulation, for any machine.

#if defined(WGU_EMULATED_AVX2)
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#define WGU_NO_INLINE_ASM
#else
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "crypto/aead_kernels.h"

namespace wgu::crypto {
namespace {

using U8 = std::uint8_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;
__extension__ using U128 = unsigned __int128;

constexpr unsigned kLanes = 8;
constexpr U32 kBlock = 64;      // ChaCha20's
constexpr U32 kHashBlock = 16;  // Poly1305's
constexpr unsigned kSlots = 4;  // packets under way; more would leave each fewer blocks a pass, fewer leave latencies open

// Poly1305 of one packet, in radix 2^64. The clamp of r lets 2^128 wrap to 5/4 of r's upper half without a remainder.
struct alignas(64) Poly1305 {
  U64 h[3];
  U64 r0, r1, r1_5_4;
  U64 pad[2];               // s of RFC 8439 2.5
  U8 tail[2 * kHashBlock];  // the last bytes, padded with zeros, and the block of lengths
  U32 job;
};
static_assert(offsetof(Poly1305, r0) == 24 && offsetof(Poly1305, r1) == 32 && offsetof(Poly1305, r1_5_4) == 40, "as the assembly has them");

// One Poly1305 block to absorb.
struct Step {
  Poly1305* poly;
  const U8* block;
};

// What a pass made ready to be hashed: `full` blocks at `blocks`, then the last `tail` blocks of the tail buffer.
struct Segment {
  Poly1305* poly;
  const U8* blocks;
  U32 full;
  U32 tail;
  bool is_last;
};

struct Partial {  // a lane whose packet ends before its block does
  const U8* in;
  U8* out;
  Poly1305* poly;
  U32 size;
  U32 lane;
};

constexpr unsigned kMaxSteps = kLanes * 5;  // 4 blocks a lane, and the lengths of a packet that ends with it

struct alignas(64) Pass {
  U32 keystream[16][kLanes];  // ChaCha20's output, word by word
  U32 key[8][kLanes];         // its input
  U32 block[kLanes];
  U32 nonce_low[kLanes];
  U32 nonce_high[kLanes];
  alignas(32) const U8* in[kLanes];
  U8* out[kLanes];
  const U8* key_of[kLanes];
  Poly1305* key_for[kLanes];  // of the lanes of `key_lanes`, which compute one-time keys
  Segment segments[kLanes];
  Partial partials[kLanes];
  unsigned lanes, segment_count, partial_count, key_lanes;
  bool is_whole;  // eight whole blocks, none the last of its packet, as many of each packet
};
static_assert(offsetof(Pass, key) == 512 && offsetof(Pass, block) == 768 && offsetof(Pass, nonce_low) == 800 &&
                  offsetof(Pass, nonce_high) == 832,
              "as the assembly has them");

alignas(32) constexpr U32 kConstants[4][kLanes] = {
    {0x61707865, 0x61707865, 0x61707865, 0x61707865, 0x61707865, 0x61707865, 0x61707865, 0x61707865},
    {0x3320646e, 0x3320646e, 0x3320646e, 0x3320646e, 0x3320646e, 0x3320646e, 0x3320646e, 0x3320646e},
    {0x79622d32, 0x79622d32, 0x79622d32, 0x79622d32, 0x79622d32, 0x79622d32, 0x79622d32, 0x79622d32},
    {0x6b206574, 0x6b206574, 0x6b206574, 0x6b206574, 0x6b206574, 0x6b206574, 0x6b206574, 0x6b206574}};
alignas(32) constexpr U8 kZeros[kBlock] = {};

inline U64 load64(const U8* from) noexcept {
  U64 value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
inline void store64(U8* to, U64 value) noexcept { std::memcpy(to, &value, sizeof value); }

// h = (h + block + 2^128) * r modulo 2^130 - 5, left a few bits above 2^130. The scalar form of WGU_ABSORB.
[[maybe_unused]] inline void absorb(const Step& step) noexcept {
  Poly1305& s = *step.poly;
  U128 sum = U128{s.h[0]} + load64(step.block);
  const U64 h0 = static_cast<U64>(sum);
  sum = U128{s.h[1]} + load64(step.block + 8) + static_cast<U64>(sum >> 64);
  const U64 h1 = static_cast<U64>(sum);
  const U64 h2 = s.h[2] + 1 + static_cast<U64>(sum >> 64);
  const U128 low = U128{h0} * s.r0 + U128{h1} * s.r1_5_4;
  const U128 middle = U128{h0} * s.r1 + U128{h1} * s.r0 + U128{h2 * s.r1_5_4} + static_cast<U64>(low >> 64);
  const U64 high = h2 * s.r0 + static_cast<U64>(middle >> 64);
  const U128 folded = U128{static_cast<U64>(low)} + (high & ~U64{3}) + (high >> 2);  // what is above 2^130, times 5
  const U128 next = U128{static_cast<U64>(middle)} + static_cast<U64>(folded >> 64);
  s.h[0] = static_cast<U64>(folded);
  s.h[1] = static_cast<U64>(next);
  s.h[2] = (high & 3) + static_cast<U64>(next >> 64);
}

#if defined(WGU_NO_INLINE_ASM)
template <int kLeft>
inline __m256i rotate(__m256i x) noexcept {
  return _mm256_or_si256(_mm256_slli_epi32(x, kLeft), _mm256_srli_epi32(x, 32 - kLeft));
}

// The readable form of what the assembly does to eight blocks.
inline void quarter_round(__m256i& a, __m256i& b, __m256i& c, __m256i& d) noexcept {
  a = _mm256_add_epi32(a, b);
  d = rotate<16>(_mm256_xor_si256(d, a));
  c = _mm256_add_epi32(c, d);
  b = rotate<12>(_mm256_xor_si256(b, c));
  a = _mm256_add_epi32(a, b);
  d = rotate<8>(_mm256_xor_si256(d, a));
  c = _mm256_add_epi32(c, d);
  b = rotate<7>(_mm256_xor_si256(b, c));
}

inline __m256i load_row(const void* row) noexcept { return _mm256_load_si256(static_cast<const __m256i*>(row)); }

void compute(Pass& pass, const Step* steps, const Step* end) noexcept {
  __m256i input[16];
  __m256i x[16];
  for (unsigned i = 0; i < 4; ++i) input[i] = load_row(kConstants[i]);
  for (unsigned i = 0; i < 8; ++i) input[4 + i] = load_row(pass.key[i]);
  input[12] = load_row(pass.block);
  input[13] = _mm256_setzero_si256();
  input[14] = load_row(pass.nonce_low);
  input[15] = load_row(pass.nonce_high);
  for (unsigned i = 0; i < 16; ++i) x[i] = input[i];
  for (unsigned i = 0; i < 10; ++i) {
    for (unsigned j = 0; j < 4; ++j) quarter_round(x[j], x[4 + j], x[8 + j], x[12 + j]);
    for (unsigned j = 0; j < 4; ++j) quarter_round(x[j], x[4 + (j + 1) % 4], x[8 + (j + 2) % 4], x[12 + (j + 3) % 4]);
  }
  for (unsigned i = 0; i < 16; ++i) _mm256_store_si256(reinterpret_cast<__m256i*>(pass.keystream[i]), _mm256_add_epi32(x[i], input[i]));
  for (; steps != end; ++steps) absorb(*steps);
}

void absorb_all(const Step* steps, const Step* end) noexcept {
  for (; steps != end; ++steps) absorb(*steps);
}
#else
alignas(32) constexpr U8 kRotate16[32] = {2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13,
                                          2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13};
alignas(32) constexpr U8 kRotate8[32] = {3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14,
                                         3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14};

// ymm0-3: a of the four quarter rounds, ymm4-7: b, ymm11-14: d, ymm8-10 and ymm15: c. The four go in step, which hides their
// latency. A rotation needs a seventeenth register: each half round puts another c into its output row meanwhile, so that the
// detour through memory (10 cycles) never hits the same quarter round twice. One assembly block, because g++ 12 spills half of
// the state in every round of the intrinsics.
// clang-format off
#define WGU_ADD(a, b) "vpaddd %%ymm" #b ",%%ymm" #a ",%%ymm" #a "\n"
#define WGU_XOR_SHUFFLE(d, a, rotation) \
  "vpxor %%ymm" #a ",%%ymm" #d ",%%ymm" #d "\n vpshufb %[" #rotation "],%%ymm" #d ",%%ymm" #d "\n"
#define WGU_XOR(b, c) "vpxor %%ymm" #c ",%%ymm" #b ",%%ymm" #b "\n"
#define WGU_ROTATE(b, t, left, right)                                                                                                \
  "vpslld $" #left ",%%ymm" #b ",%%ymm" #t "\n vpsrld $" #right ",%%ymm" #b ",%%ymm" #b "\n vpor %%ymm" #t ",%%ymm" #b ",%%ymm" #b "\n"
// Half of four quarter rounds. c0 goes to memory (at `to`) and is then the temporary, c3 comes from there (`from`).
#define WGU_HALF(rotation, left, right, to, from, a0, b0, c0, d0, a1, b1, c1, d1, a2, b2, c2, d2, a3, b3, c3, d3)                    \
  WGU_ADD(a0, b0) WGU_ADD(a1, b1) WGU_ADD(a2, b2) WGU_ADD(a3, b3)                                                                   \
  WGU_XOR_SHUFFLE(d0, a0, rotation) WGU_XOR_SHUFFLE(d1, a1, rotation) WGU_XOR_SHUFFLE(d2, a2, rotation)                             \
  WGU_XOR_SHUFFLE(d3, a3, rotation)                                                                                                  \
  WGU_ADD(c0, d0) "vmovdqa %%ymm" #c0 "," #to "(%[pass])\n" WGU_ADD(c1, d1) WGU_ADD(c2, d2)                                         \
  "vpaddd " #from "(%[pass]),%%ymm" #d3 ",%%ymm" #c3 "\n"                                                                           \
  WGU_XOR(b0, c0) WGU_XOR(b1, c1) WGU_XOR(b2, c2) WGU_XOR(b3, c3)                                                                   \
  WGU_ROTATE(b0, c0, left, right) WGU_ROTATE(b1, c0, left, right) WGU_ROTATE(b2, c0, left, right) WGU_ROTATE(b3, c0, left, right)
// absorb() of steps[i]; rcx: the Poly1305, rbx: the block, then free.
#define WGU_ABSORB(i)                                                                                                                \
  "movq " #i "*16(%[steps]),%%rcx\n movq " #i "*16+8(%[steps]),%%rbx\n"                                                             \
  "movq (%%rcx),%%rdx\n movq 8(%%rcx),%%r8\n movq 16(%%rcx),%%r9\n"                                                                 \
  "addq (%%rbx),%%rdx\n adcq 8(%%rbx),%%r8\n adcq $1,%%r9\n"                                                                        \
  "mulxq 24(%%rcx),%%rax,%%r10\n mulxq 32(%%rcx),%%r11,%%r12\n"                                                                     \
  "movq %%r8,%%rdx\n"                                                                                                                \
  "mulxq 40(%%rcx),%%rbx,%%r13\n addq %%rbx,%%rax\n adcq %%r13,%%r10\n"                                                             \
  "mulxq 24(%%rcx),%%rbx,%%r13\n addq %%rbx,%%r11\n adcq %%r13,%%r12\n"                                                             \
  "movq 40(%%rcx),%%rbx\n imulq %%r9,%%rbx\n imulq 24(%%rcx),%%r9\n"                                                                \
  "addq %%rbx,%%r11\n adcq %%r9,%%r12\n addq %%r10,%%r11\n adcq $0,%%r12\n"                                                         \
  "movq %%r12,%%rbx\n movl %%r12d,%%r9d\n andq $-4,%%rbx\n shrq $2,%%r12\n andl $3,%%r9d\n"                                         \
  "addq %%r12,%%rbx\n addq %%rbx,%%rax\n adcq $0,%%r11\n adcq $0,%%r9\n"                                                            \
  "movq %%rax,(%%rcx)\n movq %%r11,8(%%rcx)\n movq %%r9,16(%%rcx)\n"
#define WGU_DOUBLE_ROUND(s0, s1, s2, s3)                                                                                             \
  WGU_HALF(rotate16, 12, 20, 256, 352, 0, 4, 8, 11, 1, 5, 9, 12, 2, 6, 10, 13, 3, 7, 15, 14) s0                                      \
  WGU_HALF(rotate8, 7, 25, 288, 256, 1, 5, 9, 12, 2, 6, 10, 13, 3, 7, 15, 14, 0, 4, 8, 11) s1                                        \
  WGU_HALF(rotate16, 12, 20, 320, 288, 0, 5, 10, 14, 1, 6, 15, 11, 2, 7, 8, 12, 3, 4, 9, 13) s2                                      \
  WGU_HALF(rotate8, 7, 25, 352, 320, 1, 6, 15, 11, 2, 7, 8, 12, 3, 4, 9, 13, 0, 5, 10, 14) s3
#define WGU_ADD_ROW(x, from, to) "vpaddd " from ",%%ymm" #x ",%%ymm" #x "\n vmovdqa %%ymm" #x "," #to "*32(%[pass])\n"

// Steps with no block left to compute beside them.
void absorb_all(const Step* steps, const Step* end) noexcept {
  if (steps == end) return;
  asm volatile(
      "1:\n" WGU_ABSORB(0) "addq $16,%[steps]\n cmpq %[end],%[steps]\n jb 1b\n"
      : [steps] "+r"(steps)
      : [end] "r"(end)
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "cc", "memory");
}

// Eight ChaCha20 blocks and, in the first double rounds, four steps of Poly1305 each. `end` - `steps` is a multiple of four.
void compute(Pass& pass, const Step* steps, const Step* end) noexcept {
  asm volatile(
      "vmovdqa %[constants],%%ymm0\n vmovdqa 32+%[constants],%%ymm1\n vmovdqa 64+%[constants],%%ymm2\n vmovdqa 96+%[constants],%%ymm3\n"
      "vmovdqa 512(%[pass]),%%ymm4\n vmovdqa 544(%[pass]),%%ymm5\n vmovdqa 576(%[pass]),%%ymm6\n vmovdqa 608(%[pass]),%%ymm7\n"
      "vmovdqa 640(%[pass]),%%ymm8\n vmovdqa 672(%[pass]),%%ymm9\n vmovdqa 704(%[pass]),%%ymm10\n vmovdqa 736(%[pass]),%%ymm15\n"
      "vmovdqa %%ymm15,352(%[pass])\n"
      "vmovdqa 768(%[pass]),%%ymm11\n vpxor %%ymm12,%%ymm12,%%ymm12\n vmovdqa 800(%[pass]),%%ymm13\n vmovdqa 832(%[pass]),%%ymm14\n"
      "movl $10,%%r14d\n"
      "cmpq %[end],%[steps]\n jae 2f\n"
      ".p2align 6\n"
      "1:\n" WGU_DOUBLE_ROUND(WGU_ABSORB(0), WGU_ABSORB(1), WGU_ABSORB(2), WGU_ABSORB(3))
      "addq $64,%[steps]\n decl %%r14d\n cmpq %[end],%[steps]\n jb 1b\n"
      "testl %%r14d,%%r14d\n jz 3f\n"
      ".p2align 6\n"
      "2:\n" WGU_DOUBLE_ROUND("", "", "", "")
      "decl %%r14d\n jnz 2b\n"
      "3:\n"
      WGU_ADD_ROW(0, "%[constants]", 0) WGU_ADD_ROW(1, "32+%[constants]", 1) WGU_ADD_ROW(2, "64+%[constants]", 2)
      WGU_ADD_ROW(3, "96+%[constants]", 3) WGU_ADD_ROW(4, "512(%[pass])", 4) WGU_ADD_ROW(5, "544(%[pass])", 5)
      WGU_ADD_ROW(6, "576(%[pass])", 6) WGU_ADD_ROW(7, "608(%[pass])", 7) WGU_ADD_ROW(8, "640(%[pass])", 8)
      WGU_ADD_ROW(9, "672(%[pass])", 9) WGU_ADD_ROW(10, "704(%[pass])", 10)
      "vmovdqa 352(%[pass]),%%ymm15\n" WGU_ADD_ROW(15, "736(%[pass])", 11)
      WGU_ADD_ROW(11, "768(%[pass])", 12) "vmovdqa %%ymm12,416(%[pass])\n" WGU_ADD_ROW(13, "800(%[pass])", 14)
      WGU_ADD_ROW(14, "832(%[pass])", 15)
      : [steps] "+r"(steps)
      : [pass] "r"(&pass), [end] "r"(end), [constants] "m"(kConstants), [rotate16] "m"(kRotate16), [rotate8] "m"(kRotate8)
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
        "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}
// clang-format on
#endif

struct Rows {
  __m256i row[4];
};

// 16 bytes each of `low` and `high`, side by side.
inline __m256i load_halves(const void* low, const void* high) noexcept {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(low))),
                                 _mm_loadu_si128(static_cast<const __m128i*>(high)), 1);
}

// Transposes two 4x4 matrices of words, one in each half. (A loop over the rows would stay one at -O2, through memory.)
inline Rows transpose(__m256i x0, __m256i x1, __m256i x2, __m256i x3) noexcept {
  const __m256i low01 = _mm256_unpacklo_epi32(x0, x1);
  const __m256i high01 = _mm256_unpackhi_epi32(x0, x1);
  const __m256i low23 = _mm256_unpacklo_epi32(x2, x3);
  const __m256i high23 = _mm256_unpackhi_epi32(x2, x3);
  return {{_mm256_unpacklo_epi64(low01, low23), _mm256_unpackhi_epi64(low01, low23), _mm256_unpacklo_epi64(high01, high23),
           _mm256_unpackhi_epi64(high01, high23)}};
}

// The words of eight keys, each word's eight in a row.
inline void transpose_keys(const U8* const keys[kLanes], U32 (*rows)[kLanes]) noexcept {
  for (unsigned half = 0; half < 2; ++half) {
    const unsigned at = 16 * half;
    const Rows x = transpose(load_halves(keys[0] + at, keys[4] + at), load_halves(keys[1] + at, keys[5] + at),
                             load_halves(keys[2] + at, keys[6] + at), load_halves(keys[3] + at, keys[7] + at));
    auto* const to = reinterpret_cast<__m256i*>(rows[4 * half]);
    _mm256_store_si256(to, x.row[0]);
    _mm256_store_si256(to + 1, x.row[1]);
    _mm256_store_si256(to + 2, x.row[2]);
    _mm256_store_si256(to + 3, x.row[3]);
  }
}

inline void xor_into(U8* out, const U8* in, __m256i keystream) noexcept {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                      _mm256_xor_si256(keystream, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in))));
}

// Eight words of four lanes: rows `row` to `row` + 7, lanes `lane` to `lane` + 3.
inline void xor_lanes(const Pass& pass, unsigned row, unsigned lane) noexcept {
  const auto* const k = &pass.keystream[row];
  const Rows x = transpose(load_halves(k[0] + lane, k[4] + lane), load_halves(k[1] + lane, k[5] + lane),
                           load_halves(k[2] + lane, k[6] + lane), load_halves(k[3] + lane, k[7] + lane));
  const unsigned at = 4 * row;
  xor_into(pass.out[lane] + at, pass.in[lane] + at, x.row[0]);
  xor_into(pass.out[lane + 1] + at, pass.in[lane + 1] + at, x.row[1]);
  xor_into(pass.out[lane + 2] + at, pass.in[lane + 2] + at, x.row[2]);
  xor_into(pass.out[lane + 3] + at, pass.in[lane + 3] + at, x.row[3]);
}

// 1 to 63 bytes, with loads and stores that overlap in the middle.
inline void copy_short(U8* to, const U8* from, std::size_t size) noexcept {
  if (size >= 32) {
    const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    const __m256i last = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + size - 32));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), first);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + size - 32), last);
  } else if (size >= 16) {
    const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i last = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + size - 16));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), first);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + size - 16), last);
  } else if (size >= 8) {
    const U64 first = load64(from);
    const U64 last = load64(from + size - 8);
    store64(to, first);
    store64(to + size - 8, last);
  } else {
    for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
  }
}

// Steps are written by twos: a pass has up to 40, and each would be two stores.
inline __m256i two_steps(Poly1305* poly0, const U8* block0, Poly1305* poly1, const U8* block1) noexcept {
  return _mm256_set_epi64x(reinterpret_cast<long long>(block1), reinterpret_cast<long long>(poly1), reinterpret_cast<long long>(block0),
                           reinterpret_cast<long long>(poly0));
}
inline Step* put_row(Step* step, __m256i first, __m256i second) noexcept {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(step), first);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(step + 2), second);
  return step + 4;
}

// The first `rows` blocks of each of four packets in turn.
inline Step* add_rows(Step* step, const Segment* s, U32 rows) noexcept {
  const __m256i next = _mm256_set_epi64x(kHashBlock, 0, kHashBlock, 0);
  __m256i first = two_steps(s[0].poly, s[0].blocks, s[1].poly, s[1].blocks);
  __m256i second = two_steps(s[2].poly, s[2].blocks, s[3].poly, s[3].blocks);
  for (U32 row = 0; row < rows; ++row) {
    step = put_row(step, first, second);
    first = _mm256_add_epi64(first, next);
    second = _mm256_add_epi64(second, next);
  }
  return step;
}

// 28 or 32 blocks of one packet. Beside the vectors one chain alone keeps up best with a gap in most rows of four.
inline Step* add_gapped_rows(Step* step, Poly1305* poly, const U8* block, U32 count, Poly1305* idle) noexcept {
  constexpr U32 kSize = kHashBlock;
  step = put_row(step, two_steps(poly, block, poly, block + kSize), two_steps(poly, block + 2 * kSize, poly, block + 3 * kSize));
  __m256i first = two_steps(poly, block + 4 * kSize, poly, block + 5 * kSize);
  __m256i second = two_steps(poly, block + 6 * kSize, idle, kZeros);
  for (unsigned row = 0; row < 8; ++row) {
    step = put_row(step, first, second);
    first = _mm256_add_epi64(first, _mm256_set_epi64x(3 * kSize, 0, 3 * kSize, 0));
    second = _mm256_add_epi64(second, _mm256_set_epi64x(0, 0, 3 * kSize, 0));
  }
  block += 28 * kSize;
  return count == 28
             ? step
             : put_row(step, two_steps(poly, block, poly, block + kSize), two_steps(poly, block + 2 * kSize, poly, block + 3 * kSize));
}

// `size`: a multiple of 64, `memory` aligned to it. Quicker than memset (inlined, it is "rep stos") for the little there is.
inline void erase_all(void* memory, std::size_t size) noexcept {
  auto* const at = static_cast<__m256i*>(memory);
  for (std::size_t i = 0; i < size / sizeof *at; i += 2) {
    _mm256_store_si256(at + i, _mm256_setzero_si256());
    _mm256_store_si256(at + i + 1, _mm256_setzero_si256());
  }
  asm volatile("" : : "r"(memory) : "memory");  // the stores are not dead
}

// A packet under way.
template <class Job>
struct Slot {
  const Job* job;
  Poly1305* poly;
  Segment* segment;  // in the pass being planned
  U32 size;          // of the text, without the tag
  U32 offset;        // of the next block in it; the block of the one-time key comes before
  U32 block;
};

constexpr U32 text_size(const SealJob& job) noexcept { return job.length; }
constexpr U32 text_size(const OpenJob& job) noexcept { return job.length - static_cast<U32>(kAeadTagSize); }
constexpr bool is_long_enough(const SealJob&) noexcept { return true; }
constexpr bool is_long_enough(const OpenJob& job) noexcept { return job.length >= kAeadTagSize; }
constexpr const U8* ciphertext(const SealJob& job) noexcept { return job.out; }
constexpr const U8* ciphertext(const OpenJob& job) noexcept { return job.in; }
inline void mark_too_short(SealJob&) noexcept {}
inline void mark_too_short(OpenJob& job) noexcept { job.is_authentic = false; }
inline void end_job(const SealJob& job, U64 tag0, U64 tag1) noexcept {
  store64(job.out + job.length, tag0);
  store64(job.out + job.length + 8, tag1);
}
// The only branch on a verdict, which is public; apart, so that the check for constant time can excuse it and nothing else.
[[gnu::noinline]] void conclude(const OpenJob& job) noexcept {
  if (!job.is_authentic) std::memset(job.out, 0, text_size(job));
}
inline void end_job(OpenJob& job, U64 tag0, U64 tag1) noexcept {
  const U8* const tag = job.in + text_size(job);
  job.is_authentic = ((tag0 ^ load64(tag)) | (tag1 ^ load64(tag + 8))) == 0;
  conclude(job);
}

// The batch on its way through. On the stack, about 10 KiB; erased up to what was used.
template <class Job>
class Batch {
 public:
  Batch(Job* jobs, std::size_t count) noexcept : jobs_(jobs), count_(count) {}
  void run() noexcept;

 private:
  static constexpr bool kSeals = std::is_same_v<Job, SealJob>;
  // At most eight packets begin in each of the passes planned, computed and hashed, and four wait in their slots: 28.
  static constexpr unsigned kPolys = 32;
  static constexpr unsigned kPasses = 3;  // planned, computed and hashed

  bool take(Slot<Job>& slot) noexcept;
  void plan(Pass& pass) noexcept;
  bool plan_whole_blocks(Pass& pass) noexcept;
  void add_lane(Pass& pass, Slot<Job>& slot) noexcept;
  U32 fill_tail(const Slot<Job>& slot) noexcept;
  void begin_polys(const Pass& pass) noexcept;
  void exchange(Pass& pass) noexcept;
  void collect_steps(const Pass& pass) noexcept;
  void finish(const Pass& pass) noexcept;
  void lay_out_alone(Pass& pass, const Slot<Job>& slot, U32 first) noexcept;
  void run_alone() noexcept;
  void run_step(Pass& pass) noexcept;
  void erase() noexcept;

  Job* jobs_;
  std::size_t count_;
  std::size_t next_ = 0;
  unsigned slot_count_ = 0;
  unsigned step_count_ = 0;
  U32 free_polys_ = ~U32{0};
  unsigned polys_used_ = 0;
  unsigned passes_used_ = 0;
  unsigned whole_passes_ = 0;  // in a row
  Slot<Job> slots_[kSlots];
  Step steps_[kMaxSteps];
  Poly1305 idle_;
  Poly1305 polys_[kPolys];
  alignas(64) U8 staging_[kLanes][kBlock];  // where lanes go that are not whole blocks of text
  Pass passes_[kPasses];
};

template <class Job>
bool Batch<Job>::take(Slot<Job>& slot) noexcept {
  while (next_ < count_ && !is_long_enough(jobs_[next_])) mark_too_short(jobs_[next_++]);
  if (next_ == count_) return false;
  Job& job = jobs_[next_];
  const auto index = static_cast<unsigned>(__builtin_ctz(free_polys_));
  free_polys_ &= free_polys_ - 1;
  if (index >= polys_used_) polys_used_ = index + 1;
  slot = {&job, &polys_[index], nullptr, text_size(job), 0, 0};
  slot.poly->job = static_cast<U32>(next_++);
  return true;
}

// Chooses the pass's blocks: one of each packet under way in turn, so that the chains of Poly1305 are many and short.
template <class Job>
void Batch<Job>::plan(Pass& pass) noexcept {
  pass.lanes = pass.segment_count = pass.partial_count = pass.key_lanes = 0;
  while (slot_count_ < kSlots && take(slots_[slot_count_])) ++slot_count_;
  if (slot_count_ == 0) return;
  pass.is_whole = plan_whole_blocks(pass);
  if (pass.is_whole) return;
  whole_passes_ = 0;
  for (unsigned i = 0; i < slot_count_; ++i) slots_[i].segment = nullptr;
  bool is_new_key = false;
  unsigned at = 0;
  while (pass.lanes < kLanes && slot_count_ > 0) {
    Slot<Job>& slot = slots_[at];
    is_new_key |= pass.key_of[pass.lanes] != slot.job->key;
    add_lane(pass, slot);
    ++at;
    if (slot.block > 0 && slot.offset >= slot.size && !take(slot)) {
      --at;
      slots_[at] = slots_[--slot_count_];
    }
    if (at >= slot_count_) at = 0;
  }
  for (unsigned lane = pass.lanes; lane < kLanes; ++lane) {
    is_new_key |= pass.key_of[lane] != kZeros;
    pass.key_of[lane] = kZeros;
    pass.in[lane] = kZeros;
    pass.out[lane] = staging_[lane];
    pass.block[lane] = pass.nonce_low[lane] = pass.nonce_high[lane] = 0;
  }
  if (is_new_key) transpose_keys(pass.key_of, pass.key);
}

// The same choice, quicker, while no packet under way begins or ends.
template <class Job>
bool Batch<Job>::plan_whole_blocks(Pass& pass) noexcept {
  const unsigned count = slot_count_;
  if (count == 3) return false;
  const U32 each = count == 4 ? 2 : count == 2 ? 4 : 8;
  for (unsigned i = 0; i < count; ++i) {
    if (slots_[i].block == 0 || slots_[i].size - slots_[i].offset <= each * kBlock) return false;
  }
  pass.lanes = kLanes;
  pass.segment_count = count;
  if (++whole_passes_ > kPasses) {  // as `kPasses` passes ago, only further on
    const __m256i further = _mm256_set1_epi64x(kPasses * each * kBlock);
    const auto advance = [&](auto** pointers) {
      auto* const at = reinterpret_cast<__m256i*>(pointers);
      _mm256_store_si256(at, _mm256_add_epi64(_mm256_load_si256(at), further));
      _mm256_store_si256(at + 1, _mm256_add_epi64(_mm256_load_si256(at + 1), further));
    };
    advance(pass.in);
    advance(pass.out);
    auto* const block = reinterpret_cast<__m256i*>(pass.block);
    _mm256_store_si256(block, _mm256_add_epi32(_mm256_load_si256(block), _mm256_set1_epi32(static_cast<int>(kPasses * each))));
    for (unsigned i = 0; i < count; ++i) {
      pass.segments[i].blocks += kPasses * each * kBlock;
      slots_[i].block += each;
      slots_[i].offset += each * kBlock;
    }
    return true;
  }
  bool is_new_key = false;
  for (unsigned i = 0; i < count; ++i) {
    Slot<Job>& slot = slots_[i];
    const Job& job = *slot.job;
    const U8* in = job.in + slot.offset;
    U8* out = job.out + slot.offset;
    U32 block = slot.block;
    pass.segments[i] = {slot.poly, ciphertext(job) + slot.offset, each * (kBlock / kHashBlock), 0, false};
    for (unsigned lane = i; lane < kLanes; lane += count) {
      is_new_key |= pass.key_of[lane] != job.key;
      pass.key_of[lane] = job.key;
      pass.block[lane] = block++;
      pass.nonce_low[lane] = static_cast<U32>(job.counter);
      pass.nonce_high[lane] = static_cast<U32>(job.counter >> 32);
      pass.in[lane] = in;
      pass.out[lane] = out;
      in += kBlock;
      out += kBlock;
    }
    slot.block = block;
    slot.offset += each * kBlock;
  }
  if (is_new_key) transpose_keys(pass.key_of, pass.key);
  return true;
}

template <class Job>
void Batch<Job>::add_lane(Pass& pass, Slot<Job>& slot) noexcept {
  const unsigned lane = pass.lanes++;
  const Job& job = *slot.job;
  pass.key_of[lane] = job.key;
  pass.block[lane] = slot.block;
  pass.nonce_low[lane] = static_cast<U32>(job.counter);
  pass.nonce_high[lane] = static_cast<U32>(job.counter >> 32);
  if (slot.segment == nullptr) {
    slot.segment = &pass.segments[pass.segment_count++];
    *slot.segment = {slot.poly, ciphertext(job) + slot.offset, 0, 0, false};
  }
  Segment& segment = *slot.segment;
  const U32 left = slot.size - slot.offset;
  if (slot.block++ == 0) {
    pass.in[lane] = kZeros;
    pass.out[lane] = staging_[lane];
    pass.key_for[lane] = slot.poly;
    pass.key_lanes |= 1U << lane;
    if (slot.size > 0) return;
  } else {
    if (left >= kBlock) {
      pass.in[lane] = job.in + slot.offset;
      pass.out[lane] = job.out + slot.offset;
      segment.full += kBlock / kHashBlock;
    } else {
      pass.partials[pass.partial_count++] = {job.in + slot.offset, job.out + slot.offset, slot.poly, left, lane};
      pass.in[lane] = pass.out[lane] = staging_[lane];
      segment.full += left / U32{kHashBlock};
    }
    slot.offset += kBlock;
    if (left > kBlock) return;
  }
  segment.tail = fill_tail(slot);
  segment.is_last = true;
}

// What the last whole Poly1305 block leaves, if anything, and the block of lengths. Returns how many blocks that is.
template <class Job>
U32 Batch<Job>::fill_tail(const Slot<Job>& slot) noexcept {
  U8* const tail = slot.poly->tail;
  const U32 odd = slot.size % kHashBlock;
  std::memset(tail, 0, 2 * kHashBlock);
  store64(tail + kHashBlock + 8, slot.size);
  if (!kSeals) copy_short(tail, slot.job->in + slot.size - odd, odd);
  return odd == 0 ? 1 : 2;
}

// RFC 8439 2.6: the first 32 bytes of block 0 are r and s.
template <class Job>
void Batch<Job>::begin_polys(const Pass& pass) noexcept {
  for (unsigned lanes = pass.key_lanes; lanes != 0; lanes &= lanes - 1) {
    const auto lane = static_cast<unsigned>(__builtin_ctz(lanes));
    Poly1305& poly = *pass.key_for[lane];
    const auto words = [&](unsigned i) { return pass.keystream[i][lane] | U64{pass.keystream[i + 1][lane]} << 32; };
    poly.h[0] = poly.h[1] = poly.h[2] = 0;
    poly.r0 = words(0) & 0x0ffffffc0fffffff;
    poly.r1 = words(2) & 0x0ffffffc0ffffffc;
    poly.r1_5_4 = poly.r1 + (poly.r1 >> 2);
    poly.pad[0] = words(4);
    poly.pad[1] = words(6);
  }
}

// Text to ciphertext or back.
template <class Job>
void Batch<Job>::exchange(Pass& pass) noexcept {
  for (unsigned i = 0; i < pass.partial_count; ++i) copy_short(staging_[pass.partials[i].lane], pass.partials[i].in, pass.partials[i].size);
  xor_lanes(pass, 0, 0);
  xor_lanes(pass, 8, 0);
  xor_lanes(pass, 0, 4);
  xor_lanes(pass, 8, 4);
  for (unsigned i = 0; i < pass.partial_count; ++i) {
    const Partial& partial = pass.partials[i];
    const U8* const from = staging_[partial.lane];
    copy_short(partial.out, from, partial.size);
    const U32 odd = partial.size % kHashBlock;
    if (kSeals) copy_short(partial.poly->tail, from + partial.size - odd, odd);
  }
}

// Lays out the Poly1305 steps of a pass: whole blocks, one of each packet in turn, then what is left of packets that end.
template <class Job>
void Batch<Job>::collect_steps(const Pass& pass) noexcept {
  Step* step = steps_;
  const Segment* const segments = pass.segments;
  const unsigned count = pass.segment_count;
  U32 rows = 0;  // that all have
  U32 most = 0;
  for (unsigned i = 0; i < count; ++i) most = most < segments[i].full ? segments[i].full : most;
  if (count == kSlots) {
    rows = most;
    for (unsigned i = 0; i < kSlots; ++i) rows = rows < segments[i].full ? rows : segments[i].full;
    step = add_rows(step, segments, rows);
  }
  for (; rows < most && count == 1; ++rows) *step++ = {segments[0].poly, segments[0].blocks + rows * kHashBlock};
  for (; rows < most; ++rows) {
    for (unsigned i = 0; i < count; ++i) {
      if (segments[i].full > rows) *step++ = {segments[i].poly, segments[i].blocks + rows * kHashBlock};
    }
  }
  if (!pass.is_whole) {
    for (unsigned i = 0; i < count; ++i) {
      if (segments[i].tail == 2) *step++ = {segments[i].poly, segments[i].poly->tail};
    }
    for (unsigned i = 0; i < count; ++i) {
      if (segments[i].tail > 0) *step++ = {segments[i].poly, segments[i].poly->tail + kHashBlock};
    }
  }
  step_count_ = static_cast<unsigned>(step - steps_);
}

// The tags of the packets that end in a pass whose steps are done. RFC 8439 2.5: (h mod 2^130 - 5) + s, modulo 2^128.
template <class Job>
void Batch<Job>::finish(const Pass& pass) noexcept {
  for (unsigned i = 0; i < pass.segment_count; ++i) {
    const Segment& segment = pass.segments[i];
    if (!segment.is_last) continue;
    const Poly1305& poly = *segment.poly;
    U128 sum = U128{poly.h[0]} + 5;
    const U64 g0 = static_cast<U64>(sum);
    sum = U128{poly.h[1]} + static_cast<U64>(sum >> 64);
    const U64 g1 = static_cast<U64>(sum);
    const U64 is_above = 0 - ((poly.h[2] + static_cast<U64>(sum >> 64)) >> 2);  // all ones if h >= 2^130 - 5
    sum = U128{(poly.h[0] & ~is_above) | (g0 & is_above)} + poly.pad[0];
    const U64 tag0 = static_cast<U64>(sum);
    const U64 tag1 = ((poly.h[1] & ~is_above) | (g1 & is_above)) + poly.pad[1] + static_cast<U64>(sum >> 64);
    end_job(jobs_[poly.job], tag0, tag1);
    free_polys_ |= U32{1} << (segment.poly - polys_);
  }
}

template <class Job>
void Batch<Job>::run_step(Pass& pass) noexcept {
  while (step_count_ % 4 != 0) steps_[step_count_++] = {&idle_, kZeros};
  compute(pass, steps_, steps_ + step_count_);
}

template <class Job>
void Batch<Job>::erase() noexcept {
  erase_all(polys_, polys_used_ * sizeof polys_[0]);
  erase_all(staging_, sizeof staging_);
  for (unsigned i = 0; i < kPasses && i < passes_used_; ++i) erase_all(passes_[i].keystream, offsetof(Pass, block));
}

// Blocks `first` to `first` + 7 of the only packet.
template <class Job>
void Batch<Job>::lay_out_alone(Pass& pass, const Slot<Job>& slot, U32 first) noexcept {
  const Job& job = *slot.job;
  // Stored whole, as it is loaded at once: eight stores of words would first have to reach the cache.
  _mm256_store_si256(reinterpret_cast<__m256i*>(pass.block),
                     _mm256_add_epi32(_mm256_set1_epi32(static_cast<int>(first)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
  pass.partial_count = pass.key_lanes = 0;
  unsigned lane = 0;
  if (first == 0) {
    pass.in[0] = kZeros;
    pass.out[0] = staging_[0];
    pass.key_lanes = 1;
    pass.key_for[0] = slot.poly;
    lane = 1;
  }
  U32 offset = (first + lane - 1) * kBlock;
  for (; lane < kLanes && offset + kBlock <= slot.size; ++lane, offset += kBlock) {
    pass.in[lane] = job.in + offset;
    pass.out[lane] = job.out + offset;
  }
  if (lane < kLanes && offset < slot.size) {
    pass.partials[pass.partial_count++] = {job.in + offset, job.out + offset, slot.poly, slot.size - offset, lane};
  }
  for (; lane < kLanes; ++lane) pass.in[lane] = pass.out[lane] = staging_[lane];
}

// A packet with no other beside it: no choice to make.
template <class Job>
void Batch<Job>::run_alone() noexcept {
  Slot<Job> slot;
  if (!take(slot)) return;
  const Job& job = *slot.job;
  constexpr unsigned kAlternating = kSeals ? 1 : 2;
  for (unsigned i = 0; i < kAlternating; ++i) {
    Pass& pass = passes_[i];
    for (const U8*& key : pass.key_of) key = job.key;
    _mm256_store_si256(reinterpret_cast<__m256i*>(pass.nonce_low), _mm256_set1_epi32(static_cast<int>(job.counter)));
    _mm256_store_si256(reinterpret_cast<__m256i*>(pass.nonce_high), _mm256_set1_epi32(static_cast<int>(job.counter >> 32)));
    transpose_keys(pass.key_of, pass.key);
  }
  const U32 tail = fill_tail(slot);
  const U32 blocks = 1 + (slot.size + kBlock - 1) / kBlock;
  Pass* before = nullptr;
  U32 hashed = 0;
  for (U32 first = 0;; first += kLanes) {
    Pass& now = passes_[first / kLanes % kAlternating];
    lay_out_alone(now, slot, first);
    run_step(now);
    if (!kSeals && before != nullptr) exchange(*before);
    begin_polys(now);
    if (kSeals) exchange(now);
    before = &now;
    if (first + kLanes >= blocks) break;
    const U32 count = (kLanes - (first == 0 ? 1 : 0)) * (kBlock / kHashBlock);
    step_count_ = static_cast<unsigned>(add_gapped_rows(steps_, slot.poly, ciphertext(job) + hashed, count, &idle_) - steps_);
    hashed += count * kHashBlock;
  }
  Step* step = steps_;
  for (; hashed + kHashBlock <= slot.size; hashed += kHashBlock) *step++ = {slot.poly, ciphertext(job) + hashed};
  for (U32 i = 2 - tail; i < 2; ++i) *step++ = {slot.poly, slot.poly->tail + i * kHashBlock};
  absorb_all(steps_, step);
  if (!kSeals) exchange(*before);
  before->segments[0] = {slot.poly, nullptr, 0, 0, true};
  before->segment_count = 1;
  finish(*before);
  passes_used_ = kAlternating;
  erase();
}

template <class Job>
void Batch<Job>::run() noexcept {
  idle_ = {};
  if (count_ == 1) return run_alone();
  for (Pass& pass : passes_) {
    for (const U8*& key : pass.key_of) key = nullptr;
  }
  Pass* now = &passes_[0];
  Pass* next = &passes_[1];
  Pass* before = nullptr;
  Pass* spare = &passes_[2];
  plan(*now);
  while (now->lanes > 0) {
    plan(*next);
    run_step(*now);
    ++passes_used_;
    if (before != nullptr) {
      if (!kSeals) exchange(*before);
      finish(*before);
      spare = before;
    }
    begin_polys(*now);
    if (kSeals) exchange(*now);
    collect_steps(*now);
    before = now;
    now = next;
    next = spare;
  }
  if (before == nullptr) return;
  absorb_all(steps_, steps_ + step_count_);
  if (!kSeals) exchange(*before);
  finish(*before);
  erase();
}

bool runs_here() noexcept {
#if defined(WGU_EMULATED_AVX2)
  return true;
#else
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");  // "avx2" includes that the system saves ymm registers
#endif
}

void seal_all(std::span<SealJob> jobs) noexcept { Batch<SealJob>(jobs.data(), jobs.size()).run(); }
void open_all(std::span<OpenJob> jobs) noexcept { Batch<OpenJob>(jobs.data(), jobs.size()).run(); }

}  // namespace

const AeadKernel kAvx2Kernel = {"avx2", runs_here, seal_all, open_all};

}  // namespace wgu::crypto
