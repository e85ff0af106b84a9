// Vectors that others published: for the handshake's calls, and for every kernel as far as it can express them. A kernel's nonce begins
// with four zeros and its associated data are empty; of a vector with associated data the ciphertext is compared and not the tag.
#include <fstream>
#include <map>

#include "crypto/aead.h"
#include "crypto/aead_kernel_test.h"

namespace wgu::crypto {
namespace {

struct Vector {
  std::string name;
  Bytes key;
  Bytes nonce;
  Bytes associated_data;
  Bytes plaintext;
  Bytes sealed;
  bool is_valid = true;

  bool has_a_counter() const { return nonce.size() == 12 && is_zeroed(std::span(nonce).first(4)); }
  std::uint64_t counter() const {
    std::uint64_t counter = 0;
    for (unsigned i = 0; i < 8; ++i) counter |= std::uint64_t{nonce[4 + i]} << (8 * i);
    return counter;
  }
};

// RFC 8439 appendix A.5. (The vector of section 2.8.2 has a nonce that WireGuard's, four zeros and a counter, cannot be.)
Vector rfc8439_appendix_a5() {
  return {"RFC 8439 A.5",
          unhex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0"),
          unhex("000000000102030405060708"),
          unhex("f33388860000000000004e91"),
          text_bytes("Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or obsoleted by "
                     "other documents at any time. It is inappropriate to use Internet-Drafts as reference material or to cite them other "
                     "than as /\xe2\x80\x9cwork in progress./\xe2\x80\x9d"),
          unhex("64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f"
                "355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0"
                "f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04"
                "b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130"
                "305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38")};
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

// Debian's python3-cryptography-vectors, those of our kind of nonce; none where it is not installed.
std::vector<Vector> published_vectors() {
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
  std::vector<Vector> vectors;
  for (const File& file : files) {
    for (Record& record : read_records(folder + file.name)) {
      Vector vector{std::string(file.name) + " " + record["COUNT"], value_of(record[file.key]),       unhex(record[file.nonce]),
                    value_of(record[file.associated_data]),         value_of(record[file.plaintext]), value_of(record[file.ciphertext]),
                    record["Result"] != "CIPHERFINAL_ERROR"};
      const Bytes tag = unhex(record[file.tag]);
      vector.sealed.insert(vector.sealed.end(), tag.begin(), tag.end());
      if (vector.has_a_counter()) vectors.push_back(std::move(vector));
    }
  }
  return vectors;
}

constexpr char kNoVectors[] = "python3-cryptography-vectors is not installed";

void check_handshake_calls(const Vector& vector) {
  SCOPED_TRACE(vector.name);
  ASSERT_EQ(vector.key.size(), kAeadKeySize);
  ASSERT_EQ(vector.sealed.size(), vector.plaintext.size() + kAeadTagSize);
  Bytes opened(vector.plaintext.size());
  EXPECT_EQ(aead_open(key_of(vector.key), vector.counter(), vector.associated_data, vector.sealed, opened.data()), vector.is_valid);
  if (!vector.is_valid) return;
  EXPECT_EQ(opened, vector.plaintext);
  Bytes sealed(vector.sealed.size());
  aead_seal(key_of(vector.key), vector.counter(), vector.associated_data, vector.plaintext, sealed.data());
  EXPECT_EQ(hex(sealed), hex(vector.sealed));
}

TEST(AeadVectors, Rfc8439AppendixA5) { check_handshake_calls(rfc8439_appendix_a5()); }

TEST(AeadVectors, Published) {
  const auto vectors = published_vectors();
  if (vectors.empty()) GTEST_SKIP() << kNoVectors;
  EXPECT_GE(vectors.size(), 60u);
  for (const Vector& vector : vectors) check_handshake_calls(vector);
}

class AeadVectorsOfKernels : public AeadKernelSuite {
 protected:
  void check(const Vector& vector) {
    SCOPED_TRACE(vector.name);
    const auto length = static_cast<std::uint32_t>(vector.plaintext.size());
    const auto sealed_length = static_cast<std::uint32_t>(vector.sealed.size());
    const bool is_whole = vector.associated_data.empty();
    if (vector.is_valid) {
      Guarded sealed(vector.sealed.size());
      seal_one({vector.key.data(), vector.counter(), vector.plaintext.data(), sealed.data(), length});
      const std::size_t compared = is_whole ? sealed_length : length;
      EXPECT_EQ(hex(sealed.bytes().first(compared)), hex(std::span(vector.sealed).first(compared)));
      EXPECT_TRUE(sealed.is_intact());
    }
    Guarded opened(length);
    EXPECT_EQ(open_one({vector.key.data(), vector.counter(), vector.sealed.data(), opened.data(), sealed_length}),
              vector.is_valid && is_whole);
    if (vector.is_valid && is_whole) {
      EXPECT_TRUE(std::ranges::equal(opened.bytes(), vector.plaintext));
    } else {
      EXPECT_TRUE(is_zeroed(opened.bytes()));
    }
    EXPECT_TRUE(opened.is_intact());
  }
};

INSTANTIATE_TEST_SUITE_P(Kernels, AeadVectorsOfKernels, every_kernel(), name_of_kernel);

TEST_P(AeadVectorsOfKernels, Rfc8439AppendixA5) { check(rfc8439_appendix_a5()); }

TEST_P(AeadVectorsOfKernels, Published) {
  const auto vectors = published_vectors();
  if (vectors.empty()) GTEST_SKIP() << kNoVectors;
  EXPECT_GE(vectors.size(), 60u);
  for (const Vector& vector : vectors) check(vector);
}

// RFC 8439 appendix A.1: blocks of the key stream, which is what sealing zeros gives; the text begins with block 1.
TEST_P(AeadVectorsOfKernels, Rfc8439AppendixA1) {
  struct Row {
    Bytes key;
    std::size_t block;
    const char* stream;
  };
  const Bytes zeros(32);
  Bytes last_is_one = zeros;
  last_is_one[31] = 1;
  Bytes second_is_ff = zeros;
  second_is_ff[1] = 0xff;
  const Row rows[] = {
      {zeros, 1,
       "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f"},
      {last_is_one, 1,
       "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0"},
      {second_is_ff, 2,
       "72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096"},
  };
  for (const Row& row : rows) {
    const Bytes plaintext(128);
    Guarded sealed(plaintext.size() + kAeadTagSize);
    seal_one({row.key.data(), 0, plaintext.data(), sealed.data(), 128});
    EXPECT_EQ(hex(sealed.bytes().subspan(64 * (row.block - 1), 64)), row.stream);
  }
}

}  // namespace
}  // namespace wgu::crypto
