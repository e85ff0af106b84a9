#pragma once
// ChaCha20 of many packets' blocks, AVX-512: they stand in one row, and a pass computes the next 32, 24, 16 or 8 of them, one block a
// lane (avx512_states.h), whatever packets they belong to; then transposes the lanes and applies them to the packets' bytes. A pass of
// 32 can take stretches of Poly1305 with it (avx512_woven.h).

#include <algorithm>
#include <cstring>

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

// The blocks of a group in one row, from first_block (0: the one-time key; 1: the first of the text) to the end of each packet.
// `stream` unset: the text is encrypted; set: the key stream of the text is laid there, block after block.
class BlockRow {
 public:
  BlockRow(const Packet* packets, size_t count, OneTimeKey* keys, uint8_t* stream = nullptr)
      : packets_(packets), count_(count), keys_(keys), stream_(stream) {}

  void run(bool with_keys, bool with_text) {
    begin(with_keys, with_text);
    while (left_ > 0) pass();
    end();
  }

  // The same pass by pass.
  void begin(bool with_keys, bool with_text) {
    first_block_ = block_ = with_keys ? 0 : 1;
    with_text_ = with_text;
    for (size_t i = 0; i < count_; ++i) left_ += end_block(i) - first_block_;
  }

  // One more packet stands behind the last.
  void append() { left_ += end_block(count_++) - first_block_; }

  size_t left() const { return left_; }        // blocks
  size_t complete() const { return number_; }  // packets

  void pass() {
    if (left_ > 24) {
      pass_of_two<Sixteen>();
    } else if (left_ > 16) {
      pass_of_two<Eight>();
    } else if (left_ > 8) {
      pass_of_one<Sixteen>();
    } else {
      pass_of_one<Eight>();
    }
    left_ -= std::min<size_t>(left_, kMostLanes);
  }

  // And the stretches are absorbed meanwhile.
  void pass(const Stretch* stretches) {
    if (left_ > 24) {
      input_.woven = stretches;
      pass_of_two<Sixteen, true>();
      left_ -= std::min<size_t>(left_, kMostLanes);
    } else {
      pass();
      absorb(stretches);
    }
  }

  void end() {
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

  // One-time keys alone, a packet a lane.
  void fill_with_keys(unsigned lane_count) {
    erase(input_.block, sizeof input_.block);
    unsigned used = 0;
    bool is_mixed = false;
    for (; used < lane_count && number_ < count_; ++used, ++number_) {
      const Packet& packet = packets_[number_];
      if (packet.key != key_in_lanes_) {
        set_key(used, packet.key);
        is_mixed = used > 0;
      }
      input_.nonce_low[used] = static_cast<uint32_t>(packet.counter);
      input_.nonce_high[used] = static_cast<uint32_t>(packet.counter >> 32);
      lanes_.in[used] = kZeros;
      lanes_.out[used] = keys_[number_].bytes;
    }
    for (; used < lane_count; ++used) {
      input_.nonce_low[used] = input_.nonce_high[used] = 0;
      lanes_.in[used] = lanes_.out[used] = idle_;
    }
    if (is_mixed) key_in_lanes_ = nullptr;
  }

  // Packets succeed each other in the lanes; keys that the last pass left there already, stay.
  [[gnu::noinline]] void fill(unsigned lane_count) {
    partial_count_ = 0;
    if (!with_text_) return fill_with_keys(lane_count);
    const __m512i count_up = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i zero = _mm512_setzero_si512();
    __m512i block[2] = {zero, zero};
    __m512i low[2] = {zero, zero};
    __m512i high[2] = {zero, zero};
    unsigned used = 0;
    bool is_mixed = false;
    while (used < lane_count && number_ < count_) {
      const Packet& packet = packets_[number_];
      const size_t end = end_block(number_);
      const auto taken = static_cast<unsigned>(std::min<size_t>(lane_count - used, end - block_));
      const uint32_t lanes = ~uint32_t{0} << used;  // these and all after them, whose turn comes
      const __mmask16 half[2] = {static_cast<__mmask16>(lanes), static_cast<__mmask16>(lanes >> 16)};
      if (packet.key != key_in_lanes_) {
        set_key(used, packet.key);
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

  // In this lane and all after it, whose turn comes.
  void set_key(unsigned first, const uint8_t* key) {
    key_in_lanes_ = key;
    const uint32_t lanes = ~uint32_t{0} << first;
    const __mmask16 half[2] = {static_cast<__mmask16>(lanes), static_cast<__mmask16>(lanes >> 16)};
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
  size_t left_ = 0;  // blocks
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
