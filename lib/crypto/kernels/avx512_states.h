#pragma once
// ChaCha20's states, AVX-512: 32, 24, 16 or 8 blocks of a pass, one a lane of 32 bits. Vector w holds word w of the state, so every line of
// RFC 8439's quarter round is one instruction for all lanes. 32 and 24 are two states side by side, whose instructions alternate: one
// state alone does not fill the pipes (Zen 4: 627 cycles for 16 blocks, 1103 for 32; all pipes always busy, it would be 480 and 960).

#include "crypto/kernels/avx512_intrinsics.h"

namespace wgu::crypto::avx512 {
namespace {  // compiled for this CPU: no copy may be picked by the linker for another

constexpr unsigned kMostLanes = 32;

struct Stretch;  // avx512_woven.h

// What the blocks of a pass begin with, after the constants; word 13, the first
// third of RFC 8439's nonce, is zero in WireGuard's.
struct alignas(64) PassInput {
  uint32_t key[8][kMostLanes];
  uint32_t block[kMostLanes];
  uint32_t nonce_low[kMostLanes];
  uint32_t nonce_high[kMostLanes];
  uint32_t last_words[4][16];  // room for the assembly: the second state's words 12 to 15
  const Stretch* woven;        // what to absorb meanwhile, if anything,
  const Stretch* woven_end;
};
static_assert(offsetof(PassInput, block) == 1024 && offsetof(PassInput, nonce_low) == 1152 && offsetof(PassInput, nonce_high) == 1280 &&
                  offsetof(PassInput, last_words) == 1408 && offsetof(PassInput, woven) == 1664 &&
                  offsetof(PassInput, woven_end) == 1672,
              "as the assembly has them");

#define WGU_SIXTEEN_TIMES(x) \
  { x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x }
alignas(64) constexpr uint32_t kConstants[4][16] = {WGU_SIXTEEN_TIMES(0x61707865), WGU_SIXTEEN_TIMES(0x3320646e),
                                                    WGU_SIXTEEN_TIMES(0x79622d32), WGU_SIXTEEN_TIMES(0x6b206574)};
#undef WGU_SIXTEEN_TIMES

struct Sixteen {
  using Vector = __m512i;
  static constexpr unsigned kCount = 16;
  static Vector load(const void* from) { return _mm512_load_si512(from); }
  static Vector zero() { return _mm512_setzero_si512(); }
  static Vector add(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
  static Vector exclusive_or(Vector a, Vector b) { return _mm512_xor_si512(a, b); }
  template <int kBits>
  static Vector rotate(Vector a) {
    return _mm512_rol_epi32(a, kBits);
  }
};

struct Eight {
  using Vector = __m256i;
  static constexpr unsigned kCount = 8;
  static Vector load(const void* from) { return _mm256_load_si256(static_cast<const __m256i*>(from)); }
  static Vector zero() { return _mm256_setzero_si256(); }
  static Vector add(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
  static Vector exclusive_or(Vector a, Vector b) { return _mm256_xor_si256(a, b); }
  template <int kBits>
  static Vector rotate(Vector a) {
    return _mm256_rol_epi32(a, kBits);
  }
};

// Four quarter rounds at once: of columns, or, with kDiagonal = 1, of diagonals.
template <class L, int kDiagonal>
WGU_INLINE void quarter_rounds(typename L::Vector (&x)[16]) {
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

// The blocks of the lanes from `first` on, word by word.
template <class L>
WGU_INLINE void compute_one(const PassInput& input, unsigned first, typename L::Vector (&x)[16]) {
  const auto initial = [&](int i) {
    if (i < 4) return L::load(kConstants[i]);
    if (i < 12) return L::load(input.key[i - 4] + first);
    if (i == 13) return L::zero();
    return L::load((i == 12 ? input.block : i == 14 ? input.nonce_low : input.nonce_high) + first);
  };
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) x[i] = initial(i);
#pragma GCC unroll 1
  for (int i = 0; i < 10; ++i) {
    quarter_rounds<L, 0>(x);
    quarter_rounds<L, 1>(x);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) x[i] = L::add(x[i], initial(i));
}

#if defined(WGU_EMULATED_AVX512) && !defined(WGU_NO_INLINE_ASM)
#define WGU_NO_INLINE_ASM
#endif

// Sixteen blocks into x, and as many as `Second` has lanes, those after them, into y.
#if defined(WGU_NO_INLINE_ASM)
template <class Second>
inline void compute_two(const PassInput& input, __m512i (&x)[16], typename Second::Vector (&y)[16]) {
  compute_one<Sixteen>(input, 0, x);
  compute_one<Second>(input, 16, y);
}
#else
// The same in assembly, all 32 vectors in registers throughout: no compiler at hand keeps them there. An asm statement may have 30
// operands, so the last four of y are fixed registers, and come out through memory.
// clang-format off
#define WGU_X(n) "%[x" #n "]"
#define WGU_Y(V, n) WGU_Y_##n(V)  // V: zmm or ymm, what y is in
#define WGU_Y_0(V) "%[y0]"
#define WGU_Y_1(V) "%[y1]"
#define WGU_Y_2(V) "%[y2]"
#define WGU_Y_3(V) "%[y3]"
#define WGU_Y_4(V) "%[y4]"
#define WGU_Y_5(V) "%[y5]"
#define WGU_Y_6(V) "%[y6]"
#define WGU_Y_7(V) "%[y7]"
#define WGU_Y_8(V) "%[y8]"
#define WGU_Y_9(V) "%[y9]"
#define WGU_Y_10(V) "%[y10]"
#define WGU_Y_11(V) "%[y11]"
#define WGU_Y_12(V) "%%" #V "28"
#define WGU_Y_13(V) "%%" #V "29"
#define WGU_Y_14(V) "%%" #V "30"
#define WGU_Y_15(V) "%%" #V "31"
// a += b; d = (d ^ a) <<< bits: a sum, then a turn. A turn waits until the next sum stands before it, that of the next row too (`late`): of
// the orders tried, this leaves the fewest slots of the pipes empty.
#define WGU_SUM(a, b) "vpaddd " b "," a "," a "\n "
#define WGU_TURN(bits, a, d) "vpxord " a "," d "," d "\n vprold $" #bits "," d "," d "\n "
#define WGU_SUM_X(a, b) WGU_SUM(WGU_X(a), WGU_X(b))
#define WGU_SUM_Y(V, a, b) WGU_SUM(WGU_Y(V, a), WGU_Y(V, b))
#define WGU_TURN_X(bits, a, d) WGU_TURN(bits, WGU_X(a), WGU_X(d))
#define WGU_TURN_Y(V, bits, a, d) WGU_TURN(bits, WGU_Y(V, a), WGU_Y(V, d))
// In eight places of a row, three vector instructions apart, other code is woven in: w0 to w7.
#define WGU_STEPS(V, late, bits, a0, b0, d0, a1, b1, d1, a2, b2, d2, a3, b3, d3, w0, w1, w2, w3, w4, w5, w6, w7) \
  WGU_SUM_X(a0, b0) late w0 \
  WGU_SUM_Y(V, a0, b0) WGU_TURN_X(bits, a0, d0) w1 WGU_SUM_X(a1, b1) WGU_TURN_Y(V, bits, a0, d0) w2 \
  WGU_SUM_Y(V, a1, b1) WGU_TURN_X(bits, a1, d1) w3 WGU_SUM_X(a2, b2) WGU_TURN_Y(V, bits, a1, d1) w4 \
  WGU_SUM_Y(V, a2, b2) WGU_TURN_X(bits, a2, d2) w5 WGU_SUM_X(a3, b3) WGU_TURN_Y(V, bits, a2, d2) w6 \
  WGU_SUM_Y(V, a3, b3) WGU_TURN_X(bits, a3, d3) w7
// Each row takes the first eight of what is to be woven in, and hands on the rest.
#define WGU_ROW_0(V, w0, w1, w2, w3, w4, w5, w6, w7, ...) \
  WGU_STEPS(V, , 16, 0, 4, 12,  1, 5, 13,  2, 6, 14,  3, 7, 15, w0, w1, w2, w3, w4, w5, w6, w7) WGU_ROW_1(V, __VA_ARGS__)
#define WGU_ROW_1(V, w0, w1, w2, w3, w4, w5, w6, w7, ...) \
  WGU_STEPS(V, WGU_TURN_Y(V, 16, 3, 15), 12, 8, 12, 4,  9, 13, 5,  10, 14, 6,  11, 15, 7, w0, w1, w2, w3, w4, w5, w6, w7) \
  WGU_ROW_2(V, __VA_ARGS__)
#define WGU_ROW_2(V, w0, w1, w2, w3, w4, w5, w6, w7, ...) \
  WGU_STEPS(V, WGU_TURN_Y(V, 12, 11, 7), 8, 0, 4, 12,  1, 5, 13,  2, 6, 14,  3, 7, 15, w0, w1, w2, w3, w4, w5, w6, w7) \
  WGU_ROW_3(V, __VA_ARGS__)
#define WGU_ROW_3(V, w0, w1, w2, w3, w4, w5, w6, w7, ...) \
  WGU_STEPS(V, WGU_TURN_Y(V, 8, 3, 15), 7, 8, 12, 4,  9, 13, 5,  10, 14, 6,  11, 15, 7, w0, w1, w2, w3, w4, w5, w6, w7) \
  WGU_ROW_4(V, __VA_ARGS__)
#define WGU_ROW_4(V, w0, w1, w2, w3, w4, w5, w6, w7, ...) \
  WGU_STEPS(V, WGU_TURN_Y(V, 7, 11, 7), 16, 0, 5, 15,  1, 6, 12,  2, 7, 13,  3, 4, 14, w0, w1, w2, w3, w4, w5, w6, w7) \
  WGU_ROW_5(V, __VA_ARGS__)
#define WGU_ROW_5(V, w0, w1, w2, w3, w4, w5, w6, w7, ...) \
  WGU_STEPS(V, WGU_TURN_Y(V, 16, 3, 14), 12, 10, 15, 5,  11, 12, 6,  8, 13, 7,  9, 14, 4, w0, w1, w2, w3, w4, w5, w6, w7) \
  WGU_ROW_6(V, __VA_ARGS__)
#define WGU_ROW_6(V, w0, w1, w2, w3, w4, w5, w6, w7, ...) \
  WGU_STEPS(V, WGU_TURN_Y(V, 12, 9, 4), 8, 0, 5, 15,  1, 6, 12,  2, 7, 13,  3, 4, 14, w0, w1, w2, w3, w4, w5, w6, w7) \
  WGU_ROW_7(V, __VA_ARGS__)
#define WGU_ROW_7(V, w0, w1, w2, w3, w4, w5, w6, w7) \
  WGU_STEPS(V, WGU_TURN_Y(V, 8, 3, 14), 7, 10, 15, 5,  11, 12, 6,  8, 13, 7,  9, 14, 4, w0, w1, w2, w3, w4, w5, w6, w7) \
  WGU_TURN_Y(V, 7, 9, 4)
#define WGU_DOUBLE_ROUND(V, ...) WGU_ROW_0(V, __VA_ARGS__)
#define WGU_EIGHT_TIMES(x) x, x, x, x, x, x, x, x
#define WGU_NOTHING WGU_EIGHT_TIMES(WGU_EIGHT_TIMES())
#define WGU_LOAD(V, n, x_from, y_from) "vmovdqa64 " x_from "," WGU_X(n) "\n vmovdqa64 " y_from "," WGU_Y(V, n) "\n"
#define WGU_ADD(V, n, x_from, y_from) \
  "vpaddd " x_from "," WGU_X(n) "," WGU_X(n) "\n vpaddd " y_from "," WGU_Y(V, n) "," WGU_Y(V, n) "\n"
// LOAD or ADD, of all words but word 13, which is zero.
#define WGU_INPUT(OP, V) \
  OP(V, 0, "%[constants]", "%[constants]")           OP(V, 1, "64+%[constants]", "64+%[constants]") \
  OP(V, 2, "128+%[constants]", "128+%[constants]") OP(V, 3, "192+%[constants]", "192+%[constants]") \
  OP(V, 4, "(%[input])", "64(%[input])")             OP(V, 5, "128(%[input])", "192(%[input])") \
  OP(V, 6, "256(%[input])", "320(%[input])")         OP(V, 7, "384(%[input])", "448(%[input])") \
  OP(V, 8, "512(%[input])", "576(%[input])")         OP(V, 9, "640(%[input])", "704(%[input])") \
  OP(V, 10, "768(%[input])", "832(%[input])")        OP(V, 11, "896(%[input])", "960(%[input])") \
  OP(V, 12, "1024(%[input])", "1088(%[input])")      OP(V, 14, "1152(%[input])", "1216(%[input])") \
  OP(V, 15, "1280(%[input])", "1344(%[input])")
#define WGU_STORE(V, n, to) "vmovdqa64 " WGU_Y(V, n) "," to "(%[input])\n"
// ROUNDS are looped over, between BEFORE and AGAIN; after them the further registers that they use.
#define WGU_TWO_STATES(V, ROUNDS, BEFORE, AGAIN, ...) \
  asm volatile( \
      WGU_INPUT(WGU_LOAD, V) "vpxord %[x13],%[x13],%[x13]\n vpxord %%zmm29,%%zmm29,%%zmm29\n" \
      BEFORE \
      ".p2align 6\n" \
      "1:\n" ROUNDS AGAIN "jnz 1b\n" \
      WGU_INPUT(WGU_ADD, V) \
      WGU_STORE(V, 12, "1408") WGU_STORE(V, 13, "1472") WGU_STORE(V, 14, "1536") WGU_STORE(V, 15, "1600") \
      : [x0] "=&v"(x[0]), [x1] "=&v"(x[1]), [x2] "=&v"(x[2]), [x3] "=&v"(x[3]), [x4] "=&v"(x[4]), [x5] "=&v"(x[5]), \
        [x6] "=&v"(x[6]), [x7] "=&v"(x[7]), [x8] "=&v"(x[8]), [x9] "=&v"(x[9]), [x10] "=&v"(x[10]), [x11] "=&v"(x[11]), \
        [x12] "=&v"(x[12]), [x13] "=&v"(x[13]), [x14] "=&v"(x[14]), [x15] "=&v"(x[15]), [y0] "=&v"(y[0]), [y1] "=&v"(y[1]), \
        [y2] "=&v"(y[2]), [y3] "=&v"(y[3]), [y4] "=&v"(y[4]), [y5] "=&v"(y[5]), [y6] "=&v"(y[6]), [y7] "=&v"(y[7]), \
        [y8] "=&v"(y[8]), [y9] "=&v"(y[9]), [y10] "=&v"(y[10]), [y11] "=&v"(y[11]) \
      : [input] "r"(&input), [constants] "m"(kConstants) \
      : "xmm28", "xmm29", "xmm30", "xmm31", "cc", "memory", __VA_ARGS__)
// clang-format on

template <class Second>
WGU_INLINE void load_last_words(const PassInput& input, typename Second::Vector (&y)[16]) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) y[12 + i] = Second::load(input.last_words[i]);
}

template <class Second>
WGU_INLINE void compute_two(PassInput& input, __m512i (&x)[16], typename Second::Vector (&y)[16]) {
  if constexpr (Second::kCount == 16) {
    WGU_TWO_STATES(zmm, WGU_DOUBLE_ROUND(zmm, WGU_NOTHING), "movl $10,%%eax\n", "decl %%eax\n", "eax");
  } else {
    WGU_TWO_STATES(ymm, WGU_DOUBLE_ROUND(ymm, WGU_NOTHING), "movl $10,%%eax\n", "decl %%eax\n", "eax");
  }
  load_last_words<Second>(input, y);
}
#endif

}  // namespace
}  // namespace wgu::crypto::avx512
