#include "crypto/aead.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>

#include "bytes.h"
#include "crypto/aead_kernels.h"

namespace wgu::crypto {
namespace {

constexpr char kSunscreen[] =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";

// RFC 8439 appendix A.5. (The vector of section 2.8.2 has a nonce that WireGuard's, four zeros and a counter, cannot be.)
TEST(Aead, Rfc8439AppendixA5) {
  const Bytes key = unhex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
  const std::uint64_t counter = 0x0807060504030201;
  const Bytes associated_data = unhex("f33388860000000000004e91");
  const Bytes plaintext = text_bytes(
      "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or obsoleted by other documents "
      "at "
      "any time. It is inappropriate to use Internet-Drafts as reference material or to cite them other than as /\xe2\x80\x9cwork in "
      "progress./\xe2\x80\x9d");
  const Bytes ciphertext = unhex(
      "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf332f"
      "83"
      "0e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b"
      "80"
      "4d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa7699"
      "19"
      "55ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709b"
      "eead9d67890cbb22392336fea1851f38");
  ASSERT_EQ(ciphertext.size(), plaintext.size() + kAeadTagSize);
  Bytes sealed(ciphertext.size());
  aead_seal(key_of(key), counter, associated_data, plaintext, sealed.data());
  EXPECT_EQ(hex(sealed), hex(ciphertext));
  Bytes opened(plaintext.size());
  ASSERT_TRUE(aead_open(key_of(key), counter, associated_data, ciphertext, opened.data()));
  EXPECT_EQ(opened, plaintext);
}

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

using Record = std::map<std::string, std::string>;

// Records of "NAME = value" lines, each begun by COUNT, as pyca/cryptography publishes its vectors.
std::vector<Record> read_records(const std::string& path) {
  std::vector<Record> records;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t equals = line.find('=');
    if (line.empty() || line.front() == '#' || equals == std::string::npos) continue;
    std::string name = line.substr(0, equals);
    name.erase(name.find_last_not_of(' ') + 1);
    const std::size_t value = line.find_first_not_of(' ', equals + 1);
    if (name == "COUNT") records.emplace_back();
    if (!records.empty()) records.back()[name] = value == std::string::npos ? "" : line.substr(value);
  }
  return records;
}

Bytes value_of(const std::string& text) {
  return text.starts_with('"') ? text_bytes(std::string_view(text).substr(1, text.size() - 2)) : unhex(text);
}

// Debian's python3-cryptography-vectors. Vectors whose nonce does not begin with four zeros cannot be expressed here.
TEST(Aead, PublishedVectors) {
  const std::string folder = "/usr/lib/python3/dist-packages/cryptography_vectors/ciphers/ChaCha20Poly1305/";
  struct File {
    const char* name;
    const char* key;
    const char* nonce;
    const char* associated_data;
    const char* plaintext;
    const char* ciphertext;
    const char* tag;
  };
  const File files[] = {{"boringssl.txt", "KEY", "NONCE", "AD", "IN", "CT", "TAG"},
                        {"openssl.txt", "Key", "IV", "AAD", "Plaintext", "Ciphertext", "Tag"}};
  int checked = 0;
  for (const File& file : files) {
    for (Record& record : read_records(folder + file.name)) {
      const Bytes nonce = unhex(record[file.nonce]);
      if (nonce.size() != 12 || nonce[0] != 0 || nonce[1] != 0 || nonce[2] != 0 || nonce[3] != 0) continue;
      std::uint64_t counter = 0;
      for (unsigned i = 0; i < 8; ++i) counter |= static_cast<std::uint64_t>(nonce[4 + i]) << (8 * i);
      const Bytes key = value_of(record[file.key]);
      const Bytes associated_data = value_of(record[file.associated_data]);
      const Bytes plaintext = value_of(record[file.plaintext]);
      Bytes sealed = value_of(record[file.ciphertext]);
      const Bytes tag = unhex(record[file.tag]);
      sealed.insert(sealed.end(), tag.begin(), tag.end());
      SCOPED_TRACE(std::string(file.name) + " " + record["COUNT"]);
      ASSERT_EQ(key.size(), kAeadKeySize);
      ++checked;

      Bytes opened(plaintext.size());
      const bool is_valid = record["Result"] != "CIPHERFINAL_ERROR";
      ASSERT_GE(sealed.size(), kAeadTagSize);
      ASSERT_EQ(sealed.size() - kAeadTagSize, plaintext.size());
      EXPECT_EQ(aead_open(key_of(key), counter, associated_data, sealed, opened.data()), is_valid);
      if (!is_valid) continue;
      EXPECT_EQ(opened, plaintext);
      Bytes out(sealed.size());
      aead_seal(key_of(key), counter, associated_data, plaintext, out.data());
      EXPECT_EQ(hex(out), hex(sealed));
    }
  }
  if (checked == 0) GTEST_SKIP() << "python3-cryptography-vectors is not installed";
  EXPECT_GE(checked, 60);
}

TEST(Aead, TheKernelInUseIsTheBestThatRunsHere) {
  ASSERT_FALSE(kernels().empty());
  EXPECT_EQ(kernels().back(), &kPortableKernel);  // so that there always is one
  const auto best = std::find_if(kernels().begin(), kernels().end(), [](const AeadKernel* kernel) { return kernel->runs_here(); });
  EXPECT_STREQ(kernel_name(), (*best)->name);
}

// Every kernel of the list that runs here, against libsodium.
class AeadKernelTest : public testing::TestWithParam<const AeadKernel*> {
 protected:
  static void SetUpTestSuite() { ASSERT_GE(sodium_init(), 0); }
  void SetUp() override {
    if (!GetParam()->runs_here()) GTEST_SKIP() << "this CPU does not run it";
  }
  static Bytes expected(const Bytes& key, std::uint64_t counter, const Bytes& plaintext) {
    std::array<std::uint8_t, 12> nonce{};
    for (unsigned i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
    Bytes out(plaintext.size() + kAeadTagSize);
    crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plaintext.data(), plaintext.size(), nullptr, 0, nullptr, nonce.data(),
                                              key.data());
    return out;
  }
  static void seal_one(SealJob job) { GetParam()->seal({&job, 1}); }
  static bool open_one(OpenJob job) {
    GetParam()->open({&job, 1});
    return job.is_authentic;
  }
};

constexpr std::size_t kGuard = 64;
constexpr std::uint8_t kGuardByte = 0xc3;

// A buffer with guard bytes on both sides; `size` is what a kernel may write.
class Guarded {
 public:
  explicit Guarded(std::size_t size, std::size_t misalignment = 0) : front_(kGuard + misalignment), size_(size) {
    memory_.assign(front_ + size + kGuard, kGuardByte);
  }
  std::uint8_t* data() { return memory_.data() + front_; }
  std::span<std::uint8_t> bytes() { return {data(), size_}; }
  bool is_intact() const {
    const auto is_guard = [](std::uint8_t byte) { return byte == kGuardByte; };
    return std::all_of(memory_.begin(), memory_.begin() + static_cast<std::ptrdiff_t>(front_), is_guard) &&
           std::all_of(memory_.begin() + static_cast<std::ptrdiff_t>(front_ + size_), memory_.end(), is_guard);
  }

 private:
  std::size_t front_;
  std::size_t size_;
  Bytes memory_;
};

TEST_P(AeadKernelTest, EveryLengthInPlaceAndApart) {
  std::mt19937 random(8439);
  for (std::uint32_t length = 0; length <= 2048; ++length) {
    SCOPED_TRACE(length);
    const Bytes key = random_bytes(random, 32);
    const std::uint64_t counter = (std::uint64_t{random()} << 32) | random();
    const Bytes plaintext = random_bytes(random, length);
    const Bytes sealed = expected(key, counter, plaintext);
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
      ASSERT_TRUE(std::ranges::equal(out.bytes(), expected(key, counter, plaintext))) << length << ' ' << counter;
      ASSERT_TRUE(open_one({key.data(), counter, out.data(), out.data(), length + 16})) << length << ' ' << counter;
      ASSERT_TRUE(std::ranges::equal(out.bytes().first(length), plaintext)) << length << ' ' << counter;
      ASSERT_TRUE(out.is_intact());
    }
  }
}

TEST_P(AeadKernelTest, EveryFlippedByteIsRefusedAndNothingLeaks) {
  std::mt19937 random(2);
  for (const std::uint32_t length : {0u, 1u, 15u, 16u, 17u, 63u, 64u, 65u, 255u, 256u, 257u, 512u, 1420u, 1452u}) {
    const Bytes key = random_bytes(random, 32);
    const Bytes sealed = expected(key, 5, random_bytes(random, length));
    const auto sealed_length = static_cast<std::uint32_t>(sealed.size());
    const auto is_zeroed = [](std::span<const std::uint8_t> bytes) {
      return std::ranges::all_of(bytes, [](auto byte) { return byte == 0; });
    };
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
    if (length > 0) {
      EXPECT_FALSE(open_one({key.data(), 5, sealed.data(), out.data(), sealed_length - 1}));  // truncated
    }
    EXPECT_TRUE(out.is_intact());
  }
}

TEST_P(AeadKernelTest, ShorterThanATagNeverOpens) {
  const Bytes key = counting(32);
  const Bytes sealed = expected(key, 0, {});
  for (std::uint32_t length = 0; length < kAeadTagSize; ++length) {
    Guarded out(0);
    EXPECT_FALSE(open_one({key.data(), 0, sealed.data(), out.data(), length, true})) << length;
    EXPECT_TRUE(out.is_intact()) << length;
  }
}

// Batches as the data path has them: several peers' packets of any length, one of them forged, some too short.
TEST_P(AeadKernelTest, BatchesOfMixedKeysAndLengths) {
  std::mt19937 random(3);
  for (std::size_t count = 0; count <= 70; ++count) {
    SCOPED_TRACE(count);
    std::vector<Bytes> keys;
    std::vector<Bytes> plaintexts;
    std::vector<Guarded> buffers;
    for (std::size_t i = 0; i < count; ++i) {
      keys.push_back(random() % 3 == 0 && i > 0 ? keys.back() : random_bytes(random, 32));
      plaintexts.push_back(random_bytes(random, random() % 4 == 0 ? 1420 : random() % 2000));
      buffers.emplace_back(plaintexts.back().size() + kAeadTagSize, random() % 64);
      std::copy(plaintexts.back().begin(), plaintexts.back().end(), buffers.back().data());
    }
    std::vector<SealJob> seal_jobs;
    std::vector<OpenJob> open_jobs;
    for (std::size_t i = 0; i < count; ++i) {
      const auto length = static_cast<std::uint32_t>(plaintexts[i].size());
      seal_jobs.push_back({keys[i].data(), i * i, buffers[i].data(), buffers[i].data(), length});
      open_jobs.push_back({keys[i].data(), i * i, buffers[i].data(), buffers[i].data(), length + 16});
    }
    GetParam()->seal(seal_jobs);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(std::ranges::equal(buffers[i].bytes(), expected(keys[i], i * i, plaintexts[i]))) << i;
      ASSERT_TRUE(buffers[i].is_intact()) << i;
    }
    const std::size_t forged = count == 0 ? 0 : random() % count;
    const std::size_t too_short = count == 0 ? 0 : random() % count;
    if (count > 0) {
      buffers[forged].bytes().back() ^= 0x10;
      open_jobs[too_short].length = 15;
    }
    GetParam()->open(open_jobs);
    for (std::size_t i = 0; i < count; ++i) {
      const bool is_good = i != forged && i != too_short;
      ASSERT_EQ(open_jobs[i].is_authentic, is_good) << i;
      const auto opened = buffers[i].bytes().first(plaintexts[i].size());
      if (is_good) {
        ASSERT_TRUE(std::ranges::equal(opened, plaintexts[i])) << i;
      } else if (i != too_short) {
        ASSERT_TRUE(std::ranges::all_of(opened, [](auto byte) { return byte == 0; })) << i;
      }
      ASSERT_TRUE(buffers[i].is_intact()) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, AeadKernelTest, testing::ValuesIn(kernels().begin(), kernels().end()),
                         [](const auto& instance) { return std::string(instance.param->name); });

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
