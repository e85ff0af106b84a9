#include "crypto/x25519.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "bytes.h"

namespace wgu::crypto {
namespace {

std::string shared_hex(const Bytes& private_key, const Bytes& public_key) {
  Bytes shared(32, 0xcc);
  EXPECT_TRUE(x25519(key_of(private_key), key_of(public_key), shared.data()));
  return hex(shared);
}

TEST(X25519, Rfc7748Section52) {
  EXPECT_EQ(shared_hex(unhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                       unhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  // This public key has its top bit set, which is to be ignored.
  EXPECT_EQ(shared_hex(unhex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
                       unhex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")),
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

TEST(X25519, Rfc7748Section52Iterated) {
  Bytes k(32);
  k[0] = 9;
  Bytes u = k;
  for (int i = 1; i <= 1000; ++i) {
    Bytes next(32);
    ASSERT_TRUE(x25519(key_of(k), key_of(u), next.data()));
    u = std::exchange(k, next);
    if (i == 1) {
      EXPECT_EQ(hex(k), "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
  }
  EXPECT_EQ(hex(k), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST(X25519, BothSidesAgree) {
  std::mt19937 random(7748);
  for (int i = 0; i < 20; ++i) {
    const Bytes a = random_bytes(random, 32);
    const Bytes b = random_bytes(random, 32);
    Bytes a_public(32);
    Bytes b_public(32);
    x25519_public(key_of(a), a_public.data());
    x25519_public(key_of(b), b_public.data());
    Bytes base(32);
    base[0] = 9;
    EXPECT_EQ(hex(a_public), shared_hex(a, base));
    EXPECT_EQ(shared_hex(a, b_public), shared_hex(b, a_public));
  }
}

TEST(X25519, RefusesEveryPointOfLowOrder) {
  // 0, 1, two points of order 8, p-1, p, p+1; each with and without the ignored top bit.
  const char* const points[] = {"0000000000000000000000000000000000000000000000000000000000000000",
                                "0100000000000000000000000000000000000000000000000000000000000000",
                                "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                                "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
  for (const char* const point : points) {
    for (const unsigned top_bit : {0x00u, 0x80u}) {
      Bytes public_key = unhex(point);
      public_key[31] = static_cast<std::uint8_t>(public_key[31] | top_bit);
      Bytes shared(32, 0xcc);
      EXPECT_FALSE(x25519(key_of(counting(32, 1)), key_of(public_key), shared.data())) << hex(public_key);
      EXPECT_EQ(shared, Bytes(32)) << hex(public_key);
      EXPECT_TRUE(has_low_order(key_of(public_key))) << hex(public_key);
      // One bit beside such a point is none.
      for (std::size_t bit = 0; bit < 255; ++bit) {
        Bytes other = public_key;
        other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ 1U << bit % 8);
        EXPECT_EQ(has_low_order(key_of(other)), !x25519(key_of(counting(32, 1)), key_of(other), shared.data())) << hex(other);
      }
    }
  }
}

TEST(X25519, AcceptsNonCanonicalPublicKeys) {
  // 2^255 - 19 + u for u = 2..18 is u; RFC 7748 section 5: implementations MUST accept it.
  const Bytes private_key = counting(32, 1);
  for (unsigned u = 2; u <= 18; ++u) {
    Bytes canonical(32);
    canonical[0] = static_cast<std::uint8_t>(u);
    Bytes plus_p(32, 0xff);
    plus_p[0] = static_cast<std::uint8_t>(0xed + u);
    plus_p[31] = 0x7f;
    EXPECT_EQ(shared_hex(private_key, plus_p), shared_hex(private_key, canonical)) << u;
    plus_p[31] = 0xff;
    EXPECT_EQ(shared_hex(private_key, plus_p), shared_hex(private_key, canonical)) << u;
  }
}

TEST(X25519, ClampsInUse) {
  const Bytes base = unhex("0900000000000000000000000000000000000000000000000000000000000000");
  Bytes private_key = counting(32, 0x47);
  const std::string expected = shared_hex(private_key, base);
  private_key[0] ^= 7;
  private_key[31] ^= 0xc0;
  EXPECT_EQ(shared_hex(private_key, base), expected);
  private_key[0] ^= 8;
  EXPECT_NE(shared_hex(private_key, base), expected);
}

}  // namespace
}  // namespace wgu::crypto
