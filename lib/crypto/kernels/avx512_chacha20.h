#pragma once
// ChaCha20 of many packets' blocks, AVX-512: they stand in one row, and a pass computes the next 32, 24, 16 or 8 of them, one block a
// lane of 32 bits, whatever packets they belong to. Vector w holds word w of the state, so every line of RFC 8439's quarter round
// is one instruction for all lanes. Passes of 32 and of 24 are two states side by side, whose instructions alternate: one state
// alone does not fill the pipes (Zen 4: 573 cycles for 16 blocks, 1020 for 32; all pipes always busy, it would be 480 and 960).

#include <algorithm>
#include <cstring>

#include "crypto/kernels/avx512_intrinsics.h"

namespace wgu::crypto::avx512 {
namespace {  // compiled for this CPU: no copy may be picked by the linker for another

constexpr unsigned kMostLanes = 32;

struct Packet {
  const uint8_t* key;
  uint64_t counter;
  const uint8_t* in;
  uint8_t* out;
  size_t length;  // of the text, without tag
};

// What the blocks of a pass begin with, after the constants; word 13, the first
// third of RFC 8439's nonce, is zero in WireGuard's.
struct alignas(64) PassInput {
  uint32_t key[8][kMostLanes];
  uint32_t block[kMostLanes];
  uint32_t nonce_low[kMostLanes];
  uint32_t nonce_high[kMostLanes];
  uint32_t last_words[4][16];  // room for the assembly: the second state's words 12 to 15
};
static_assert(offsetof(PassInput, block) == 1024 && offsetof(PassInput, nonce_low) == 1152 && offsetof(PassInput, nonce_high) == 1280 &&
                  offsetof(PassInput, last_words) == 1408,
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
#define WGU_ADD_XOR_ROTATE(a, b, d, bits) "vpaddd " b "," a "," a "\n vpxord " a "," d "," d "\n vprold $" #bits "," d "," d "\n"
// a += b; d = (d ^ a) <<< bits, of both states.
#define WGU_STEP(V, bits, a, b, d) \
  WGU_ADD_XOR_ROTATE(WGU_X(a), WGU_X(b), WGU_X(d), bits) WGU_ADD_XOR_ROTATE(WGU_Y(V, a), WGU_Y(V, b), WGU_Y(V, d), bits)
#define WGU_STEPS(V, bits, a0, b0, d0, a1, b1, d1, a2, b2, d2, a3, b3, d3) \
  WGU_STEP(V, bits, a0, b0, d0) WGU_STEP(V, bits, a1, b1, d1) WGU_STEP(V, bits, a2, b2, d2) WGU_STEP(V, bits, a3, b3, d3)
#define WGU_DOUBLE_ROUND(V) \
  WGU_STEPS(V, 16, 0, 4, 12,  1, 5, 13,  2, 6, 14,  3, 7, 15)   WGU_STEPS(V, 12, 8, 12, 4,  9, 13, 5,  10, 14, 6,  11, 15, 7) \
  WGU_STEPS(V, 8, 0, 4, 12,  1, 5, 13,  2, 6, 14,  3, 7, 15)    WGU_STEPS(V, 7, 8, 12, 4,  9, 13, 5,  10, 14, 6,  11, 15, 7) \
  WGU_STEPS(V, 16, 0, 5, 15,  1, 6, 12,  2, 7, 13,  3, 4, 14)   WGU_STEPS(V, 12, 10, 15, 5,  11, 12, 6,  8, 13, 7,  9, 14, 4) \
  WGU_STEPS(V, 8, 0, 5, 15,  1, 6, 12,  2, 7, 13,  3, 4, 14)    WGU_STEPS(V, 7, 10, 15, 5,  11, 12, 6,  8, 13, 7,  9, 14, 4)
#define WGU_LOAD(V, n, x_from, y_from) "vmovdqa64 " x_from "," WGU_X(n) "\n vmovdqa64 " y_from "," WGU_Y(V, n) "\n"
#define WGU_ADD(V, n, x_from, y_from) \
  "vpaddd " x_from "," WGU_X(n) "," WGU_X(n) "\n vpaddd " y_from "," WGU_Y(V, n) "," WGU_Y(V, n) "\n"
// LOAD or ADD, of all words but word 13, which is zero.
#define WGU_INPUT(OP, V) \
  OP(V, 0, "(%[constants])", "(%[constants])")       OP(V, 1, "64(%[constants])", "64(%[constants])") \
  OP(V, 2, "128(%[constants])", "128(%[constants])") OP(V, 3, "192(%[constants])", "192(%[constants])") \
  OP(V, 4, "(%[input])", "64(%[input])")             OP(V, 5, "128(%[input])", "192(%[input])") \
  OP(V, 6, "256(%[input])", "320(%[input])")         OP(V, 7, "384(%[input])", "448(%[input])") \
  OP(V, 8, "512(%[input])", "576(%[input])")         OP(V, 9, "640(%[input])", "704(%[input])") \
  OP(V, 10, "768(%[input])", "832(%[input])")        OP(V, 11, "896(%[input])", "960(%[input])") \
  OP(V, 12, "1024(%[input])", "1088(%[input])")      OP(V, 14, "1152(%[input])", "1216(%[input])") \
  OP(V, 15, "1280(%[input])", "1344(%[input])")
#define WGU_STORE(V, n, to) "vmovdqa64 " WGU_Y(V, n) "," to "(%[input])\n"
#define WGU_TWO_STATES(V) \
  asm volatile( \
      WGU_INPUT(WGU_LOAD, V) "vpxord %[x13],%[x13],%[x13]\n vpxord %%zmm29,%%zmm29,%%zmm29\n" \
      "movl $10,%%eax\n" \
      ".p2align 6\n" \
      "1:\n" WGU_DOUBLE_ROUND(V) "decl %%eax\n jnz 1b\n" \
      WGU_INPUT(WGU_ADD, V) \
      WGU_STORE(V, 12, "1408") WGU_STORE(V, 13, "1472") WGU_STORE(V, 14, "1536") WGU_STORE(V, 15, "1600") \
      : [x0] "=&v"(x[0]), [x1] "=&v"(x[1]), [x2] "=&v"(x[2]), [x3] "=&v"(x[3]), [x4] "=&v"(x[4]), [x5] "=&v"(x[5]), \
        [x6] "=&v"(x[6]), [x7] "=&v"(x[7]), [x8] "=&v"(x[8]), [x9] "=&v"(x[9]), [x10] "=&v"(x[10]), [x11] "=&v"(x[11]), \
        [x12] "=&v"(x[12]), [x13] "=&v"(x[13]), [x14] "=&v"(x[14]), [x15] "=&v"(x[15]), [y0] "=&v"(y[0]), [y1] "=&v"(y[1]), \
        [y2] "=&v"(y[2]), [y3] "=&v"(y[3]), [y4] "=&v"(y[4]), [y5] "=&v"(y[5]), [y6] "=&v"(y[6]), [y7] "=&v"(y[7]), \
        [y8] "=&v"(y[8]), [y9] "=&v"(y[9]), [y10] "=&v"(y[10]), [y11] "=&v"(y[11]) \
      : [input] "r"(&input), [constants] "r"(&kConstants) \
      : "xmm28", "xmm29", "xmm30", "xmm31", "eax", "cc", "memory")
// clang-format on

template <class Second>
WGU_INLINE void compute_two(PassInput& input, __m512i (&x)[16], typename Second::Vector (&y)[16]) {
  if constexpr (Second::kCount == 16) {
    WGU_TWO_STATES(zmm);
  } else {
    WGU_TWO_STATES(ymm);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) y[12 + i] = Second::load(input.last_words[i]);
}
#endif

// rows[i] = parts (i.0, i.1, i.2, i.3) of 128 bits  ->  rows[p] = (0.p, 1.p, 2.p, 3.p)
WGU_INLINE void transpose_parts(__m512i& row0, __m512i& row1, __m512i& row2, __m512i& row3) {
  const __m512i a = _mm512_shuffle_i64x2(row0, row1, 0x44);
  const __m512i b = _mm512_shuffle_i64x2(row0, row1, 0xee);
  const __m512i c = _mm512_shuffle_i64x2(row2, row3, 0x44);
  const __m512i d = _mm512_shuffle_i64x2(row2, row3, 0xee);
  row0 = _mm512_shuffle_i64x2(a, c, 0x88);
  row1 = _mm512_shuffle_i64x2(a, c, 0xdd);
  row2 = _mm512_shuffle_i64x2(b, d, 0x88);
  row3 = _mm512_shuffle_i64x2(b, d, 0xdd);
}

// Words 4g to 4g + 3 of all lanes -> for j = 0..3 the same words of lanes j, 4 + j, 8 + j, 12 + j, in row[j]'s 128-bit parts.
WGU_INLINE void transpose_quads(__m512i* row) {
  const __m512i a = _mm512_unpacklo_epi32(row[0], row[1]);
  const __m512i b = _mm512_unpackhi_epi32(row[0], row[1]);
  const __m512i c = _mm512_unpacklo_epi32(row[2], row[3]);
  const __m512i d = _mm512_unpackhi_epi32(row[2], row[3]);
  row[0] = _mm512_unpacklo_epi64(a, c);
  row[1] = _mm512_unpackhi_epi64(a, c);
  row[2] = _mm512_unpacklo_epi64(b, d);
  row[3] = _mm512_unpackhi_epi64(b, d);
}

WGU_INLINE void transpose_quads(__m256i* row) {
  const __m256i a = _mm256_unpacklo_epi32(row[0], row[1]);
  const __m256i b = _mm256_unpackhi_epi32(row[0], row[1]);
  const __m256i c = _mm256_unpacklo_epi32(row[2], row[3]);
  const __m256i d = _mm256_unpackhi_epi32(row[2], row[3]);
  row[0] = _mm256_unpacklo_epi64(a, c);
  row[1] = _mm256_unpackhi_epi64(a, c);
  row[2] = _mm256_unpacklo_epi64(b, d);
  row[3] = _mm256_unpackhi_epi64(b, d);
}

WGU_INLINE void apply(__m512i stream, const uint8_t* in, uint8_t* out) {
  _mm512_storeu_si512(out, _mm512_xor_si512(stream, _mm512_loadu_si512(in)));
}

// Where the blocks of a pass come from and go, 64 bytes each. Written by whole vectors of eight lanes, hence the room behind.
struct alignas(64) Lanes {
  const uint8_t* in[kMostLanes + 8];
  uint8_t* out[kMostLanes + 8];
};

// Sixteen vectors of words -> sixteen blocks, each applied to its lane's bytes.
WGU_INLINE void apply_all(__m512i (&x)[16], const Lanes& lanes, unsigned first) {
  transpose_quads(x), transpose_quads(x + 4), transpose_quads(x + 8), transpose_quads(x + 12);
#pragma GCC unroll 4
  for (unsigned j = 0; j < 4; ++j) {
    transpose_parts(x[j], x[4 + j], x[8 + j], x[12 + j]);
#pragma GCC unroll 4
    for (unsigned part = 0; part < 4; ++part) apply(x[4 * part + j], lanes.in[first + 4 * part + j], lanes.out[first + 4 * part + j]);
  }
}

WGU_INLINE void apply_all(__m256i (&x)[16], const Lanes& lanes, unsigned first) {
  transpose_quads(x), transpose_quads(x + 4), transpose_quads(x + 8), transpose_quads(x + 12);
#pragma GCC unroll 4
  for (unsigned j = 0; j < 4; ++j) {
    const __m512i front = _mm512_inserti64x4(_mm512_castsi256_si512(x[j]), x[4 + j], 1);
    const __m512i back = _mm512_inserti64x4(_mm512_castsi256_si512(x[8 + j]), x[12 + j], 1);
    apply(_mm512_shuffle_i64x2(front, back, 0x88), lanes.in[first + j], lanes.out[first + j]);
    apply(_mm512_shuffle_i64x2(front, back, 0xdd), lanes.in[first + 4 + j], lanes.out[first + 4 + j]);
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
    first_block_ = block_ = with_keys ? 0 : 1;
    with_text_ = with_text;
    size_t left = 0;
    for (size_t i = 0; i < count_; ++i) left += end_block(i) - first_block_;
    for (; left > 24; left -= std::min<size_t>(left, 32)) pass_of_two<Sixteen>();
    if (left > 16) {
      pass_of_two<Eight>();
    } else if (left > 8) {
      pass_of_one<Sixteen>();
    } else if (left > 0) {
      pass_of_one<Eight>();
    }
    erase(&input_, sizeof input_);
    erase(staging_, most_partials_ * kBlock);
    erase(idle_, sizeof idle_);
  }

 private:
  struct Partial {  // a lane whose packet ends before its block does
    uint8_t* out;
    __mmask64 bytes;
  };

  size_t end_block(size_t i) const { return 1 + (with_text_ ? (packets_[i].length + kBlock - 1) / kBlock : 0); }

  template <class Second>
  [[gnu::noinline]] void pass_of_two() {
    fill(16 + Second::kCount);
    __m512i x[16];
    typename Second::Vector y[16];
    compute_two<Second>(input_, x, y);
    apply_all(x, lanes_, 0);
    apply_all(y, lanes_, 16);
    unstage();
  }

  template <class Only>
  [[gnu::noinline]] void pass_of_one() {
    fill(Only::kCount);
    typename Only::Vector x[16];
    compute_one<Only>(input_, 0, x);
    apply_all(x, lanes_, 0);
    unstage();
  }

  // Packets succeed each other in the lanes; keys that the last pass left there already, stay.
  [[gnu::noinline]] void fill(unsigned lane_count) {
    const __m512i count_up = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i zero = _mm512_setzero_si512();
    __m512i block[2] = {zero, zero};
    __m512i low[2] = {zero, zero};
    __m512i high[2] = {zero, zero};
    partial_count_ = 0;
    unsigned used = 0;
    bool is_mixed = false;
    while (used < lane_count && number_ < count_) {
      const Packet& packet = packets_[number_];
      const size_t end = end_block(number_);
      const auto taken = static_cast<unsigned>(std::min<size_t>(lane_count - used, end - block_));
      const uint32_t lanes = ~uint32_t{0} << used;  // these and all after them, whose turn comes
      const __mmask16 half[2] = {static_cast<__mmask16>(lanes), static_cast<__mmask16>(lanes >> 16)};
      if (packet.key != key_in_lanes_) {
        set_key(half, packet.key);
        key_in_lanes_ = packet.key;
        is_mixed = used > 0;
      }
      const __m512i number = _mm512_add_epi32(count_up, _mm512_set1_epi32(static_cast<int>(static_cast<uint32_t>(block_) - used)));
      block[0] = _mm512_mask_mov_epi32(block[0], half[0], number);
      block[1] = _mm512_mask_mov_epi32(block[1], half[1], _mm512_add_epi32(number, _mm512_set1_epi32(16)));
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        low[i] = _mm512_mask_set1_epi32(low[i], half[i], static_cast<int>(packet.counter));
        high[i] = _mm512_mask_set1_epi32(high[i], half[i], static_cast<int>(packet.counter >> 32));
      }
      lay_out(packet, used, taken);
      used += taken;
      block_ += taken;
      if (block_ == end) {
        ++number_;
        block_ = first_block_;
      }
    }
    for (; used < lane_count; ++used) lanes_.in[used] = lanes_.out[used] = idle_;
    if (is_mixed) key_in_lanes_ = nullptr;
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      _mm512_store_si512(input_.block + 16 * i, block[i]);
      _mm512_store_si512(input_.nonce_low + 16 * i, low[i]);
      _mm512_store_si512(input_.nonce_high + 16 * i, high[i]);
    }
  }

  void set_key(const __mmask16 (&half)[2], const uint8_t* key) {
    for (int word = 0; word < 8; ++word) {
      for (int i = 0; i < 2; ++i) {
        uint32_t* const at = input_.key[word] + 16 * i;
        _mm512_store_si512(at, _mm512_mask_set1_epi32(_mm512_load_si512(at), half[i], static_cast<int>(word_at(key + 4 * word))));
      }
    }
  }

  // The next `taken` blocks of the packet go through the lanes from `lane` on.
  void lay_out(const Packet& packet, unsigned lane, unsigned taken) {
    const unsigned end = lane + taken;
    size_t block = block_;
    if (block == 0) {
      lanes_.in[lane] = kZeros;
      lanes_.out[lane] = keys_[number_].bytes;
      ++lane;
      ++block;
      if (lane == end) return;
    }
    const size_t offset = (block - 1) * kBlock;
    const size_t end_offset = offset + (end - lane) * kBlock;
    const auto address = [](const uint8_t* bytes) { return _mm512_set1_epi64(reinterpret_cast<long long>(bytes)); };
    const __m512i places = _mm512_set_epi64(7 * kBlock, 6 * kBlock, 5 * kBlock, 4 * kBlock, 3 * kBlock, 2 * kBlock, kBlock, 0);
    const __m512i eight_blocks = _mm512_set1_epi64(8 * kBlock);
    if (stream_ != nullptr) {
      __m512i out = _mm512_add_epi64(places, address(stream_));
      stream_ += (end - lane) * kBlock;
      for (; lane < end; lane += 8) {
        _mm512_storeu_si512(lanes_.in + lane, address(kZeros));
        _mm512_storeu_si512(lanes_.out + lane, out);
        out = _mm512_add_epi64(out, eight_blocks);
      }
      return;
    }
    __m512i in = _mm512_add_epi64(places, address(packet.in + offset));
    __m512i out = _mm512_add_epi64(places, address(packet.out + offset));
    for (; lane < end; lane += 8) {
      _mm512_storeu_si512(lanes_.in + lane, in);
      _mm512_storeu_si512(lanes_.out + lane, out);
      in = _mm512_add_epi64(in, eight_blocks);
      out = _mm512_add_epi64(out, eight_blocks);
    }
    if (end_offset > packet.length) stage(end - 1, packet, end_offset - kBlock);
  }

  // What does not fill its block goes the way over a place of 64 bytes, so that no lane is special to apply_all().
  void stage(unsigned lane, const Packet& packet, size_t offset) {
    const __mmask64 bytes = first_bytes(packet.length - offset);
    uint8_t* const place = staging_[partial_count_];
    _mm512_store_si512(place, _mm512_maskz_loadu_epi8(bytes, packet.in + offset));
    lanes_.in[lane] = lanes_.out[lane] = place;
    partials_[partial_count_++] = {packet.out + offset, bytes};
  }

  void unstage() {
    for (unsigned i = 0; i < partial_count_; ++i) {
      _mm512_mask_storeu_epi8(partials_[i].out, partials_[i].bytes, _mm512_load_si512(staging_[i]));
    }
    if (most_partials_ < partial_count_) most_partials_ = partial_count_;
  }

  const Packet* packets_;
  size_t count_;
  OneTimeKey* keys_;
  uint8_t* stream_;
  size_t first_block_ = 0;
  bool with_text_ = true;
  size_t number_ = 0;  // of the packet whose block `block_` comes next
  size_t block_ = 0;
  const uint8_t* key_in_lanes_ = nullptr;  // that of all lanes still to be dealt, if it is one
  unsigned partial_count_ = 0;             // of this pass
  unsigned most_partials_ = 0;             // of any pass: so many places of `staging_` were used
  PassInput input_;
  Lanes lanes_;
  Partial partials_[kMostLanes];
  alignas(64) uint8_t staging_[kMostLanes][kBlock];
  alignas(64) uint8_t idle_[kBlock] = {};  // where lanes without a block come from and go
};

}  // namespace
}  // namespace wgu::crypto::avx512
