#include "crypto/blake2s.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <new>

#include "bytes.h"

namespace wgu::crypto {
namespace {

std::string digest(const Bytes& input, const Bytes& key = {}, std::size_t size = kHashSize) {
  Bytes out(size);
  Blake2s(size, key).update(input).finish(out.data());
  return hex(out);
}

TEST(Blake2s, Rfc7693AppendixB) {
  EXPECT_EQ(digest(text_bytes("abc")), "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
}

// RFC 7693 appendix E: a hash over hashes of many input, output and key lengths.
TEST(Blake2s, Rfc7693AppendixESelfTest) {
  const auto sequence = [](std::size_t size, std::uint32_t seed) {
    Bytes bytes(size);
    std::uint32_t a = 0xDEAD4BAD * seed;
    std::uint32_t b = 1;
    for (auto& byte : bytes) {
      const std::uint32_t t = a + b;
      a = b;
      b = t;
      byte = static_cast<std::uint8_t>(t >> 24);
    }
    return bytes;
  };
  Blake2s total;
  for (const std::uint32_t output_size : {16u, 20u, 28u, 32u}) {
    for (const std::uint32_t input_size : {0u, 3u, 64u, 65u, 255u, 1024u}) {
      const Bytes input = sequence(input_size, input_size);
      const Bytes key = sequence(output_size, output_size);
      Bytes out(output_size);
      Blake2s(output_size).update(input).finish(out.data());
      total.update(out);
      Blake2s(output_size, key).update(input).finish(out.data());
      total.update(out);
    }
  }
  Hash out;
  total.finish(out.data());
  EXPECT_EQ(hex(out), "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
}

TEST(Blake2s, KeyedOfEveryKind) {
  // Computed with CPython's hashlib. The 32-byte key's rows are also the reference implementation's known answers.
  struct Row {
    std::size_t key_size;
    const char* of_255_bytes;
    const char* of_nothing;
    const char* of_255_bytes_in_16;
  };
  const Row rows[] = {
      {1, "57570b66f743f05d9ee800ee467e819b671f2466a047fae445bf53f6b0954d28",
       "cdcf93dac5437c31bf1e79a8398fbbddd1cef4427428ced165264455a9c48a95", "a0dc2a83a1ad9a9179db4a0bd4cbaa82"},
      {16, "172201ff4b7e240167b03ae037ce150d6fdf5fe4edf9e2f0d3b5df2f08c83081",
       "fcfc1128807d157b01adec1ebe0a0927e5ac0ea65000fcec0852218dbb147106", "b2953795123bd6b890ef3b6fa8b9bae2"},
      {32, "3fb735061abc519dfe979e54c1ee5bfad0a9d858b3315bad34bde999efd724dd",
       "48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49", "cd075928ab7e6883e697fe7fd3ac43ee"},
  };
  for (const Row& row : rows) {
    const Bytes key = counting(row.key_size);
    EXPECT_EQ(digest(counting(255), key), row.of_255_bytes);
    EXPECT_EQ(digest({}, key), row.of_nothing);
    EXPECT_EQ(digest(counting(255), key, 16), row.of_255_bytes_in_16);
    EXPECT_EQ(hex(mac(key, counting(255))), row.of_255_bytes_in_16);
  }
}

// Every input length over 17 blocks, folded into one hash, against CPython's hashlib.
TEST(Blake2s, EveryLengthTo1024) {
  Bytes input(1025);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::uint8_t>((i * 7 + 3) % 251);
  for (const bool is_keyed : {false, true}) {
    Blake2s fold;
    for (std::size_t size = 0; size <= 1024; ++size) {
      Hash out;
      Blake2s(kHashSize, is_keyed ? counting(32) : Bytes()).update(std::span(input).first(size)).finish(out.data());
      fold.update(out);
    }
    Hash out;
    fold.finish(out.data());
    EXPECT_EQ(hex(out), is_keyed ? "07a914eacb5cef21cbabd28998c35ce2e0533d13ece83f3a29c7fbae1c5c27a9"
                                 : "fcf93d3368d00eedab16fc0c4ef41b912a4cf287af5b4ae8b271ebbe64e292ce");
  }
}

TEST(Blake2s, PiecesMakeTheSameHashAsTheWhole) {
  const Bytes input = counting(300);
  const std::string whole = digest(input);
  for (std::size_t first = 0; first <= input.size(); ++first) {
    for (const std::size_t second : {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65}, std::size_t{128}}) {
      const std::size_t middle = std::min(first + second, input.size());
      Hash out;
      Blake2s()
          .update(std::span(input).first(first))
          .update(std::span(input).subspan(first, middle - first))
          .update(std::span(input).subspan(middle))
          .finish(out.data());
      ASSERT_EQ(hex(out), whole) << first << ' ' << second;
    }
  }
  EXPECT_EQ(hex(hash(std::span(input).first(100), std::span(input).subspan(100))), whole);
}

// Copies go on from where the original stood, whether or not the block that waited there has been worked off.
TEST(Blake2s, CopiesGoOnFromACommonBeginning) {
  const Bytes input = counting(200);
  for (const std::size_t common : {0u, 1u, 63u, 64u, 65u, 127u, 128u, 199u}) {
    for (const bool is_worked_off : {false, true}) {
      Blake2s beginning;
      beginning.update(std::span(input).first(common));
      if (is_worked_off) beginning.expect_more();
      for (const std::size_t end : {common + 1, input.size()}) {
        Hash out;
        Blake2s(beginning).update(std::span(input).subspan(common, end - common)).finish(out.data());
        ASSERT_EQ(hex(out), digest(Bytes(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(end)))) << common << ' ' << end;
      }
    }
  }
}

// The whitepaper's chain key and hash constants (section 5.4.2), computed with CPython's hashlib.
TEST(Blake2s, WireGuardConstants) {
  const Hash construction = hash(text_bytes("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"));
  EXPECT_EQ(hex(construction), "60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36");
  EXPECT_EQ(hex(hash(construction, text_bytes("WireGuard v1 zx2c4 Jason@zx2c4.com"))),
            "2211b361081ac566691243db458ad5322d9c6c662293e8b70ee19c65ba079ef3");
}

TEST(Blake2s, ErasesWhatItHashed) {
  alignas(Blake2s) std::array<std::uint8_t, sizeof(Blake2s)> storage{};
  const Bytes secret = counting(32, 0xa0);
  const auto holds_secret = [&] { return std::search(storage.begin(), storage.end(), secret.begin(), secret.end()) != storage.end(); };
  auto* const hasher = new (storage.data()) Blake2s(kHashSize, secret);
  ASSERT_TRUE(holds_secret());
  Hash out;
  hasher->finish(out.data());
  const auto holds_digest = [&] { return std::search(storage.begin(), storage.end(), out.begin(), out.end()) != storage.end(); };
  ASSERT_TRUE(holds_digest());
  std::destroy_at(hasher);
  look_again(storage.data());
  EXPECT_FALSE(holds_secret());
  EXPECT_FALSE(holds_digest());
}

// The inputs of RFC 4231, hashed with BLAKE2s by CPython's hmac.
TEST(Hmac, Rfc4231Inputs) {
  struct Row {
    Bytes key;
    Bytes input;
    const char* expected;
  };
  const Row rows[] = {
      {Bytes(20, 0x0b), text_bytes("Hi There"), "65a8b7c5cc9136d424e82c37e2707e74e913c0655b99c75f40edf387453a3260"},
      {text_bytes("Jefe"), text_bytes("what do ya want for nothing?"), "90b6281e2f3038c9056af0b4a7e763cae6fe5d9eb4386a0ec95237890c104ff0"},
      {Bytes(20, 0xaa), Bytes(50, 0xdd), "fcc4f59529502e34c3d8da3ffdab82966a2cb637ff5e9bd701135c2e9469e790"},
      {Bytes(131, 0xaa), text_bytes("Test Using Larger Than Block-Size Key - Hash Key First"),
       "d23d79394f53d536a096e6514447eeaabb05ded01be32c1937da6a8f7103bc4e"},
      {Bytes(64, 0xaa), text_bytes("x"), "aefb6603649ba07965068313c76080c1fcf754bc2cd3cf6422df5b357f7338e8"},
      {{}, {}, "eaf4bb25938f4d20e72656bbbc7a9bf63c0c18537333c35bdb67db1402661acd"},
  };
  for (const Row& row : rows) {
    Hash out;
    hmac(row.key, row.input, out.data());
    EXPECT_EQ(hex(out), row.expected);
  }
}

// RFC 5869 over HMAC-BLAKE2s, no info; computed with CPython's hmac. The key is 00 01 .. 1f.
TEST(Kdf, OneTwoAndThreeOutputs) {
  struct Row {
    Bytes input;
    const char* outputs[3];
  };
  const Row rows[] = {
      {{},
       {"7a38c34bf2b8738d7374ca77c44ecb309a11d2b2528304fa86052c365e722624",
        "1a17621f346abdc520746a9fb64d8eb03231d674fc15687537b0780fd9c060fd",
        "4eaf02809ac4b930ef63479de62275f1c55656e61f78a3cc653c18a2223d6c5f"}},
      {text_bytes("abc"),
       {"c67e0b211ebf48c12c6d41da8fcee207d4c325a8c30f054d97401b14ed212f9f",
        "923b032867c597d1df124053325e553b104bf3b76180a46e0c21b44001ec50f6",
        "73e5eae9c5d230ea6becb29ab8a49f627aff1eb27586b938a71ae090d4c7a184"}},
      {counting(32, 32),
       {"6a96444e20e8d4c1cee974416acae1c10b3c92886010e54ed94dafb2c3b80ea0",
        "57af120b0de7acbe7907ec149c5ae870a2dbb74232b65777ba4123f1f7f888f5",
        "0926c7caabb6e8d73beda759e6f4f0d324ce5b5000bcf8cd784b26db3049faa9"}},
      {counting(200),
       {"840b571d3e9d34f76ef19bbb25b552774124ce653961ff3d79d4b206ad853ff4",
        "4b22976365f5cb1ffe7a5962d2373cae0e29b7fb8b99977e05d5c420678a5bb8",
        "fa90dc4ce826978029a9c9d60369026121df255340fe54fc38a2b1ec7d5b6f55"}},
  };
  for (const Row& row : rows) {
    const Bytes key = counting(32);
    Hash out[3] = {};
    kdf(key_of(key), row.input, out[0].data());
    EXPECT_EQ(hex(out[0]), row.outputs[0]);
    EXPECT_EQ(out[1], Hash{});
    kdf(key_of(key), row.input, out[0].data(), out[1].data());
    EXPECT_EQ(hex(out[1]), row.outputs[1]);
    EXPECT_EQ(out[2], Hash{});
    kdf(key_of(key), row.input, out[0].data(), out[1].data(), out[2].data());
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(hex(out[i]), row.outputs[i]);

    Bytes chaining_key = counting(32);  // as the handshake calls it
    kdf(key_of(chaining_key), row.input, chaining_key.data(), out[1].data(), out[2].data());
    EXPECT_EQ(hex(chaining_key), row.outputs[0]);
    EXPECT_EQ(hex(out[2]), row.outputs[2]);
    Bytes last = counting(32);
    kdf(key_of(last), row.input, out[0].data(), out[1].data(), last.data());
    EXPECT_EQ(hex(last), row.outputs[2]);
  }
}

TEST(EqualSecret, ComparesEveryByteAndTheLength) {
  const Bytes a = counting(32);
  EXPECT_TRUE(equal_secret(a, counting(32)));
  EXPECT_TRUE(equal_secret({}, {}));
  EXPECT_FALSE(equal_secret(a, std::span(a).first(31)));
  for (std::size_t i = 0; i < a.size(); ++i) {
    Bytes b = a;
    b[i] ^= 1;
    EXPECT_FALSE(equal_secret(a, b)) << i;
  }
}

}  // namespace
}  // namespace wgu::crypto
