// Poly1305 where its carries turn. The sum h before the tag is uniform in 2^130: chance alone never meets the values where the last
// reduction, a carry between limbs or the addition of s goes another way. Here messages are solved for: r is known from the key, so
// the last block can be chosen that makes h what the test wants. libsodium seals and opens the same bytes.
#include <random>

#include "crypto/aead_kernel_test.h"

namespace wgu::crypto {
namespace {

using U64 = std::uint64_t;
__extension__ using U128 = unsigned __int128;

// A number modulo p = 2^130 - 5, canonical; 64 bits a limb. As simple as it can be: products by doubling, inverses by Fermat.
struct Residue {
  U64 low = 0, middle = 0, high = 0;
};

constexpr Residue kP = {~U64{0} - 4, ~U64{0}, 3};

bool is_below(const Residue& a, const Residue& b) {
  if (a.high != b.high) return a.high < b.high;
  if (a.middle != b.middle) return a.middle < b.middle;
  return a.low < b.low;
}

Residue minus_without_reduction(const Residue& a, const Residue& b) {
  Residue r;
  r.low = a.low - b.low;
  const U64 borrow = a.low < b.low;
  r.middle = a.middle - b.middle - borrow;
  const U64 borrow2 = a.middle < b.middle || (a.middle == b.middle && borrow == 1);
  r.high = a.high - b.high - borrow2;
  return r;
}

Residue operator+(const Residue& a, const Residue& b) {
  Residue r;
  U128 sum = static_cast<U128>(a.low) + b.low;
  r.low = static_cast<U64>(sum);
  sum = (sum >> 64) + a.middle + b.middle;
  r.middle = static_cast<U64>(sum);
  r.high = static_cast<U64>(sum >> 64) + a.high + b.high;
  return is_below(r, kP) ? r : minus_without_reduction(r, kP);
}

Residue operator-(const Residue& a, const Residue& b) {
  return is_below(a, b) ? a + minus_without_reduction(kP, b) : minus_without_reduction(a, b);
}

bool bit(const Residue& a, unsigned i) { return ((i < 64 ? a.low : i < 128 ? a.middle : a.high) >> i % 64 & 1) != 0; }

Residue operator*(const Residue& a, const Residue& b) {
  Residue r;
  for (unsigned i = 130; i-- > 0;) {
    r = r + r;
    if (bit(b, i)) r = r + a;
  }
  return r;
}

Residue inverse(const Residue& a) {
  const Residue exponent = minus_without_reduction(kP, {2, 0, 0});
  Residue r = {1, 0, 0};
  for (unsigned i = 130; i-- > 0;) {
    r = r * r;
    if (bit(exponent, i)) r = r * a;
  }
  return r;
}

U64 word_at(const std::uint8_t* bytes) {
  U64 word = 0;
  for (unsigned i = 0; i < 8; ++i) word |= U64{bytes[i]} << (8 * i);
  return word;
}

void put_word(std::uint8_t* bytes, U64 word) {
  for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(word >> (8 * i));
}

Residue block_at(const std::uint8_t* bytes) { return {word_at(bytes), word_at(bytes + 8), 1}; }  // with its bit at 2^128

struct OneTimeKey {
  Residue r, inverse_of_r;
  U64 s_low, s_high;

  OneTimeKey(const Bytes& key, std::uint64_t counter) {
    std::uint8_t block[32];
    crypto_stream_chacha20_ietf(block, sizeof block, nonce_of(counter).data(), key.data());
    r = {word_at(block) & 0x0ffffffc0fffffff, word_at(block + 8) & 0x0ffffffc0ffffffc, 0};  // RFC 8439 section 2.5
    inverse_of_r = inverse(r);
    s_low = word_at(block + 16);
    s_high = word_at(block + 24);
  }
};

// Values of h where something turns, in limbs of 26, 44 and 64 bits; s as h is added to it.
std::vector<Residue> turning_points(const OneTimeKey& key) {
  std::vector<Residue> points;
  for (U64 i = 0; i < 7; ++i) {
    points.push_back({i, 0, 0});  // also as p, p + 1, ...
    points.push_back(minus_without_reduction(kP, {i + 1, 0, 0}));
  }
  const Residue one = {1, 0, 0};
  for (const unsigned power : {26u, 44u, 52u, 64u, 78u, 88u, 104u, 127u, 128u, 129u}) {
    Residue x;
    (power < 64 ? x.low : power < 128 ? x.middle : x.high) = U64{1} << power % 64;
    for (const Residue& y : {x, x - one, x + one, Residue{} - x}) points.push_back(y);
  }
  // h + s: 2^64 - 1, 2^64, 2^128 - 1, 2^128.
  const Residue s = {key.s_low, key.s_high, 0};
  for (const Residue& sum : {Residue{~U64{0}, 0, 0}, Residue{0, 1, 0}, Residue{~U64{0}, ~U64{0}, 0}, Residue{0, 0, 1}})
    points.push_back(sum - s);
  // Each limb of 44 bits full: a carry that runs through all of them.
  points.push_back({~U64{0}, ~U64{0}, 0});
  points.push_back({(U64{1} << 44) - 1, 0, 0});
  points.push_back({~U64{0} << 44, (U64{1} << 24) - 1, 0});
  return points;
}

// A ciphertext of two blocks or more, with its tag, for which h is `wanted` at the end, or just before the block of lengths.
Bytes solve(const OneTimeKey& key, std::size_t blocks, const Residue& wanted, bool is_before_lengths, std::mt19937& random) {
  const Residue lengths = {0, 16 * blocks, 1};
  const Residue end = is_before_lengths ? (wanted + lengths) * key.r : wanted;
  const Residue before_lengths = end * key.inverse_of_r - lengths;
  Bytes message = random_bytes(random, 16 * blocks);
  if (random() % 2 == 0) std::ranges::fill(message, std::uint8_t{0xff});  // sums as large as they get
  Residue before;
  for (std::size_t i = 0; i + 2 < blocks; ++i) before = (before + block_at(&message[16 * i])) * key.r;
  for (;;) {
    std::uint8_t* const next_to_last = &message[16 * (blocks - 2)];
    put_word(next_to_last, (U64{random()} << 32) | random());
    const Residue last = before_lengths * key.inverse_of_r - (before + block_at(next_to_last)) * key.r;
    if (last.high != 1) continue;  // a block is 2^128 to 2^129 - 1: one try in four
    put_word(&message[16 * (blocks - 1)], last.low);
    put_word(&message[16 * (blocks - 1) + 8], last.middle);
    const U128 tag = ((static_cast<U128>(end.middle) << 64) | end.low) + ((static_cast<U128>(key.s_high) << 64) | key.s_low);
    message.resize(message.size() + kAeadTagSize);
    put_word(&message[16 * blocks], static_cast<U64>(tag));
    put_word(&message[16 * blocks + 8], static_cast<U64>(tag >> 64));
    return message;
  }
}

struct Packet {
  std::uint64_t counter;
  Bytes sealed;
  Bytes plaintext;
};

// A packet for each turning point, under four different r in turn.
std::vector<Packet> solved_packets(const Bytes& key, std::size_t blocks, bool is_before_lengths) {
  std::mt19937 random(static_cast<std::uint32_t>(blocks));
  std::vector<Packet> packets;
  std::vector<OneTimeKey> one_time;
  for (std::uint64_t counter = 0; counter < 4; ++counter) one_time.emplace_back(key, counter);
  for (std::size_t point = 0; point < turning_points(one_time[0]).size(); ++point) {
    const std::uint64_t counter = point % one_time.size();
    const Residue wanted = turning_points(one_time[counter])[point];
    Packet packet{counter, solve(one_time[counter], blocks, wanted, is_before_lengths, random), Bytes(16 * blocks)};
    EXPECT_EQ(crypto_aead_chacha20poly1305_ietf_decrypt(packet.plaintext.data(), nullptr, nullptr, packet.sealed.data(),
                                                        packet.sealed.size(), nullptr, 0, nonce_of(counter).data(), key.data()),
              0)
        << "the arithmetic of this test is wrong";
    packets.push_back(std::move(packet));
  }
  return packets;
}

using AeadCarriesTest = AeadKernelSuite;

INSTANTIATE_TEST_SUITE_P(Kernels, AeadCarriesTest, every_kernel(), name_of_kernel);

TEST_P(AeadCarriesTest, EveryTurningPoint) {
  const Bytes key = counting(32, 7);
  for (const std::size_t blocks : {2u, 3u, 4u, 5u, 15u, 16u, 17u, 64u, 89u}) {  // to 1424 bytes
    for (const bool is_before_lengths : {false, true}) {
      auto packets = solved_packets(key, blocks, is_before_lengths);
      ASSERT_GE(packets.size(), 60u);
      // All of them also backwards: what a kernel does for the first of many may be another way than for the last.
      for (const std::size_t together : {std::size_t{1}, std::size_t{3}, packets.size(), packets.size()}) {
        std::ranges::reverse(packets);
        for (std::size_t first = 0; first < packets.size(); first += together) {
          const auto batch = std::span(packets).subspan(first, std::min(together, packets.size() - first));
          std::vector<Bytes> out(batch.size(), Bytes(16 * blocks + kAeadTagSize));
          std::vector<SealJob> seals;
          std::vector<OpenJob> opens;
          for (std::size_t i = 0; i < batch.size(); ++i) {
            const auto length = static_cast<std::uint32_t>(16 * blocks);
            seals.push_back({key.data(), batch[i].counter, batch[i].plaintext.data(), out[i].data(), length});
            opens.push_back({key.data(), batch[i].counter, out[i].data(), out[i].data(), length + 16});
          }
          GetParam()->seal(seals);
          for (std::size_t i = 0; i < batch.size(); ++i)
            ASSERT_EQ(hex(out[i]), hex(batch[i].sealed)) << blocks << " blocks, point " << first + i;
          GetParam()->open(opens);
          for (const OpenJob& open : opens) ASSERT_TRUE(open.is_authentic) << blocks << " blocks";
        }
      }
    }
  }
}

}  // namespace
}  // namespace wgu::crypto
