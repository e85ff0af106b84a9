// The cipher of wgu-tunnel-null, in the library's place: lengths and refusals are a cipher's, and nothing else is.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "crypto/aead_kernels.h"

namespace wgu::crypto {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes some_bytes(std::size_t size, std::uint8_t first) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(first + 7 * i);
  return bytes;
}

Bytes sealed(const Bytes& key, std::uint64_t counter, const Bytes& plain) {
  Bytes out(plain.size() + kAeadTagSize);
  SealJob job{key.data(), counter, plain.data(), out.data(), static_cast<std::uint32_t>(plain.size())};
  seal({&job, 1});
  return out;
}

bool opens(const Bytes& key, std::uint64_t counter, const Bytes& cipher, Bytes& plain) {
  plain.assign(cipher.size() < kAeadTagSize ? 0 : cipher.size() - kAeadTagSize, 0xaa);
  OpenJob job{key.data(), counter, cipher.data(), plain.data(), static_cast<std::uint32_t>(cipher.size())};
  open({&job, 1});
  return job.is_authentic;
}

const Bytes kKey = some_bytes(32, 1);

TEST(NullCipher, IsTheOnlyKernel) {
  ASSERT_EQ(kernels().size(), 1U);
  EXPECT_STREQ(kernels()[0]->name, "null");
  for (const char* wanted : {"portable", "avx2", "avx512"}) {
    setenv("WGU_AEAD", wanted, 1);
    EXPECT_STREQ(kernel_name(), "null");
  }
  unsetenv("WGU_AEAD");
}

TEST(NullCipher, CopiesAndAddsATag) {
  for (std::size_t size = 0; size <= 2048; ++size) {
    const Bytes plain = some_bytes(size, 3);
    const Bytes cipher = sealed(kKey, size, plain);
    ASSERT_EQ(Bytes(cipher.begin(), cipher.begin() + static_cast<std::ptrdiff_t>(size)), plain);
    Bytes opened;
    ASSERT_TRUE(opens(kKey, size, cipher, opened)) << size;
    ASSERT_EQ(opened, plain);
  }
}

TEST(NullCipher, WorksWhereItLies) {
  const Bytes plain = some_bytes(100, 9);
  Bytes buffer = plain;
  buffer.resize(plain.size() + kAeadTagSize);
  SealJob seal_job{kKey.data(), 5, buffer.data(), buffer.data(), 100};
  seal({&seal_job, 1});
  EXPECT_EQ(buffer, sealed(kKey, 5, plain));
  OpenJob open_job{kKey.data(), 5, buffer.data(), buffer.data(), 116};
  open({&open_job, 1});
  EXPECT_TRUE(open_job.is_authentic);
  EXPECT_EQ(std::memcmp(buffer.data(), plain.data(), plain.size()), 0);
}

TEST(NullCipher, RefusesAnotherSessionAnotherCounterAndDamage) {
  const Bytes plain = some_bytes(100, 3);
  const Bytes cipher = sealed(kKey, 7, plain);
  const Bytes zeros(plain.size());
  Bytes opened;
  EXPECT_FALSE(opens(some_bytes(32, 2), 7, cipher, opened));
  EXPECT_EQ(opened, zeros);
  EXPECT_FALSE(opens(kKey, 8, cipher, opened));
  for (std::size_t i = 100; i < cipher.size(); ++i) {
    Bytes bad = cipher;
    bad[i] ^= 1;
    EXPECT_FALSE(opens(kKey, 7, bad, opened)) << "tag byte " << i - 100;
    EXPECT_EQ(opened, zeros);
  }
  for (const std::size_t end : {0, 99}) {
    Bytes bad = cipher;
    bad[end] ^= 1;
    EXPECT_FALSE(opens(kKey, 7, bad, opened)) << "payload byte " << end;
  }
  EXPECT_FALSE(opens(kKey, 7, Bytes(cipher.begin(), cipher.end() - 1), opened));
  EXPECT_FALSE(opens(kKey, 7, some_bytes(15, 0), opened));
}

TEST(NullCipher, LeavesTheHandshakesCipherAlone) {
  const Bytes plain = some_bytes(64, 3);
  Bytes out(plain.size() + kAeadTagSize);
  aead_seal(std::span<const std::uint8_t, 32>(kKey), 0, {}, plain, out.data());
  EXPECT_NE(std::memcmp(out.data(), plain.data(), plain.size()), 0);
}

}  // namespace
}  // namespace wgu::crypto
