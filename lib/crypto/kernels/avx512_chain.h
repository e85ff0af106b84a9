#pragma once
// A chain of messages, one behind the other, whose Poly1305 is woven into the passes of ChaCha20 (avx512_woven.h): lay_out() fills the ten
// stretches of the next pass, collect() takes from them the tags of the messages that ended there. A message is cut from its end, so that
// only its first stretch is short, and starts with zeros; that one and the last, with the length block, are staged.

#include "crypto/kernels/avx512_poly1305.h"
#include "crypto/kernels/avx512_woven.h"

namespace wgu::crypto::avx512 {
namespace {  // compiled for this CPU: no copy may be picked by the linker for another

constexpr size_t stretches_of(size_t length) { return (poly_blocks(length) + kStretch - 1) / kStretch; }

// tag = (h mod p) + s mod 2^128.
inline void finish_one(const uint64_t (&h)[3], const uint64_t (&s)[2], uint64_t (&tag)[2]) {
  __extension__ using Wide = unsigned __int128;
  Wide low = Wide{h[1]} << 64 | h[0];
  uint64_t top = h[2] & 3;
  const Wide folded = low + (h[2] >> 2) * 5;
  top += folded < low;
  low = folded;
  // h + 5 reaches 2^130 where h is not below p. It fits: h < 2^130 + 2^6.
  const Wide minus_p = low + 5;
  const uint64_t is_reduced = (top + (minus_p < low)) >> 2;
  const Wide mask = Wide{0} - is_reduced;
  low = (minus_p & mask) | (low & ~mask);
  low += Wide{s[1]} << 64 | s[0];
  tag[0] = static_cast<uint64_t>(low);
  tag[1] = static_cast<uint64_t>(low >> 64);
}

// For stretches without a message.
alignas(64) constexpr uint8_t kNothing[kStretch * kPolyBlock] = {};
constexpr Multiplication kByNothing = {};

class Chain {
 public:
  Chain(const Message* messages, size_t count) : messages_(messages), count_(count) {}

  // Takes in what the stretches came to and lays out the next ten, of the first `ready` messages.
  [[gnu::noinline]] void lay_out(size_t ready) {
    if (is_laid_out_) take_in();
    is_laid_out_ = left_ > 0 || number_ < std::min(ready, count_);
    if (!is_laid_out_) return;
    ready = std::min(ready, count_);
    size_t used = 0;
    size_t left = left_;
    while (true) {
      const bool is_first = left == 0;
      if (is_first) {
        if (number_ == ready) break;
        left = begin(messages_[number_]);
        ++number_;
      }
      const std::uintptr_t at = at_;
      const Multiplication* const by = by_;
      // Always ten, and what is beyond the message is written over: a count that varies would be mispredicted.
#pragma GCC unroll 10
      for (size_t i = 0; i < kStretches; ++i) {
        stretches_[used + i].blocks = reinterpret_cast<const uint8_t*>(at + i * kStretchBytes);
        stretches_[used + i].by = by + 1;
      }
      if (is_first) {
        stretches_[used].by = by;
        stage(used, at);
      }
      const size_t taken = std::min(left, kStretches - used);
      used += taken;
      left -= taken;
      at_ = at + taken * kStretchBytes;
      if (left == 0) lay_out_last(used - 1, at_ - kStretchBytes);
      if (used == kStretches) break;
    }
    left_ = left;
    for (; used < kStretches; ++used) {
      stretches_[used].blocks = kNothing;
      stretches_[used].by = &kByNothing;
    }
  }

  bool is_laid_out() const { return is_laid_out_; }
  Stretch* stretches() { return stretches_; }

  // Every tag that was found since goes to take(message, low, high).
  template <class Take>
  void hand_out(Take take) {
    for (size_t i = 0; i < found_count_; ++i) take(messages_[found_[i].message], found_[i].tag[0], found_[i].tag[1]);
    found_count_ = 0;
  }

  void erase_secrets() {
    erase(stretches_, sizeof stretches_);
    erase(multiplications_, sizeof multiplications_);
  }

 private:
  static constexpr size_t kStretchBytes = kStretch * kPolyBlock;
  static constexpr size_t kMostUnderWay = kStretches + 1;  // messages in a pass

  struct End {
    size_t message, stretch;
  };
  struct Found {
    size_t message;
    uint64_t tag[2];
  };

  void take_in() {
    for (size_t i = 0; i < ended_count_; ++i) {
      Found& found = found_[found_count_++];
      found.message = ended_[i].message;
      uint64_t s[2];
      std::memcpy(s, messages_[found.message].key->bytes + 16, sizeof s);
      finish_one(stretches_[ended_[i].stretch].h, s, found.tag);
    }
    ended_count_ = 0;
    std::copy_n(stretches_[kStretches - 1].h, 3, stretches_[0].h);
  }

  // How many stretches it has.
  size_t begin(const Message& message) {
    const size_t stretches = stretches_of(message.length);
    const size_t lead = stretches * kStretch - poly_blocks(message.length);
    at_ = reinterpret_cast<std::uintptr_t>(message.data) - lead * kPolyBlock;
    Multiplication* const by = multiplications_[number_ % kMostUnderWay];
    by_ = by;
    const __m512i key = _mm512_permutexvar_epi64(_mm512_set_epi64(2, 2, 2, 2, 2, 1, 1, 0), _mm512_load_si512(message.key->bytes));
    const auto clamp1 = 0x0ffffffc0ffffffcLL;
    const __m512i r = _mm512_and_si512(key, _mm512_set_epi64(0, 0, 0, 0, 0, clamp1, clamp1, 0x0ffffffc0fffffffLL));
    const __m512i by_r = _mm512_add_epi64(r, _mm512_maskz_mov_epi64(0x04, _mm512_srli_epi64(r, 2)));  // r0, r1, r1 5/4
    const uint32_t has_begun = 0xffffffff << lead << 4;
    _mm512_store_si512(&by[0], _mm512_mask_set1_epi64(by_r, static_cast<__mmask8>(has_begun), 1));
    _mm512_store_si512(by[0].top + 4, _mm512_maskz_set1_epi64(static_cast<__mmask8>(has_begun >> 8), 1));
    _mm512_store_si512(&by[1], _mm512_add_epi64(by_r, _mm512_set_epi64(1, 1, 1, 1, -1, 0, 0, 0)));
    _mm512_store_si512(by[1].top + 4, _mm512_set1_epi64(1));
    return stretches;
  }

  // Zeros stand before the message and behind it.
  void stage(size_t number, std::uintptr_t at) {
    const Message& message = messages_[number_ - 1];
    const auto offset = static_cast<std::ptrdiff_t>(at - reinterpret_cast<std::uintptr_t>(message.data));
    const __m512i front = load_part(message.data, message.length, offset);
    const __m512i back = load_part(message.data, message.length, offset + 64);
    _mm512_store_si512(staged_[number], front);
    _mm512_store_si512(staged_[number] + 64, back);
    stretches_[number].blocks = staged_[number];
  }

  void lay_out_last(size_t number, std::uintptr_t at) {
    stage(number, at);
    const uint64_t lengths[2] = {0, messages_[number_ - 1].length};
    std::memcpy(staged_[number] + kStretchBytes - kPolyBlock, lengths, sizeof lengths);
    ended_[ended_count_++] = {number_ - 1, number};
  }

  const Message* messages_;
  size_t count_;
  bool is_laid_out_ = false;
  size_t number_ = 0;                   // of the message that begins next; of the one before:
  size_t left_ = 0;                     // stretches
  std::uintptr_t at_ = 0;               // the next
  const Multiplication* by_ = nullptr;  // its first stretch's, and then the others'
  size_t ended_count_ = 0;              // in this pass
  End ended_[kStretches];
  size_t found_count_ = 0;
  Found found_[kStretches];
  Stretch stretches_[2 * kStretches];  // the second half is room behind
  Multiplication multiplications_[kMostUnderWay][2];
  alignas(64) uint8_t staged_[kStretches][128];
};

}  // namespace
}  // namespace wgu::crypto::avx512
