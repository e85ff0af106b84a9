#include "crypto/aead.h"

#include <random>

#include "crypto/aead_kernel_test.h"

namespace wgu::crypto {
namespace {

constexpr char kSunscreen[] =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";

// draft-irtf-cfrg-xchacha-03 appendix A.3.1.
TEST(Aead, XChaChaDraftAppendixA3) {
  const Bytes key = counting(32, 0x80);
  const Bytes nonce = counting(24, 0x40);
  const Bytes associated_data = unhex("50515253c0c1c2c3c4c5c6c7");
  const Bytes plaintext = text_bytes(kSunscreen);
  const std::span<const std::uint8_t, kXNonceSize> nonce_span(nonce.data(), kXNonceSize);
  Bytes sealed(plaintext.size() + kAeadTagSize);
  xaead_seal(key_of(key), nonce_span, associated_data, plaintext, sealed.data());
  EXPECT_EQ(
      hex(sealed),
      "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f"
      "8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
  Bytes opened(plaintext.size());
  ASSERT_TRUE(xaead_open(key_of(key), nonce_span, associated_data, sealed, opened.data()));
  EXPECT_EQ(opened, plaintext);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes forged = sealed;
    forged[i] ^= 1;
    opened = plaintext;
    EXPECT_FALSE(xaead_open(key_of(key), nonce_span, associated_data, forged, opened.data())) << i;
    EXPECT_EQ(opened, Bytes(plaintext.size())) << i;
  }
  EXPECT_FALSE(xaead_open(key_of(key), nonce_span, {}, sealed, opened.data()));
  for (std::size_t size = 0; size < kAeadTagSize; ++size) {
    EXPECT_FALSE(xaead_open(key_of(key), nonce_span, {}, std::span(sealed).first(size), opened.data())) << size;
  }
}

TEST(Aead, HandshakeCallsRefuseForgeries) {
  const Bytes key = counting(32);
  const Bytes associated_data = counting(32, 7);
  const Bytes plaintext = counting(48, 100);
  Bytes sealed(plaintext.size() + kAeadTagSize);
  aead_seal(key_of(key), 0, associated_data, plaintext, sealed.data());
  Bytes opened = plaintext;
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes forged = sealed;
    forged[i] ^= 0x80;
    opened = plaintext;
    EXPECT_FALSE(aead_open(key_of(key), 0, associated_data, forged, opened.data())) << i;
    EXPECT_EQ(opened, Bytes(plaintext.size())) << i;
  }
  for (std::size_t i = 0; i < associated_data.size(); ++i) {
    Bytes forged = associated_data;
    forged[i] ^= 1;
    EXPECT_FALSE(aead_open(key_of(key), 0, forged, sealed, opened.data())) << i;
  }
  EXPECT_FALSE(aead_open(key_of(key), 1, associated_data, sealed, opened.data()));
  for (std::size_t size = 0; size < kAeadTagSize; ++size) {
    EXPECT_FALSE(aead_open(key_of(key), 0, associated_data, std::span(sealed).first(size), opened.data())) << size;
  }
}

TEST(Aead, TheKernelInUseIsTheBestThatRunsHere) {
  ASSERT_FALSE(kernels().empty());
  EXPECT_EQ(kernels().back(), &kPortableKernel);  // so that there always is one
  const auto best = std::find_if(kernels().begin(), kernels().end(), [](const AeadKernel* kernel) { return kernel->runs_here(); });
  EXPECT_STREQ(kernel_name(), (*best)->name);
}

// Against libsodium.
using AeadKernelTest = AeadKernelSuite;

TEST_P(AeadKernelTest, EveryLengthInPlaceAndApart) {
  std::mt19937 random(8439);
  for (std::uint32_t length = 0; length <= 2048; ++length) {
    SCOPED_TRACE(length);
    const Bytes key = random_bytes(random, 32);
    const std::uint64_t counter = (std::uint64_t{random()} << 32) | random();
    const Bytes plaintext = random_bytes(random, length);
    const Bytes sealed = sealed_by_libsodium(key, counter, plaintext);
    const auto sealed_length = static_cast<std::uint32_t>(sealed.size());
    const std::size_t misalignment = length % 17;

    Guarded apart(sealed.size(), misalignment);
    seal_one({key.data(), counter, plaintext.data(), apart.data(), length});
    ASSERT_TRUE(std::ranges::equal(apart.bytes(), sealed));
    ASSERT_TRUE(apart.is_intact());

    Guarded in_place(sealed.size(), misalignment);
    std::copy(plaintext.begin(), plaintext.end(), in_place.data());
    seal_one({key.data(), counter, in_place.data(), in_place.data(), length});
    ASSERT_TRUE(std::ranges::equal(in_place.bytes(), sealed));
    ASSERT_TRUE(in_place.is_intact());

    ASSERT_TRUE(open_one({key.data(), counter, in_place.data(), in_place.data(), sealed_length}));
    ASSERT_TRUE(std::ranges::equal(in_place.bytes().first(length), plaintext));
    ASSERT_TRUE(in_place.is_intact());

    Guarded opened(length, misalignment);
    ASSERT_TRUE(open_one({key.data(), counter, sealed.data(), opened.data(), sealed_length}));
    ASSERT_TRUE(std::ranges::equal(opened.bytes(), plaintext));
    ASSERT_TRUE(opened.is_intact());
  }
}

TEST_P(AeadKernelTest, LargestPacketsAndEdgesOfTheCounter) {
  std::mt19937 random(1);
  const Bytes key = random_bytes(random, 32);
  for (const std::uint32_t length : {9000u, 65519u, 65520u, 65535u}) {
    for (const std::uint64_t counter :
         {std::uint64_t{0}, std::uint64_t{0xffffffff}, std::uint64_t{0x100000000}, ~std::uint64_t{0} - (1 << 13), ~std::uint64_t{0}}) {
      const Bytes plaintext = random_bytes(random, length);
      Guarded out(length + kAeadTagSize);
      seal_one({key.data(), counter, plaintext.data(), out.data(), length});
      ASSERT_TRUE(std::ranges::equal(out.bytes(), sealed_by_libsodium(key, counter, plaintext))) << length << ' ' << counter;
      ASSERT_TRUE(open_one({key.data(), counter, out.data(), out.data(), length + 16})) << length << ' ' << counter;
      ASSERT_TRUE(std::ranges::equal(out.bytes().first(length), plaintext)) << length << ' ' << counter;
      ASSERT_TRUE(out.is_intact());
    }
  }
}

TEST_P(AeadKernelTest, RandomLengthsToTheLongest) {
  std::mt19937 random(65535);
  for (int round = 0; round < 60; ++round) {
    const auto length = static_cast<std::uint32_t>(random() % 65536);
    const std::uint64_t counter = (std::uint64_t{random()} << 32) | random();
    SCOPED_TRACE(length);
    const Bytes key = random_bytes(random, 32);
    const Bytes plaintext = random_bytes(random, length);
    Guarded packet(plaintext, length + kAeadTagSize, random());
    seal_one({key.data(), counter, packet.data(), packet.data(), length});
    ASSERT_TRUE(std::ranges::equal(packet.bytes(), sealed_by_libsodium(key, counter, plaintext)));
    Guarded opened(length, random());
    ASSERT_TRUE(open_one({key.data(), counter, packet.data(), opened.data(), length + 16}));
    ASSERT_TRUE(std::ranges::equal(opened.bytes(), plaintext));
    packet.bytes()[random() % packet.bytes().size()] ^= 0x20;
    ASSERT_FALSE(open_one({key.data(), counter, packet.data(), opened.data(), length + 16}));
    ASSERT_TRUE(is_zeroed(opened.bytes()));
    ASSERT_TRUE(opened.is_intact() && packet.is_intact());
  }
}

// Key, input and output each at every distance from a cache line, the three independent of each other.
TEST_P(AeadKernelTest, EveryAlignment) {
  std::mt19937 random(64);
  for (const std::uint32_t length : {1u, 16u, 48u, 64u, 200u, 1424u}) {
    for (std::size_t from = 0; from < 64; ++from) {
      for (std::size_t step = 0; step < 4; ++step) {
        const std::size_t to = (from * 17 + step * 23) % 64;
        SCOPED_TRACE(testing::Message() << length << " bytes, from " << from << " to " << to);
        Guarded key(random_bytes(random, 32), 32, from * 29 + step);
        const Bytes key_bytes(key.bytes().begin(), key.bytes().end());
        Guarded in(random_bytes(random, length), length, from);
        Guarded sealed(length + kAeadTagSize, to);
        seal_one({key.data(), from, in.data(), sealed.data(), length});
        ASSERT_TRUE(std::ranges::equal(sealed.bytes(), sealed_by_libsodium(key_bytes, from, in.bytes())));
        Guarded opened(length, from);
        ASSERT_TRUE(open_one({key.data(), from, sealed.data(), opened.data(), length + 16}));
        ASSERT_TRUE(std::ranges::equal(opened.bytes(), in.bytes()));
        ASSERT_TRUE(sealed.is_intact() && opened.is_intact());
        ASSERT_TRUE(open_one({key.data(), from, sealed.data(), sealed.data(), length + 16}));
        ASSERT_TRUE(std::ranges::equal(sealed.bytes().first(length), in.bytes()));
      }
    }
  }
}

TEST_P(AeadKernelTest, EveryFlippedByteIsRefusedAndNothingLeaks) {
  std::mt19937 random(2);
  for (const std::uint32_t length : {0u, 1u, 15u, 16u, 17u, 63u, 64u, 65u, 255u, 256u, 257u, 512u, 1420u, 1452u}) {
    const Bytes key = random_bytes(random, 32);
    const Bytes sealed = sealed_by_libsodium(key, 5, random_bytes(random, length));
    const auto sealed_length = static_cast<std::uint32_t>(sealed.size());
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      Bytes forged = sealed;
      forged[i] = static_cast<std::uint8_t>(forged[i] ^ 1 << i % 8);
      Guarded apart(length);
      ASSERT_FALSE(open_one({key.data(), 5, forged.data(), apart.data(), sealed_length})) << length << ' ' << i;
      ASSERT_TRUE(is_zeroed(apart.bytes()) && apart.is_intact()) << length << ' ' << i;
      ASSERT_FALSE(open_one({key.data(), 5, forged.data(), forged.data(), sealed_length, true})) << length << ' ' << i;
      ASSERT_TRUE(is_zeroed(std::span(forged).first(length))) << length << ' ' << i;
    }
    Bytes other_key = key;
    other_key[31] ^= 1;
    Guarded out(length);
    EXPECT_FALSE(open_one({other_key.data(), 5, sealed.data(), out.data(), sealed_length}));
    EXPECT_FALSE(open_one({key.data(), 6, sealed.data(), out.data(), sealed_length}));
    EXPECT_FALSE(open_one({key.data(), 5 | std::uint64_t{1} << 63, sealed.data(), out.data(), sealed_length}));
    EXPECT_TRUE(out.is_intact());
  }
}

TEST_P(AeadKernelTest, EveryBitOfATagCounts) {
  std::mt19937 random(128);
  for (const std::uint32_t length : {0u, 32u, 1424u}) {
    const Bytes key = random_bytes(random, 32);
    Bytes sealed = sealed_by_libsodium(key, 7, random_bytes(random, length));
    Guarded out(length);
    for (unsigned bit = 0; bit < 8 * kAeadTagSize; ++bit) {
      sealed[length + bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      ASSERT_FALSE(open_one({key.data(), 7, sealed.data(), out.data(), length + 16})) << bit;
      sealed[length + bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    }
    ASSERT_TRUE(open_one({key.data(), 7, sealed.data(), out.data(), length + 16}));
  }
}

// Cut at every place, and prolonged: what was the tag is then text, or text is the tag.
TEST_P(AeadKernelTest, OfAnotherLengthIsRefusedAndNothingLeaks) {
  std::mt19937 random(4);
  for (const std::uint32_t length : {1u, 63u, 64u, 200u, 1424u}) {
    const Bytes key = random_bytes(random, 32);
    Bytes sealed = sealed_by_libsodium(key, 8, random_bytes(random, length));
    sealed.resize(sealed.size() + 64);
    for (std::uint32_t other = kAeadTagSize; other <= length + 16 + 64; ++other) {
      if (other == length + 16) continue;
      Guarded out(other - kAeadTagSize);
      ASSERT_FALSE(open_one({key.data(), 8, sealed.data(), out.data(), other})) << length << ' ' << other;
      ASSERT_TRUE(is_zeroed(out.bytes()) && out.is_intact()) << length << ' ' << other;
    }
  }
}

TEST_P(AeadKernelTest, ShorterThanATagNeverOpens) {
  const Bytes key = counting(32);
  const Bytes sealed = sealed_by_libsodium(key, 0, {});
  for (std::uint32_t length = 0; length < kAeadTagSize; ++length) {
    Guarded out(0);
    EXPECT_FALSE(open_one({key.data(), 0, sealed.data(), out.data(), length, true})) << length;
    EXPECT_TRUE(out.is_intact()) << length;
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, AeadKernelTest, every_kernel(), name_of_kernel);

TEST(Aead, SealAndOpenUseTheChosenKernel) {
  const Bytes key = counting(32);
  Bytes packet = counting(100);
  packet.resize(116);
  SealJob seal_job{key.data(), 9, packet.data(), packet.data(), 100};
  seal({&seal_job, 1});
  Bytes expected(116);
  aead_seal(key_of(key), 9, {}, counting(100), expected.data());
  EXPECT_EQ(packet, expected);
  OpenJob open_job{key.data(), 9, packet.data(), packet.data(), 116};
  open({&open_job, 1});
  EXPECT_TRUE(open_job.is_authentic);
  packet.resize(100);
  EXPECT_EQ(packet, counting(100));
}

}  // namespace
}  // namespace wgu::crypto
