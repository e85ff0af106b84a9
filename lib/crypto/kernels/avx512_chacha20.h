#pragma once
// ChaCha20 of many packets' blocks, AVX-512: they stand in one row, and a pass computes the next 32, 24, 16 or 8 of them, one block a
// lane (avx512_states.h), whatever packets they belong to; then transposes the lanes and applies them to the packets' bytes. A pass of
// 32 can take stretches of Poly1305 with it (avx512_woven.h).

#include <algorithm>
#include <cstring>
#include <utility>

#include "crypto/kernels/avx512_states.h"
#include "crypto/kernels/avx512_woven.h"

namespace wgu::crypto::avx512 {
namespace {  // compiled for this CPU: no copy may be picked by the linker for another

struct Packet {
  const uint8_t* key;
  uint64_t counter;
  const uint8_t* in;
  uint8_t* out;
  size_t length;  // of the text, without tag
};

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

constexpr size_t kMostPackets = 64;  // of a row

// The blocks of up to 64 packets in one row: each one's block 0, its one-time key, and those of its text, or only one of both.
class BlockRow {
 public:
  enum class Text {
    kNone,
    kApplied,  // the key stream is applied to the text,
    kStream,   // or laid bare where the text would go, in whole blocks
  };

  BlockRow(OneTimeKey* keys, Text text) : text_(text), keys_(reinterpret_cast<std::uintptr_t>(keys)) { start_[0] = 0; }

  // One more packet stands behind the last.
  WGU_INLINE void add(const Packet& packet) {
    const size_t blocks = 1 - first_block_ + (text_ != Text::kNone ? (packet.length + kBlock - 1) / kBlock : 0);
    if (blocks == 0) return;
    const size_t i = count_++;
    end_ += blocks;
    start_[i + 1] = end_;
    counter_[i] = packet.counter;
    in_[i] = reinterpret_cast<std::uintptr_t>(packet.in) - kBlock;
    out_[i] = reinterpret_cast<std::uintptr_t>(packet.out) - kBlock;
    key_[i] = packet.key;
    tail_[i] = static_cast<uint8_t>(packet.length % kBlock);
  }

  // A row of keys, done, becomes one of the text of its packets from `first` on: of so many bytes as `lengths` says now.
  void turn_to_text(const size_t* lengths, size_t first) {
    const size_t packets = std::exchange(count_, 0);
    complete_ = end_ = done_ = 0;
    first_block_ = 1;
    text_ = Text::kApplied;
    for (size_t i = first; i < packets; ++i) {
      if (lengths[i] == 0) continue;
      const size_t to = count_++;
      end_ += (lengths[i] + kBlock - 1) / kBlock;
      start_[to + 1] = end_;
      if (to == i) continue;
      counter_[to] = counter_[i];
      in_[to] = in_[i];
      out_[to] = out_[i];
      key_[to] = key_[i];
      tail_[to] = tail_[i];
    }
  }

  size_t left() const { return end_ - done_; }  // blocks
  // Packets of which no block is left.
  size_t complete() const { return complete_; }

  void run() {
    while (left() > 0) pass();
  }

  void pass() {
    if (left() > 24) {
      pass_of_two<Sixteen>();
    } else if (left() > 16) {
      pass_of_two<Eight>();
    } else if (left() > 8) {
      pass_of_one<Sixteen>();
    } else {
      pass_of_one<Eight>();
    }
  }

  // The same, perhaps of no block at all, and the stretches are absorbed meanwhile.
  void pass(const Stretch* stretches) {
    input_.woven = stretches;
    pass_of_two<Sixteen, true>();
  }

  void end() {
    erase(&input_, sizeof input_);
    erase(aside_, most_partials_ * kBlock);
    erase(idle_, sizeof idle_);
  }

 private:
  struct Partial {  // a lane whose packet ends before its block does
    const uint8_t* in;
    uint8_t* out;
    __mmask64 bytes;
  };

  template <class Second, bool kIsWoven = false>
  [[gnu::noinline]] void pass_of_two() {
    fill(16 + Second::kCount);
    __m512i x[16];
    typename Second::Vector y[16];
    if constexpr (kIsWoven) {
      compute_woven(input_, x, y);
    } else {
      compute_two<Second>(input_, x, y);
    }
    apply_all(x, lanes_, 0);
    apply_all(y, lanes_, 16);
    apply_partials();
  }

  template <class Only>
  [[gnu::noinline]] void pass_of_one() {
    fill(Only::kCount);
    typename Only::Vector x[16];
    compute_one<Only>(input_, 0, x);
    apply_all(x, lanes_, 0);
    apply_partials();
  }

  // Deals the next blocks to the lanes.
  [[gnu::noinline]] void fill(unsigned lane_count) {
    const size_t end = done_ + std::min<size_t>(left(), lane_count);
    partial_count_ = 0;
    if ((complete_ + kFew >= count_ || start_[complete_ + kFew] >= end) && text_ != Text::kStream) {
      deal_packets(end);
    } else {
      deal_lanes(end, lane_count);
    }
    for (size_t i = end - done_; i < lane_count; ++i) lanes_.in[i] = lanes_.out[i] = idle_;
    done_ = end;
  }

  static __m512i splat(uint64_t word) { return _mm512_set1_epi64(static_cast<long long>(word)); }

  // Packet by packet, which succeed each other in the lanes.
  WGU_INLINE void deal_packets(size_t end) {
    const __m512i count_up = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i offsets = _mm512_set_epi64(7 * kBlock, 6 * kBlock, 5 * kBlock, 4 * kBlock, 3 * kBlock, 2 * kBlock, kBlock, 0);
    const __m512i zero = _mm512_setzero_si512();
    __m512i block[2] = {zero, zero};
    __m512i low[2] = {zero, zero};
    __m512i high[2] = {zero, zero};
    for (size_t i = complete_; i < count_ && start_[i] < end; ++i) {
      size_t lane = std::max<size_t>(start_[i], done_) - done_;
      const size_t end_lane = std::min<size_t>(start_[i + 1], end) - done_;
      const size_t lane_block = done_ + first_block_ - start_[i];  // would be lane 0's
      const uint32_t lanes = ~uint32_t{0} << lane;                 // these and all after them, whose turn comes
      take_key(i, lane);
      const __m512i number = _mm512_add_epi32(count_up, _mm512_set1_epi32(static_cast<int>(lane_block)));
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        const auto chosen = static_cast<__mmask16>(lanes >> 16 * half);
        block[half] = _mm512_mask_mov_epi32(block[half], chosen, _mm512_add_epi32(number, _mm512_set1_epi32(16 * half)));
        low[half] = _mm512_mask_set1_epi32(low[half], chosen, static_cast<int>(counter_[i]));
        high[half] = _mm512_mask_set1_epi32(high[half], chosen, static_cast<int>(counter_[i] >> 32));
      }
      if (lane_block + lane == 0) {
        lanes_.in[lane] = kZeros;
        lanes_.out[lane++] = reinterpret_cast<uint8_t*>(keys_ + i * sizeof(OneTimeKey));
      }
      __m512i in = _mm512_add_epi64(offsets, splat(in_[i] + (lane_block + lane) * kBlock));
      __m512i out = _mm512_add_epi64(offsets, splat(out_[i] + (lane_block + lane) * kBlock));
      for (; lane < end_lane; lane += 8) {
        _mm512_storeu_si512(lanes_.in + lane, in);
        _mm512_storeu_si512(lanes_.out + lane, out);
        in = _mm512_add_epi64(in, splat(8 * kBlock));
        out = _mm512_add_epi64(out, splat(8 * kBlock));
      }
      if (start_[i + 1] <= end) complete(i);
    }
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      _mm512_store_si512(input_.block + 16 * half, block[half]);
      _mm512_store_si512(input_.nonce_low + 16 * half, low[half]);
      _mm512_store_si512(input_.nonce_high + 16 * half, high[half]);
    }
  }

  // Eight lanes at a time, for which the tables of their packets are vectors.
  WGU_INLINE void deal_lanes(size_t end, unsigned lane_count) {
    uint32_t starts = 0;                                     // lanes in which packets start
    size_t last = complete_ - (start_[complete_] >= done_);  // the packet that the block before belongs to
    bool have_one_key = true;
    for (size_t i = complete_; i < count_ && start_[i] < end; ++i) {
      const size_t lane = std::max<size_t>(start_[i], done_) - done_;
      starts |= uint32_t{start_[i] >= done_} << lane;
      have_one_key &= key_[i] == key_[complete_];
    }
    if (have_one_key) {
      take_key(complete_, 0);
    } else {
      deal_keys(end, lane_count);
    }
    const __m512i zeros = splat(reinterpret_cast<std::uintptr_t>(kZeros));
    __m512i lane = _mm512_add_epi64(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0), splat(done_ + first_block_));
#pragma GCC unroll 2
    for (unsigned half = 0; half < 2; ++half) {
      if (16 * half >= lane_count) break;
      __m256i block[2], low[2], high[2];
#pragma GCC unroll 2
      for (unsigned part = 0; part < 2; ++part) {
        const unsigned eight = 2 * half + part;
        const uint64_t start = starts >> 8 * eight & 0xff;
        // Byte i: how many packets start in lanes 0 to i.
        const uint64_t started = (((start * kEachByte & 0x8040201008040201) + 0x7f * kEachByte) >> 7 & kEachByte) * kEachByte;
        const size_t base = last + (start & 1);
        last += started >> 56;
        const __m512i number = _mm512_cvtepu8_epi64(_mm_cvtsi64_si128(static_cast<long long>(started - (start & 1) * kEachByte)));
        const auto of_lanes = [&](const uint64_t* table) { return _mm512_permutexvar_epi64(number, _mm512_loadu_si512(table + base)); };
        const __m512i number_of_block = _mm512_sub_epi64(lane, of_lanes(start_));
        const __m512i offset = _mm512_slli_epi64(number_of_block, 6);
        const __m512i counter = of_lanes(counter_);
        block[part] = _mm512_cvtepi64_epi32(number_of_block);
        low[part] = _mm512_cvtepi64_epi32(counter);
        high[part] = _mm512_cvtepi64_epi32(_mm512_srli_epi64(counter, 32));
        const auto is_key = static_cast<__mmask8>(first_block_ == 0 ? start : 0);
        const __m512i key = _mm512_add_epi64(_mm512_slli_epi64(number, 6), splat(keys_ + base * sizeof(OneTimeKey)));
        const __m512i in = _mm512_mask_mov_epi64(_mm512_add_epi64(of_lanes(in_), offset), is_key, zeros);
        _mm512_store_si512(lanes_.in + 8 * eight, text_ == Text::kStream ? zeros : in);
        _mm512_store_si512(lanes_.out + 8 * eight, _mm512_mask_mov_epi64(_mm512_add_epi64(of_lanes(out_), offset), is_key, key));
        lane = _mm512_add_epi64(lane, splat(8));
      }
      const auto both = [](const __m256i* x) { return _mm512_inserti64x4(_mm512_castsi256_si512(x[0]), x[1], 1); };
      _mm512_store_si512(input_.block + 16 * half, both(block));
      _mm512_store_si512(input_.nonce_low + 16 * half, both(low));
      _mm512_store_si512(input_.nonce_high + 16 * half, both(high));
    }
    while (complete_ < count_ && start_[complete_ + 1] <= end) complete(complete_);
  }

  // Keys that the last pass left in the lanes, stay.
  void take_key(size_t packet, size_t lane) {
    if (key_[packet] == last_key_ && (lane > 0 || !is_mixed_)) return;
    set_key(lane, last_key_ = key_[packet]);
    is_mixed_ = lane > 0;
  }

  // Of a block that is not full the key stream is laid aside, so that no lane is special to apply_all().
  void complete(size_t packet) {
    ++complete_;
    if (tail_[packet] == 0 || text_ != Text::kApplied) return;
    const size_t lane = start_[packet + 1] - 1 - done_;
    const size_t offset = (start_[packet + 1] - 1 + first_block_ - start_[packet]) * kBlock;
    partials_[partial_count_] = {reinterpret_cast<const uint8_t*>(in_[packet] + offset), reinterpret_cast<uint8_t*>(out_[packet] + offset),
                                 first_bytes(tail_[packet])};
    lanes_.in[lane] = kZeros;
    lanes_.out[lane] = aside_[partial_count_++];
  }

  // In this lane and all after it, whose turn comes.
  void set_key(size_t first, const uint8_t* key) {
    const uint32_t lanes = ~uint32_t{0} << first;
    const __mmask16 half[2] = {static_cast<__mmask16>(lanes), static_cast<__mmask16>(lanes >> 16)};
    for (int word = 0; word < 8; ++word) {
      for (int i = 0; i < 2; ++i) {
        uint32_t* const at = input_.key[word] + 16 * i;
        _mm512_store_si512(at, _mm512_mask_set1_epi32(_mm512_load_si512(at), half[i], static_cast<int>(word_at(key + 4 * word))));
      }
    }
  }

  // Each lane its packet's.
  [[gnu::noinline]] void deal_keys(size_t end, unsigned lane_count) {
    const uint8_t* of_lane[kMostLanes + 8];  // written by whole vectors, as `lanes_`
    const uint8_t* key = nullptr;
    for (size_t i = complete_; i < count_ && start_[i] < end; ++i) {
      key = key_[i];
      const bool is_last = start_[i + 1] >= end;
      const size_t end_lane = is_last ? kMostLanes : start_[i + 1] - done_;
      for (size_t lane = std::max<size_t>(start_[i], done_) - done_; lane < end_lane; lane += 8) {
        _mm512_storeu_si512(of_lane + lane, splat(reinterpret_cast<std::uintptr_t>(key)));
      }
    }
    for (unsigned half = 0; 16 * half < lane_count; ++half) transpose_keys(of_lane + 16 * half, half);
    last_key_ = key;
    is_mixed_ = true;
  }

  // Of sixteen lanes.
  WGU_INLINE void transpose_keys(const uint8_t* const* of_lane, unsigned half) {
    const auto load = [&](int lane) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(of_lane[lane])); };
    __m512i row[2][4];  // of lanes 0 to 7, and 8 to 15
#pragma GCC unroll 2
    for (int g = 0; g < 2; ++g) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) row[g][i] = _mm512_inserti64x4(_mm512_castsi256_si512(load(8 * g + i)), load(8 * g + 4 + i), 1);
      transpose_quads(row[g]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      _mm512_store_si512(input_.key[i] + 16 * half, _mm512_shuffle_i64x2(row[0][i], row[1][i], 0x88));
      _mm512_store_si512(input_.key[4 + i] + 16 * half, _mm512_shuffle_i64x2(row[0][i], row[1][i], 0xdd));
    }
  }

  void apply_partials() {
    for (unsigned i = 0; i < partial_count_; ++i) {
      const auto& [in, out, bytes] = partials_[i];
      const __m512i text = _mm512_xor_si512(_mm512_load_si512(aside_[i]), _mm512_maskz_loadu_epi8(bytes, in));
      _mm512_mask_storeu_epi8(out, bytes, text);
    }
    if (most_partials_ < partial_count_) most_partials_ = partial_count_;
  }

  static constexpr uint64_t kEachByte = 0x0101010101010101;
  static constexpr size_t kFew = 3;                  // packets of a pass: measured
  static constexpr size_t kRoom = kMostPackets + 8;  // tables are read by whole vectors

  size_t first_block_ = 0;  // of each packet: its key, or, once that is done, its text's first
  Text text_;
  std::uintptr_t keys_;
  size_t count_ = 0;  // packets
  size_t complete_ = 0;
  size_t end_ = 0;  // blocks
  size_t done_ = 0;
  const uint8_t* last_key_ = nullptr;  // that of the last lane,
  bool is_mixed_ = false;              // but not of all
  unsigned partial_count_ = 0;         // of this pass
  unsigned most_partials_ = 0;         // of any pass: so many places of `aside_` were used
  // Of the packets: where they start in the row, their nonce, and where block 0 would come from and go if it were text.
  uint64_t start_[kRoom], counter_[kRoom], in_[kRoom], out_[kRoom];
  const uint8_t* key_[kMostPackets];
  uint8_t tail_[kMostPackets];  // bytes in the last block, if it is not full
  PassInput input_;
  Lanes lanes_;
  Partial partials_[kMostLanes];
  alignas(64) uint8_t aside_[kMostLanes][kBlock];
  alignas(64) uint8_t idle_[kBlock];  // where lanes without a block come from and go
};

}  // namespace
}  // namespace wgu::crypto::avx512
