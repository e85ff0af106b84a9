// BLAKE2s as RFC 7693 has it: a full block stays in the buffer until more input follows, because the last block is compressed
// with a flag. HMAC hashes with 64-byte blocks; the KDF is extract (HMAC(key, input)) then expand, a counter byte a step.
// Everything that a secret went through is erased on the way out.

#include "crypto/blake2s.h"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

#include "crypto/secret_slab.h"

namespace wgu::crypto {
namespace {

constexpr std::size_t kBlockSize = 64;

// RFC 7693 section 2.6: those of SHA-256.
constexpr std::array<std::uint32_t, 8> kInitial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// RFC 7693 section 2.7: the order of message words, a row a round.
constexpr std::uint8_t kSigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

std::uint32_t load_le32(const std::uint8_t* bytes) noexcept {
  return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 | static_cast<std::uint32_t>(bytes[2]) << 16 |
         static_cast<std::uint32_t>(bytes[3]) << 24;
}

// RFC 7693 section 3.1.
[[gnu::always_inline]] inline void mix(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c, std::uint32_t& d, std::uint32_t x,
                                       std::uint32_t y) noexcept {
  a += b + x;
  d = std::rotr(d ^ a, 16);
  c += d;
  b = std::rotr(b ^ c, 12);
  a += b + y;
  d = std::rotr(d ^ a, 8);
  c += d;
  b = std::rotr(b ^ c, 7);
}

// One of the ten rounds. What a round takes of the message is known when it is compiled, so that the state stays in registers.
template <std::size_t kRound>
[[gnu::always_inline]] inline void mix_round(std::uint32_t (&v)[16], const std::uint8_t* block) noexcept {
  constexpr auto& s = kSigma[kRound];
  const auto m = [block](std::size_t word) { return load_le32(block + 4 * word); };
  mix(v[0], v[4], v[8], v[12], m(s[0]), m(s[1]));
  mix(v[1], v[5], v[9], v[13], m(s[2]), m(s[3]));
  mix(v[2], v[6], v[10], v[14], m(s[4]), m(s[5]));
  mix(v[3], v[7], v[11], v[15], m(s[6]), m(s[7]));
  mix(v[0], v[5], v[10], v[15], m(s[8]), m(s[9]));
  mix(v[1], v[6], v[11], v[12], m(s[10]), m(s[11]));
  mix(v[2], v[7], v[8], v[13], m(s[12]), m(s[13]));
  mix(v[3], v[4], v[9], v[14], m(s[14]), m(s[15]));
}

// RFC 2104 with a 64-byte block. A key for several inputs: what its pads hash to is worked out once.
class Hmac {
 public:
  explicit Hmac(std::span<const std::uint8_t> key) noexcept {
    std::array<std::uint8_t, kBlockSize> pad{};
    if (key.size() > kBlockSize) {
      Blake2s().update(key).finish(pad.data());
    } else {
      std::copy(key.begin(), key.end(), pad.begin());
    }
    for (auto& byte : pad) byte ^= 0x36;
    inner_.update(pad);
    for (auto& byte : pad) byte ^= 0x36 ^ 0x5c;
    outer_.update(pad).expect_more();
    erase(pad.data(), pad.size());
  }
  // None of the inputs is empty.
  void expect_input() noexcept { inner_.expect_more(); }
  // HMAC(key, a || b)
  void authenticate(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, std::uint8_t* out32) const noexcept {
    SecretBytes digest;
    Blake2s(inner_).update(a).update(b).finish(digest.data());
    Blake2s(outer_).update(digest.bytes).finish(out32);
  }

 private:
  Blake2s inner_;
  Blake2s outer_;
};

}  // namespace

Blake2s::Blake2s(std::size_t output_size, std::span<const std::uint8_t> key) noexcept : h_(kInitial), output_size_(output_size) {
  assert(output_size >= 1 && output_size <= kHashSize && key.size() <= 32);
  // RFC 7693 section 2.8: digest length, key length, fanout 1, depth 1.
  h_[0] ^= 0x01010000u ^ static_cast<std::uint32_t>(key.size() << 8) ^ static_cast<std::uint32_t>(output_size);
  if (!key.empty()) {
    std::copy(key.begin(), key.end(), buffer_.begin());  // RFC 7693 section 2.9: the key is a first block, padded with zeros
    buffered_ = kBlockSize;
  }
}

Blake2s::~Blake2s() {
  erase(h_.data(), sizeof(h_));
  erase(buffer_.data(), buffer_.size());
}

Blake2s& Blake2s::update(std::span<const std::uint8_t> input) noexcept {
  while (!input.empty()) {
    if (buffered_ == kBlockSize) expect_more();
    // Whole blocks straight from the input; the last one waits in the buffer, even when it is full.
    if (buffered_ == 0) {
      while (input.size() > kBlockSize) {
        compress(input.data(), false);
        input = input.subspan(kBlockSize);
      }
    }
    const std::size_t taken = std::min(input.size(), kBlockSize - buffered_);
    std::memcpy(buffer_.data() + buffered_, input.data(), taken);
    buffered_ += taken;
    input = input.subspan(taken);
  }
  return *this;
}

void Blake2s::expect_more() noexcept {
  if (buffered_ < kBlockSize) return;
  compress(buffer_.data(), false);
  buffered_ = 0;
}

void Blake2s::finish(std::uint8_t* out) noexcept {
  std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_), buffer_.end(), std::uint8_t{0});
  compress(buffer_.data(), true);
  for (std::size_t i = 0; i < output_size_; ++i) out[i] = static_cast<std::uint8_t>(h_[i / 4] >> (8 * (i % 4)));
}

// RFC 7693 section 3.2. A last block counts only the bytes that are input.
void Blake2s::compress(const std::uint8_t* block, bool is_last) noexcept {
  counter_ += is_last ? buffered_ : kBlockSize;
  std::uint32_t v[16];
  std::copy(h_.begin(), h_.end(), v);
  std::copy(kInitial.begin(), kInitial.end(), v + 8);
  v[12] ^= static_cast<std::uint32_t>(counter_);
  v[13] ^= static_cast<std::uint32_t>(counter_ >> 32);
  if (is_last) v[14] = ~v[14];

  [&]<std::size_t... kRounds>(std::index_sequence<kRounds...>) { (mix_round<kRounds>(v, block), ...); }(std::make_index_sequence<10>());
  for (std::size_t i = 0; i < 8; ++i) h_[i] ^= v[i] ^ v[i + 8];
  erase(v, sizeof(v));
}

Hash hash(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept {
  Hash out;
  Blake2s().update(a).update(b).finish(out.data());
  return out;
}

Mac mac(std::span<const std::uint8_t> key, std::span<const std::uint8_t> input) noexcept {
  Mac out;
  Blake2s(kMacSize, key).update(input).finish(out.data());
  return out;
}

void hmac(std::span<const std::uint8_t> key, std::span<const std::uint8_t> input, std::uint8_t* out32) noexcept {
  Hmac(key).authenticate(input, {}, out32);
}

void kdf(std::span<const std::uint8_t, 32> key, std::span<const std::uint8_t> input, std::uint8_t* first, std::uint8_t* second,
         std::uint8_t* third) noexcept {
  // RFC 5869 without info: T(1) = HMAC(prk, 1), T(n) = HMAC(prk, T(n-1) || n).
  SecretBytes pseudorandom_key;
  hmac(key, input, pseudorandom_key.data());
  Hmac expand(pseudorandom_key.bytes);
  expand.expect_input();
  SecretBytes previous;
  std::span<const std::uint8_t> before;  // T(0) is empty
  std::uint8_t step = 0;
  for (std::uint8_t* const out : {first, second, third}) {
    if (out == nullptr) break;
    ++step;
    expand.authenticate(before, {&step, 1}, previous.data());
    before = previous.bytes;
    std::copy(before.begin(), before.end(), out);
  }
}

bool equal_secret(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace wgu::crypto
