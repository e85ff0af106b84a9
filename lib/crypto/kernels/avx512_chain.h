#pragma once
// A chain of long messages, whose Poly1305 is woven into the passes of ChaCha20 (avx512_woven.h): on two sides, one behind the other.
// Each is cut into stretches from its end, so that only its first may be short, and starts with zeros
// then; such a one and the last, with the length block, are staged. What a message needs is laid out at once, when its turn comes near:
// that is most of what the chain costs beside the passes.

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
    for (auto& of_side : stretches_) of_side[0] = {kNothing, &nobody_};
  }

  // Lays out the next pass, of the first `ready` messages.
  void lay_out(size_t ready) {
    for (size_t side = 0; side < kSides; ++side) {
      const Side& its = sides_[side];
      while (its.end < begin_ + kStretches && (its.left > 0 || number_ < std::min(ready, count_))) extend(side);
    }
  }

  bool is_laid_out() const { return std::max(sides_[0].end, sides_[1].end) > begin_; }

  const Stretch* stretches() {
    for (size_t side = 0; side < kSides; ++side) {
      for (size_t i = sides_[side].end; i < begin_ + kStretches; ++i) stretches_[side][i] = {kNothing, &nobody_};
    }
    return stretches_[0] + begin_;
  }

  // Once they have been absorbed: every tag that was found goes to take(message, low, high).
  template <class Take>
  void hand_out(Take take) {
    if (!is_laid_out()) return;
    begin_ += kStretches;
    for (Side& side : sides_) {
      side.end = std::max(side.end, begin_);
      for (; side.handed_out < side.begun; ++side.handed_out) {
        const Place& place = side.places[side.handed_out % kPlaces];
        if (place.end > begin_) break;
        uint64_t s[2];
        uint64_t tag[2];
        std::memcpy(s, place.message->key->bytes + 16, sizeof s);
        finish_one(place.others.h, s, tag);
        take(*place.message, tag[0], tag[1]);
      }
    }
  }

  void erase_secrets() {
    for (Side& side : sides_) erase(side.places, std::min(side.begun, kPlaces) * sizeof(Place));
    erase(&nobody_, sizeof nobody_);
  }

 private:
  static constexpr size_t kStretchBytes = kStretch * kPolyBlock;
  static constexpr size_t kAtOnce = 12;  // stretches that are laid out
  static constexpr size_t kRoom = kSideRoom - kStretches;

  // What belongs to a message that is under way.
  struct alignas(64) Place {
    Multiplication first, others;
    uint8_t staged[2][192];  // its first stretch, if it starts with zeros, and the last
    const Message* message;
    size_t end = 0;  // where its stretches do; beyond all, as long as not all are laid out
  };
  static constexpr size_t kPlaces = 4;
  static_assert(stretches_of(kLong) > 1 && (kPlaces - 2) * stretches_of(kLong) >= kStretches, "or a place is wanted before it is free");

  struct Side {
    size_t begun = 0;  // messages; of the last:
    size_t left = 0;   // stretches
    std::uintptr_t at = 0;
    bool has_lead = false;
    size_t handed_out = 0;
    size_t end = 1;  // of what is laid out, among the stretches
    Place places[kPlaces];
  };

  void extend(size_t side) {
    Side& its = sides_[side];
    if (its.end + kAtOnce > kRoom) move_to_front();
    Stretch* const laid_out = stretches_[side] + its.end;
    const bool is_first = its.left == 0;
    if (is_first) begin(its, messages_[number_++]);
    Place& place = its.places[(its.begun - 1) % kPlaces];
    const size_t taken = std::min(its.left, kAtOnce);
    // Four stretches a vector: where they begin in even lanes, by what they are multiplied in odd ones.
    const auto splat = [](uint64_t word) { return _mm512_set1_epi64(static_cast<long long>(word)); };
    const __m512i offsets = _mm512_set_epi64(0, 3 * kStretchBytes, 0, 2 * kStretchBytes, 0, kStretchBytes, 0, 0);
    __m512i four = _mm512_mask_mov_epi64(splat(its.at), 0xaa, splat(reinterpret_cast<std::uintptr_t>(&place.others)));
    four = _mm512_add_epi64(four, offsets);
#pragma GCC unroll 3
    for (size_t i = 0; i < kAtOnce; i += 4) {
      _mm512_storeu_si512(laid_out + i, four);
      four = _mm512_mask_add_epi64(four, 0x55, four, splat(4 * kStretchBytes));
    }
    if (is_first) {
      laid_out->by = &place.first;
      if (its.has_lead) laid_out->blocks = place.staged[0];
    }
    its.at += taken * kStretchBytes;
    its.end += taken;
    its.left -= taken;
    if (its.left > 0) return;
    laid_out[taken - 1].blocks = place.staged[1];
    place.end = its.end;
  }

  void begin(Side& its, const Message& message) {
    Place& place = its.places[its.begun++ % kPlaces];
    place.message = &message;
    place.end = ~size_t{0};
    its.left = stretches_of(message.length);
    const size_t lead = its.left * kStretch - poly_blocks(message.length);
    its.has_lead = lead > 0;
    its.at = reinterpret_cast<std::uintptr_t>(message.data) - lead * kPolyBlock;
    const __m512i key = _mm512_permutexvar_epi64(_mm512_set_epi64(2, 2, 2, 2, 2, 1, 1, 0), _mm512_load_si512(message.key->bytes));
    const auto clamp1 = 0x0ffffffc0ffffffcLL;
    const __m512i r = _mm512_and_si512(key, _mm512_set_epi64(0, 0, 0, 0, 0, clamp1, clamp1, 0x0ffffffc0fffffffLL));
    const __m512i by_r = _mm512_add_epi64(r, _mm512_maskz_mov_epi64(0x04, _mm512_srli_epi64(r, 2)));  // r0, r1, r1 5/4
    const uint32_t has_begun = 0x1ff0u << lead;
    const __m512i ones = _mm512_set1_epi64(1);
    _mm512_store_si512(&place.first, _mm512_mask_mov_epi64(by_r, static_cast<__mmask8>(has_begun), ones));
    _mm512_store_si512(place.first.top + 4, _mm512_maskz_mov_epi64(static_cast<__mmask8>(has_begun >> 8 & 0x1f), ones));
    _mm512_store_si512(&place.others, _mm512_add_epi64(by_r, _mm512_set_epi64(1, 1, 1, 1, -1, 0, 0, 0)));
    _mm512_store_si512(place.others.top + 4, ones);
    if (lead > 0) {
      const std::ptrdiff_t first = -static_cast<std::ptrdiff_t>(lead * kPolyBlock);
#pragma GCC unroll 3
      for (std::ptrdiff_t part = 0; part < 192; part += 64) {
        _mm512_store_si512(place.staged[0] + part, load_part(message.data, message.length, first + part));
      }
    }
    // Eight blocks, the last of them perhaps not full, and that with the length.
    const size_t last = (its.left - 1) * kStretchBytes - lead * kPolyBlock;
    _mm512_store_si512(place.staged[1], _mm512_loadu_si512(message.data + last));
    _mm512_store_si512(place.staged[1] + 64, _mm512_maskz_loadu_epi8(first_bytes(message.length - last - 64), message.data + last + 64));
    _mm512_store_si512(place.staged[1] + 128, _mm512_maskz_set1_epi64(2, static_cast<long long>(message.length)));
  }

  // And the ones before them, whose h the next take over.
  void move_to_front() {
    const size_t moved = begin_ - 1;
    for (auto& of_side : stretches_) std::copy(of_side + moved, of_side + std::max(sides_[0].end, sides_[1].end), of_side);
    begin_ -= moved;
    for (Side& side : sides_) {
      side.end -= moved;
      for (Place& place : side.places) place.end -= moved;
    }
  }

  const Message* messages_;
  size_t count_;
  size_t number_ = 0;  // of the message that begins next
  size_t begin_ = 1;   // of the next pass, among the stretches
  Side sides_[kSides];
  Stretch stretches_[kSides][kSideRoom];
  Multiplication nobody_;
};

}  // namespace
}  // namespace wgu::crypto::avx512
