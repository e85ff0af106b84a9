#pragma once
// Scalar Poly1305 woven into the passes of ChaCha20, AVX-512. A pass keeps every vector pipe busy and leaves the multiplier and the
// scalar pipes idle: beside each of its ten double rounds they absorb seven blocks of a message (Zen 4: a pass and its transposition
// take 1147 cycles instead of 1130; an eighth block would cost all of its cycles). So a message is cut into stretches of seven blocks, ten
// for a pass.
// Limbs of 64 bits, h below 2^131; r is clamped, so that r1 / 4 is whole, and 2^128 r1 = 5/4 r1 (mod p):
//   h += block + top 2^128
//   h = h0 r0 + h1 (5/4 r1)  +  2^64 (h0 r1 + h1 r0 + h2 (5/4 r1))  +  2^128 h2 r0,  and what reaches 2^130 comes back five times.

#include <cstring>

#include "crypto/kernels/avx512_states.h"

namespace wgu::crypto::avx512 {
namespace {  // compiled for this CPU: no copy may be picked by the linker for another

constexpr size_t kPolyBlock = 16;
constexpr size_t kStretch = 7;     // blocks
constexpr size_t kStretches = 10;  // of a pass: one a double round

// What blocks are multiplied by, how they begin, and what they come to. Secret.
struct alignas(64) Multiplication {
  uint64_t r0, r1, r1_5_4;
  uint64_t keep;           // zero: a message begins; otherwise all bits
  uint64_t top[kStretch];  // zero before the first block of a message, where zeros stand, so that h stays zero
  uint64_t h[3];           // of the last stretch
};
static_assert(offsetof(Multiplication, r1_5_4) == 16 && offsetof(Multiplication, keep) == 24 && offsetof(Multiplication, top) == 32 &&
                  offsetof(Multiplication, h) == 88,
              "as the assembly has them");

// A pass takes ten that lie one behind the other; h is taken over from the one before them.
struct Stretch {
  const uint8_t* blocks;
  Multiplication* by;
};
static_assert(sizeof(Stretch) == 16 && offsetof(Stretch, by) == 8, "as the assembly has them");

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
  absorb(input.woven);
}
#else
// Eight rows of four places a double round: in row 0 the stretch begins, in row k block k - 1 is multiplied and block k added. rdi walks
// the stretches, r12 the message; h is in r8, r9, r10. What is added to h does not wait for the carry around, nor that for h2's.
// clang-format off
#define WGU_BEGIN_0 "movq (%%rdi),%%r12\n movq 8(%%rdi),%%r13\n andq 24(%%r13),%%r8\n andq 24(%%r13),%%r9\n andq 24(%%r13),%%r10\n"
#define WGU_BEGIN_1 "addq (%%r12),%%r8\n adcq 8(%%r12),%%r9\n adcq 32(%%r13),%%r10\n"
#define WGU_BEGIN_2 ""
#define WGU_BEGIN_3 ""
// d0 = r9:r8, d1 = rsi:rcx
#define WGU_ABSORB_0 \
  "movq %%r9,%%rdx\n mulxq 16(%%r13),%%rax,%%r9\n mulxq (%%r13),%%rcx,%%rsi\n" \
  "movq %%r8,%%rdx\n mulxq (%%r13),%%r8,%%rbx\n addq %%rax,%%r8\n adcq %%rbx,%%r9\n"
#define WGU_ABSORB_1 \
  "mulxq 8(%%r13),%%rax,%%rbx\n addq %%rax,%%rcx\n adcq %%rbx,%%rsi\n" \
  "movq %%r10,%%rbx\n imulq 16(%%r13),%%rbx\n imulq (%%r13),%%r10\n"
// d2 = rsi
#define WGU_ABSORB_2 \
  "addq %%rbx,%%rcx\n adcq %%r10,%%rsi\n movq %%rsi,%%r10\n andq $3,%%r10\n shrq $2,%%rsi\n" \
  "leaq (%%rsi,%%rsi,4),%%rsi\n addq %%rcx,%%r9\n adcq $0,%%r10\n"
#define WGU_ADD_BLOCK(k) "addq 16*" #k "(%%r12),%%r8\n adcq 16*" #k "+8(%%r12),%%r9\n adcq 32+8*" #k "(%%r13),%%r10\n"
#define WGU_CARRY_AROUND "addq %%rsi,%%r8\n adcq $0,%%r9\n adcq $0,%%r10\n"
#define WGU_KEEP_H "movq %%r8,88(%%r13)\n movq %%r9,96(%%r13)\n movq %%r10,104(%%r13)\n"
#define WGU_MIDDLE_0(k) WGU_ABSORB_0
#define WGU_MIDDLE_1(k) WGU_ABSORB_1
#define WGU_MIDDLE_2(k) WGU_ABSORB_2
#define WGU_MIDDLE_3(k) WGU_ADD_BLOCK(k) WGU_CARRY_AROUND
#define WGU_END_0 WGU_ABSORB_0
#define WGU_END_1 WGU_ABSORB_1
#define WGU_END_2 WGU_ABSORB_2
#define WGU_END_3 WGU_CARRY_AROUND WGU_KEEP_H
#define WGU_ROW_0(place) WGU_BEGIN_##place
#define WGU_ROW_1(place) WGU_MIDDLE_##place(1)
#define WGU_ROW_2(place) WGU_MIDDLE_##place(2)
#define WGU_ROW_3(place) WGU_MIDDLE_##place(3)
#define WGU_ROW_4(place) WGU_MIDDLE_##place(4)
#define WGU_ROW_5(place) WGU_MIDDLE_##place(5)
#define WGU_ROW_6(place) WGU_MIDDLE_##place(6)
#define WGU_ROW_7(place) WGU_END_##place
#define WGU_WOVEN(row, place) WGU_ROW_##row(place)
// clang-format on

WGU_INLINE void compute_woven(PassInput& input, __m512i (&x)[16], __m512i (&y)[16]) {
  WGU_TWO_STATES(zmm, WGU_WOVEN,
                 "movq 1664(%[input]),%%rdi\n leaq 160(%%rdi),%%r11\n"
                 "movq -8(%%rdi),%%r13\n movq 88(%%r13),%%r8\n movq 96(%%r13),%%r9\n movq 104(%%r13),%%r10\n",
                 "addq $16,%%rdi\n cmpq %%r11,%%rdi\n", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13");
  load_last_words<Sixteen>(input, y);
}
#endif

}  // namespace
}  // namespace wgu::crypto::avx512
