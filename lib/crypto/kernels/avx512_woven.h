#pragma once
// Scalar Poly1305 woven into the passes of ChaCha20, AVX-512. A pass keeps every vector pipe busy and leaves the multiplier and the
// scalar pipes idle. A block takes 14 cycles from h to h, but only 10 of the scalar pipes, so two messages are absorbed side by side,
// nine blocks of each beside two double rounds (Zen 4: 98 cycles a double round instead of 96; ten of each: 104; seven of one message:
// 99). So messages are cut into stretches of nine blocks, of which a pass takes five on each side.
// Limbs of 64 bits, h below 2^131; r is clamped, so that r1 / 4 is whole, and 2^128 r1 = 5/4 r1 (mod p):
//   h += block + top 2^128
//   h = h0 r0 + h1 (5/4 r1)  +  2^64 (h0 r1 + h1 r0 + h2 (5/4 r1))  +  2^128 h2 r0,  and what reaches 2^130 comes back five times.

#include <cstring>

#include "crypto/kernels/avx512_states.h"

namespace wgu::crypto::avx512 {
namespace {  // compiled for this CPU: no copy may be picked by the linker for another

constexpr size_t kPolyBlock = 16;
constexpr size_t kSides = 2;
constexpr size_t kStretch = 9;    // blocks
constexpr size_t kStretches = 5;  // of a pass, on each side: one in two double rounds

// What blocks are multiplied by, how they begin, and what they come to. Secret.
struct alignas(64) Multiplication {
  uint64_t r0, r1, r1_5_4;
  uint64_t keep;           // zero: a message begins; otherwise all bits
  uint64_t top[kStretch];  // zero before the first block of a message, where zeros stand, so that h stays zero
  uint64_t h[3];           // of the last stretch
};
static_assert(offsetof(Multiplication, r1_5_4) == 16 && offsetof(Multiplication, keep) == 24 && offsetof(Multiplication, top) == 32 &&
                  offsetof(Multiplication, h) == 104,
              "as the assembly has them");

// A pass takes five that lie one behind the other, and those of the other side kSideRoom further; h is taken over from the one before them.
struct Stretch {
  const uint8_t* blocks;
  Multiplication* by;
};
constexpr size_t kSideRoom = 128;
static_assert(sizeof(Stretch) == 16 && offsetof(Stretch, by) == 8 && kSideRoom * sizeof(Stretch) == 2048, "as the assembly has them");

// What the assembly does between its vector instructions.
inline void absorb(const Stretch* stretches) {
  __extension__ using Wide = unsigned __int128;
  uint64_t h[3];
  std::memcpy(h, stretches[-1].by->h, sizeof h);
  for (size_t number = 0; number < kStretches; ++number) {
    const uint8_t* const blocks = stretches[number].blocks;
    Multiplication& by = *stretches[number].by;
    for (uint64_t& limb : h) limb &= by.keep;
    for (size_t i = 0; i < kStretch; ++i) {
      uint64_t block[2];
      std::memcpy(block, blocks + i * kPolyBlock, kPolyBlock);
      Wide sum = Wide{h[0]} + block[0];
      h[0] = static_cast<uint64_t>(sum);
      sum = (sum >> 64) + h[1] + block[1];
      h[1] = static_cast<uint64_t>(sum);
      h[2] += static_cast<uint64_t>(sum >> 64) + by.top[i];

      const Wide d0 = Wide{h[0]} * by.r0 + Wide{h[1]} * by.r1_5_4;
      const Wide d1 = Wide{h[0]} * by.r1 + Wide{h[1]} * by.r0 + h[2] * by.r1_5_4;
      const uint64_t d2 = h[2] * by.r0 + static_cast<uint64_t>(d1 >> 64);
      sum = (d0 >> 64) + static_cast<uint64_t>(d1);
      h[2] = (d2 & 3) + static_cast<uint64_t>(sum >> 64);
      h[1] = static_cast<uint64_t>(sum);
      sum = Wide{static_cast<uint64_t>(d0)} + (d2 >> 2) * 5;
      h[0] = static_cast<uint64_t>(sum);
      sum = (sum >> 64) + h[1];
      h[1] = static_cast<uint64_t>(sum);
      h[2] += static_cast<uint64_t>(sum >> 64);
    }
    std::memcpy(by.h, h, sizeof h);
  }
}

#if defined(WGU_NO_INLINE_ASM)
inline void compute_woven(PassInput& input, __m512i (&x)[16], __m512i (&y)[16]) {
  compute_two<Sixteen>(input, x, y);
  for (size_t side = 0; side < kSides; ++side) absorb(input.woven + side * kSideRoom);
}
#else
// A block is woven in in seven pieces. rdi walks the stretches; h of one side is in r8, r9, r10, of the other in r11, r14, r15. What is
// added to h does not wait for the carry around, nor that for h2's.
// clang-format off
#define WGU_ON_0(PIECE, ...) PIECE("%%r8", "%%r9", "%%r10", "(%%rdi)", "8(%%rdi)", __VA_ARGS__)
#define WGU_ON_1(PIECE, ...) PIECE("%%r11", "%%r14", "%%r15", "2048(%%rdi)", "2056(%%rdi)", __VA_ARGS__)
#define WGU_BEGIN(h0, h1, h2, blocks, by, ...) \
  "movq " by ",%%r13\n movq " blocks ",%%rax\n andq 24(%%r13)," h0 "\n andq 24(%%r13)," h1 "\n andq 24(%%r13)," h2 "\n" \
  "addq (%%rax)," h0 "\n adcq 8(%%rax)," h1 "\n adcq 32(%%r13)," h2 "\n"
// d0 = h1:h0
#define WGU_ABSORB_0(h0, h1, h2, blocks, by, ...) \
  "movq " by ",%%r13\n movq " h1 ",%%rdx\n mulxq 16(%%r13),%%rax," h1 "\n mulxq (%%r13),%%rcx,%%rsi\n"
#define WGU_ABSORB_1(h0, h1, ...) "movq " h0 ",%%rdx\n mulxq (%%r13)," h0 ",%%rbx\n addq %%rax," h0 "\n adcq %%rbx," h1 "\n"
// d1 = rsi:rcx
#define WGU_ABSORB_2(h0, h1, h2, ...) "mulxq 8(%%r13),%%rax,%%rbx\n addq %%rax,%%rcx\n adcq %%rbx,%%rsi\n movq " h2 ",%%rbx\n"
#define WGU_ABSORB_3(h0, h1, h2, ...) "imulq 16(%%r13),%%rbx\n imulq (%%r13)," h2 "\n addq %%rbx,%%rcx\n adcq " h2 ",%%rsi\n"
// d2 = rsi
#define WGU_ABSORB_4(h0, h1, h2, ...) \
  "movq %%rsi," h2 "\n andq $3," h2 "\n shrq $2,%%rsi\n leaq (%%rsi,%%rsi,4),%%rsi\n addq %%rcx," h1 "\n adcq $0," h2 "\n"
#define WGU_ADD_BLOCK(h0, h1, h2, blocks, by, k) \
  "movq " blocks ",%%rax\n addq 16*" #k "(%%rax)," h0 "\n adcq 16*" #k "+8(%%rax)," h1 "\n adcq 32+8*" #k "(%%r13)," h2 "\n"
#define WGU_CARRY_AROUND(h0, h1, h2, ...) "addq %%rsi," h0 "\n adcq $0," h1 "\n adcq $0," h2 "\n"
#define WGU_KEEP_H(h0, h1, h2, ...) "movq " h0 ",104(%%r13)\n movq " h1 ",112(%%r13)\n movq " h2 ",120(%%r13)\n"
#define WGU_MULTIPLY(side) \
  WGU_ON_##side(WGU_ABSORB_0, ), WGU_ON_##side(WGU_ABSORB_1, ), WGU_ON_##side(WGU_ABSORB_2, ), WGU_ON_##side(WGU_ABSORB_3, ), \
  WGU_ON_##side(WGU_ABSORB_4, )
#define WGU_CARRY(side) WGU_ON_##side(WGU_CARRY_AROUND, )
#define WGU_BLOCK(side, next) WGU_MULTIPLY(side), WGU_ON_##side(WGU_ADD_BLOCK, next), WGU_CARRY(side)
#define WGU_LAST_BLOCK(side) WGU_MULTIPLY(side), WGU_CARRY(side), WGU_ON_##side(WGU_KEEP_H, )
// 64 places each.
#define WGU_EARLY \
  WGU_ON_0(WGU_BEGIN, ), WGU_BLOCK(0, 1), WGU_ON_1(WGU_BEGIN, ), WGU_BLOCK(1, 1), WGU_BLOCK(0, 2), WGU_BLOCK(1, 2), WGU_BLOCK(0, 3), \
  WGU_BLOCK(1, 3), WGU_BLOCK(0, 4), WGU_BLOCK(1, 4), WGU_MULTIPLY(0), WGU_ON_0(WGU_ADD_BLOCK, 5)
#define WGU_LATE \
  WGU_CARRY(0), WGU_BLOCK(1, 5), WGU_BLOCK(0, 6), WGU_BLOCK(1, 6), WGU_BLOCK(0, 7), WGU_BLOCK(1, 7), WGU_BLOCK(0, 8), WGU_BLOCK(1, 8), \
  WGU_LAST_BLOCK(0), WGU_LAST_BLOCK(1)
// clang-format on

WGU_INLINE void compute_woven(PassInput& input, __m512i (&x)[16], __m512i (&y)[16]) {
  input.woven_end = input.woven + kStretches;
  WGU_TWO_STATES(zmm, WGU_DOUBLE_ROUND(zmm, WGU_EARLY) WGU_DOUBLE_ROUND(zmm, WGU_LATE),
                 "movq 1664(%[input]),%%rdi\n"
                 "movq -8(%%rdi),%%r13\n movq 104(%%r13),%%r8\n movq 112(%%r13),%%r9\n movq 120(%%r13),%%r10\n"
                 "movq 2040(%%rdi),%%r13\n movq 104(%%r13),%%r11\n movq 112(%%r13),%%r14\n movq 120(%%r13),%%r15\n",
                 "addq $16,%%rdi\n cmpq 1672(%[input]),%%rdi\n", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r13",
                 "r14", "r15");
  load_last_words<Sixteen>(input, y);
}
#endif

}  // namespace
}  // namespace wgu::crypto::avx512
