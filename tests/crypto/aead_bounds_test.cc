// Kernels read and write inside their spans: packets lie against pages that nobody may touch, at their front and at their end, in
// batches of every size and mix, so that a vector's worth too much ends the process.
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/mman.h>

#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "crypto/aead_kernels.h"

namespace wgu::crypto {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kRoom = 17 * kPage;  // 65,535 bytes and a tag

// Readable pages between two that are not.
class Fenced {
 public:
  Fenced() : map_(static_cast<std::uint8_t*>(mmap(nullptr, kRoom + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    if (map_ == MAP_FAILED || mprotect(map_ + kPage, kRoom, PROT_READ | PROT_WRITE) != 0) std::abort();
  }
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;
  ~Fenced() { munmap(map_, kRoom + 2 * kPage); }
  // `size` bytes that begin (or end) at a fence.
  std::uint8_t* at_front() { return map_ + kPage; }
  std::uint8_t* at_end(std::size_t size) { return map_ + kPage + kRoom - size; }

 private:
  std::uint8_t* map_;
};

class AeadBoundsTest : public testing::TestWithParam<const AeadKernel*> {
 protected:
  void SetUp() override {
    if (!GetParam()->runs_here()) GTEST_SKIP() << "this CPU does not run " << GetParam()->name;
  }

  // Seals and opens packets of these lengths in one batch, each against a fence, and compares with libsodium.
  void expect_within_fences(const std::vector<std::uint32_t>& lengths, bool is_at_end) {
    while (fences_.size() < 2 * lengths.size()) fences_.push_back(std::make_unique<Fenced>());
    const auto place = [&](std::size_t i, std::size_t size) {
      Fenced& fence = *fences_[i];
      return is_at_end ? fence.at_end(size) : fence.at_front();
    };
    std::vector<SealJob> seals;
    std::vector<std::vector<std::uint8_t>> expected;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const std::uint32_t length = lengths[i];
      std::uint8_t* in = place(2 * i, length);
      for (std::uint32_t b = 0; b < length; ++b) in[b] = static_cast<std::uint8_t>(random_());
      seals.push_back({key_, i, in, place(2 * i + 1, length + kAeadTagSize), length});
      expected.emplace_back(length + kAeadTagSize);
      crypto_aead_chacha20poly1305_ietf_encrypt(expected[i].data(), nullptr, in, length, nullptr, 0, nullptr, nonce_of(i).data(), key_);
    }
    GetParam()->seal(seals);
    std::vector<OpenJob> opens;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const auto size = static_cast<std::uint32_t>(lengths[i] + kAeadTagSize);
      ASSERT_EQ(std::memcmp(seals[i].out, expected[i].data(), size), 0) << "length " << lengths[i];
      // Apart, into a span that holds the plaintext exactly.
      opens.push_back({key_, i, seals[i].out, place(2 * i, lengths[i]), size});
      std::memset(opens.back().out, 0, lengths[i]);
    }
    GetParam()->open(opens);
    for (const OpenJob& open : opens) ASSERT_TRUE(open.is_authentic) << "length " << open.length;
    for (OpenJob& open : opens) open.out = const_cast<std::uint8_t*>(open.in);  // and in place
    GetParam()->open(opens);
    for (const OpenJob& open : opens) ASSERT_TRUE(open.is_authentic) << "length " << open.length << ", in place";
  }

  std::mt19937 random_{20261123};
  const std::uint8_t key_[32] = {3, 1, 4, 1, 5, 9, 2, 6};
  std::vector<std::unique_ptr<Fenced>> fences_;
};

INSTANTIATE_TEST_SUITE_P(Kernels, AeadBoundsTest, testing::ValuesIn(kernels().begin(), kernels().end()),
                         [](const auto& kernel) { return std::string(kernel.param->name); });

TEST_P(AeadBoundsTest, EveryLengthAlone) {
  for (const bool is_at_end : {true, false}) {
    for (std::uint32_t length = 0; length <= 2048; ++length) expect_within_fences({length}, is_at_end);
    expect_within_fences({65535}, is_at_end);
  }
}

TEST_P(AeadBoundsTest, MixedBatchesOfEverySize) {
  for (std::size_t size = 1; size <= 130; ++size) {
    std::vector<std::uint32_t> lengths;
    for (std::size_t i = 0; i < size; ++i) {
      lengths.push_back(static_cast<std::uint32_t>(random_() % (random_() % 16 == 0 ? 16000 : 1500)));
    }
    expect_within_fences(lengths, size % 2 == 0);
  }
}

TEST_P(AeadBoundsTest, EqualLengthsInLockStep) {
  for (std::uint32_t length = 0; length <= 600; ++length) expect_within_fences(std::vector<std::uint32_t>(9, length), length % 2 == 0);
}

}  // namespace
}  // namespace wgu::crypto
