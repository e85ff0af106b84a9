#include "wgu/key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <type_traits>

namespace wgu {
namespace {

// A compiler may assume that no one reads a destroyed object's bytes; after this it must take them from memory.
void look_again(void* memory) { asm volatile("" : : "r"(memory) : "memory"); }

std::array<std::uint8_t, kKeySize> counting_bytes() {
  std::array<std::uint8_t, kKeySize> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}
constexpr char kCountingBase64[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr char kCountingHex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static_assert(!std::is_copy_constructible_v<PrivateKey> && !std::is_copy_assignable_v<PrivateKey>);
static_assert(!std::is_copy_constructible_v<PresharedKey> && std::is_nothrow_move_constructible_v<PresharedKey>);

TEST(Key, ReadsAndWritesBothCodings) {
  for (const auto& key : {PublicKey::from_base64(kCountingBase64), PublicKey::from_hex(kCountingHex),
                          PublicKey::from_hex("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F")}) {
    ASSERT_TRUE(key.ok()) << key.error().message;
    EXPECT_EQ(key->bytes, counting_bytes());
    EXPECT_EQ(key->base64(), kCountingBase64);
    EXPECT_EQ(key->hex(), kCountingHex);
  }
  const auto secret = PrivateKey::from_base64(kCountingBase64);
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ(secret->reveal_base64(), kCountingBase64);
  EXPECT_EQ(secret->reveal_hex(), kCountingHex);
}

TEST(Key, RefusesWhatIsNotExactlyAKey) {
  const std::string base64 = kCountingBase64;
  const std::string hex = kCountingHex;
  const std::string refused_base64[] = {
      "",
      "=",
      base64.substr(0, 43),                            // no '='
      base64 + "=",                                    // 45 characters
      base64 + "\n",                                   // as a file has it; its reader strips
      base64.substr(0, 42) + "==",                     // 31 bytes
      base64.substr(0, 43) + "A",                      // 33 bytes
      base64.substr(0, 42) + "9=",                     // "8=" with a trailing bit set: the same 32 bytes, another text
      base64.substr(0, 42) + "+=",                     // both trailing bits set
      std::string(" ").append(base64, 1),              // a space is no digit
      base64.substr(0, 20) + "-" + base64.substr(21),  // the URL alphabet
      base64.substr(0, 20) + "=" + base64.substr(21),
      base64.substr(0, 20) + std::string(1, '\0') + base64.substr(21),
      base64.substr(0, 20) + "\xca" + base64.substr(21),  // which libsodium 1.0.18 alone takes for a letter
      hex,
  };
  for (const auto& text : refused_base64) {
    EXPECT_FALSE(PublicKey::from_base64(text).ok()) << text;
    EXPECT_FALSE(PrivateKey::from_base64(text).ok()) << text;
    EXPECT_FALSE(PresharedKey::from_base64(text).ok()) << text;
  }
  const std::string refused_hex[] = {"",
                                     hex.substr(0, 63),
                                     hex.substr(0, 62),
                                     hex + "0",
                                     hex + "00",
                                     std::string("g").append(hex, 1),
                                     std::string("0x").append(hex, 2),
                                     hex.substr(0, 63) + std::string(1, '\0'),
                                     base64};
  for (const auto& text : refused_hex) {
    EXPECT_FALSE(PublicKey::from_hex(text).ok()) << text;
    EXPECT_FALSE(PrivateKey::from_hex(text).ok()) << text;
    EXPECT_FALSE(PresharedKey::from_hex(text).ok()) << text;
  }
}

TEST(Key, ErrorsQuotePublicKeysAndNeverSecrets) {
  const std::string mistyped = std::string(kCountingBase64).substr(0, 42) + "!=";
  const auto shown = PublicKey::from_base64(mistyped);
  ASSERT_FALSE(shown.ok());
  EXPECT_EQ(shown.error().code, EINVAL);
  EXPECT_NE(shown.error().message.find(mistyped), std::string::npos);

  const auto hidden = PrivateKey::from_base64(mistyped);
  ASSERT_FALSE(hidden.ok());
  EXPECT_EQ(hidden.error().code, EINVAL);
  EXPECT_EQ(hidden.error().message.find("AAEC"), std::string::npos);
  EXPECT_EQ(PresharedKey::from_hex(mistyped).error().message.find("AAEC"), std::string::npos);

  // Whatever a stranger sends stays on one line of bounded length.
  const auto hostile = PublicKey::from_hex("\n\x1b[2J\xff\"" + std::string(5000, 'x'));
  EXPECT_LT(hostile.error().message.size(), 200u);
  EXPECT_NE(hostile.error().message.find("\\x0a\\x1b[2J\\xff\\\""), std::string::npos) << hostile.error().message;
}

TEST(Key, PublicKeyIsThatOfTheClampedPrivateKey) {
  // RFC 7748 section 5.2: one iteration of X25519 on the base point.
  std::array<std::uint8_t, kKeySize> nine{9};
  EXPECT_EQ(PrivateKey(nine).public_key().hex(), "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");

  const PrivateKey given(counting_bytes());
  auto clamped_bytes = counting_bytes();
  clamped_bytes[0] &= 248;
  clamped_bytes[31] = static_cast<std::uint8_t>((clamped_bytes[31] & 127) | 64);
  EXPECT_EQ(given.public_key(), PrivateKey(clamped_bytes).public_key());
  EXPECT_EQ(given.reveal_hex(), kCountingHex);  // kept as given
}

TEST(Key, GeneratedKeysDifferAndPrivateOnesAreClamped) {
  const PrivateKey a = PrivateKey::generate();
  const PrivateKey b = PrivateKey::generate();
  EXPECT_FALSE(a.equals(b));
  EXPECT_EQ(a.reveal()[0] & 7, 0);
  EXPECT_EQ(a.reveal()[31] & 0xc0, 0x40);
  EXPECT_FALSE(PresharedKey::generate().equals(PresharedKey::generate()));
}

TEST(Key, ComparesAndKnowsZero) {
  EXPECT_TRUE(PrivateKey().is_zero());
  EXPECT_TRUE(PublicKey().is_zero());
  const PrivateKey key(counting_bytes());
  EXPECT_TRUE(key.equals(key.copy()));
  for (std::size_t i = 0; i < kKeySize; ++i) {
    std::array<std::uint8_t, kKeySize> one_bit{};
    one_bit[i] = 0x80;
    EXPECT_FALSE(PrivateKey(one_bit).is_zero()) << i;
    EXPECT_FALSE(PublicKey{one_bit}.is_zero()) << i;
    EXPECT_FALSE(PrivateKey(one_bit).equals(PrivateKey())) << i;
  }
}

TEST(Key, SecretsEraseThemselves) {
  PresharedKey source(counting_bytes());
  PresharedKey target(std::move(source));
  EXPECT_TRUE(source.is_zero());
  EXPECT_EQ(target.reveal_hex(), kCountingHex);
  source = std::move(target);
  EXPECT_TRUE(target.is_zero());
  EXPECT_EQ(source.reveal_hex(), kCountingHex);
  PresharedKey& itself = source;
  source = std::move(itself);
  EXPECT_EQ(source.reveal_hex(), kCountingHex);
  source.erase();
  EXPECT_TRUE(source.is_zero());

  alignas(PrivateKey) std::array<std::uint8_t, sizeof(PrivateKey)> storage{};
  auto* const key = new (storage.data()) PrivateKey(counting_bytes());
  ASSERT_EQ(storage[1], 1);
  std::destroy_at(key);
  look_again(storage.data());
  EXPECT_TRUE(std::all_of(storage.begin(), storage.end(), [](std::uint8_t byte) { return byte == 0; }));
}

}  // namespace
}  // namespace wgu
