#pragma once
// A chain of long messages, one behind the other, whose Poly1305 is woven into the passes of ChaCha20 (avx512_woven.h). Each is cut into
// stretches from its end, so that only its first is short, and starts with zeros; that one and the last, with the length block, are
// staged. What a message needs is laid out at once, when its turn comes near: that is most of what the chain costs beside the passes.

#include <algorithm>
#include <cstring>

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

constexpr size_t kLong = 480;  // bytes: shorter messages are not chained

alignas(64) constexpr uint8_t kNothing[kStretch * kPolyBlock] = {};

class Chain {
 public:
  Chain(const Message* messages, size_t count) : messages_(messages), count_(count) {
    erase(&nobody_, sizeof nobody_);
    stretches_[0] = {kNothing, &nobody_};
  }

  // Lays out the next pass, of the first `ready` messages.
  void lay_out(size_t ready) {
    while (end_ - begin_ < kStretches && (left_ > 0 || number_ < std::min(ready, count_))) extend();
  }

  bool is_laid_out() const { return end_ > begin_; }

  const Stretch* stretches() {
    for (size_t i = end_; i < begin_ + kStretches; ++i) stretches_[i] = {kNothing, &nobody_};
    return stretches_ + begin_;
  }

  // Once they have been absorbed: every tag that was found goes to take(message, low, high).
  template <class Take>
  void hand_out(Take take) {
    begin_ = std::min(begin_ + kStretches, end_);
    while (number_handed_out_ < number_) {
      const Place& place = places_[number_handed_out_ % kPlaces];
      if (place.end > begin_) return;
      const Message& message = messages_[number_handed_out_++];
      uint64_t s[2];
      uint64_t tag[2];
      std::memcpy(s, message.key->bytes + 16, sizeof s);
      finish_one(place.others.h, s, tag);
      take(message, tag[0], tag[1]);
    }
  }

  void erase_secrets() {
    erase(places_, sizeof places_);
    erase(&nobody_, sizeof nobody_);
  }

 private:
  static constexpr size_t kStretchBytes = kStretch * kPolyBlock;
  static constexpr size_t kAtOnce = 16;  // stretches that are laid out
  static constexpr size_t kRoom = 96;    // for them

  // What belongs to a message that is under way.
  struct alignas(64) Place {
    Multiplication first, others;
    uint8_t staged[2][128];  // its first stretch and the last
    size_t end = 0;          // where its stretches do; beyond all, as long as not all are laid out
  };
  static constexpr size_t kPlaces = 4;
  static_assert(stretches_of(kLong) > 1 && (kPlaces - 2) * stretches_of(kLong) >= kStretches, "or a place is wanted before it is free");

  void extend() {
    if (end_ + kAtOnce > kRoom) move_to_front();
    const bool is_first = left_ == 0;
    if (is_first) begin(messages_[number_++]);
    Place& place = places_[(number_ - 1) % kPlaces];
    const size_t taken = std::min(left_, kAtOnce);
    // Four stretches a vector: where they begin in even lanes, by what they are multiplied in odd ones.
    const auto splat = [](uint64_t word) { return _mm512_set1_epi64(static_cast<long long>(word)); };
    const __m512i offsets = _mm512_set_epi64(0, 3 * kStretchBytes, 0, 2 * kStretchBytes, 0, kStretchBytes, 0, 0);
    __m512i four = _mm512_mask_mov_epi64(splat(at_), 0xaa, splat(reinterpret_cast<std::uintptr_t>(&place.others)));
    four = _mm512_add_epi64(four, offsets);
#pragma GCC unroll 4
    for (size_t i = 0; i < kAtOnce; i += 4) {
      _mm512_storeu_si512(stretches_ + end_ + i, four);
      four = _mm512_mask_add_epi64(four, 0x55, four, splat(4 * kStretchBytes));
    }
    if (is_first) stretches_[end_] = {place.staged[0], &place.first};
    at_ += taken * kStretchBytes;
    end_ += taken;
    left_ -= taken;
    if (left_ > 0) return;
    stretches_[end_ - 1].blocks = place.staged[1];
    place.end = end_;
  }

  void begin(const Message& message) {
    Place& place = places_[(number_ - 1) % kPlaces];
    place.end = ~size_t{0};
    left_ = stretches_of(message.length);
    const size_t lead = left_ * kStretch - poly_blocks(message.length);
    at_ = reinterpret_cast<std::uintptr_t>(message.data) - lead * kPolyBlock;
    const __m512i key = _mm512_permutexvar_epi64(_mm512_set_epi64(2, 2, 2, 2, 2, 1, 1, 0), _mm512_load_si512(message.key->bytes));
    const auto clamp1 = 0x0ffffffc0ffffffcLL;
    const __m512i r = _mm512_and_si512(key, _mm512_set_epi64(0, 0, 0, 0, 0, clamp1, clamp1, 0x0ffffffc0fffffffLL));
    const __m512i by_r = _mm512_add_epi64(r, _mm512_maskz_mov_epi64(0x04, _mm512_srli_epi64(r, 2)));  // r0, r1, r1 5/4
    const uint32_t has_begun = 0x7f0u << lead;
    const __m512i ones = _mm512_set1_epi64(1);
    _mm512_store_si512(&place.first, _mm512_mask_mov_epi64(by_r, static_cast<__mmask8>(has_begun), ones));
    _mm512_store_si512(place.first.top + 4, _mm512_maskz_mov_epi64(static_cast<__mmask8>(has_begun >> 8 & 7), ones));
    _mm512_store_si512(&place.others, _mm512_add_epi64(by_r, _mm512_set_epi64(1, 1, 1, 1, -1, 0, 0, 0)));
    _mm512_store_si512(place.others.top + 4, ones);
    const std::ptrdiff_t first = -static_cast<std::ptrdiff_t>(lead * kPolyBlock);
    const std::ptrdiff_t last = first + static_cast<std::ptrdiff_t>((left_ - 1) * kStretchBytes);
    const auto part = [&](std::ptrdiff_t offset) { return load_part(message.data, message.length, offset); };
    _mm512_store_si512(place.staged[0], part(first));
    _mm512_store_si512(place.staged[0] + 64, part(first + 64));
    // The length block is the last of seven: words 4 and 5 of this half.
    const __m512i length = _mm512_maskz_set1_epi64(0x20, static_cast<long long>(message.length));
    _mm512_store_si512(place.staged[1], part(last));
    _mm512_store_si512(place.staged[1] + 64, _mm512_or_si512(part(last + 64), length));
  }

  // And the one before them, whose h the next takes over.
  void move_to_front() {
    const size_t moved = begin_ - 1;
    std::copy(stretches_ + moved, stretches_ + end_, stretches_);
    begin_ -= moved;
    end_ -= moved;
    for (Place& place : places_) place.end -= moved;
  }

  const Message* messages_;
  size_t count_;
  size_t number_ = 0;  // of the message that begins next; of the one before:
  size_t left_ = 0;    // stretches
  std::uintptr_t at_ = 0;
  size_t number_handed_out_ = 0;
  size_t begin_ = 1;  // of the next pass, among the stretches
  size_t end_ = 1;
  Stretch stretches_[kRoom + kStretches];
  Place places_[kPlaces];
  Multiplication nobody_;
};

}  // namespace
}  // namespace wgu::crypto::avx512
