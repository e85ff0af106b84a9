// Constant time, shown on the machine code itself, and so for kernels that valgrind cannot run. Whatever the keys and texts are, a
// batch of the same lengths executes the same instructions in the same order, and these address the same memory (differential
// address trace analysis). No clock is read: a difference is a leak, always. What it does not show: an instruction whose own time
// depends on its operands, for which see timing/timing_test.cc; and it is of the secrets tried, where memcheck's is of all.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "crypto/aead_kernels.h"
#include "crypto/bytes.h"
#include "crypto/trace/stepper.h"

namespace wgu::crypto {
namespace {

using trace::Step;
using trace::Stepper;

Stepper& stepper() {
  static std::optional<Stepper> the_stepper = Stepper::create();
  return *the_stepper;
}

// Secrets: all zeros, and random ones that differ from packet to packet.
constexpr unsigned kSecrets = 2;

void fill(Bytes& bytes, unsigned secret, std::mt19937& random) {
  for (auto& byte : bytes) byte = secret == 0 ? 0 : static_cast<std::uint8_t>(random());
}

// Equal unless a secret shows.
void expect_same(const std::vector<Step>& first, const std::vector<Step>& other, const std::string& what) {
  const auto [a, b] = std::mismatch(first.begin(), first.end(), other.begin(), other.end());
  if (a == first.end() && b == other.end()) return;
  const Step& before = a == first.begin() ? *a : *(a - 1);
  FAIL() << what << ": step " << a - first.begin() << " of " << first.size() << " and " << other.size() << " depends on a secret; after "
         << stepper().describe(before) << (a == first.end() ? "" : ", " + stepper().describe(*a))
         << (b == other.end() ? "" : " against " + stepper().describe(*b));
}

// The same buffers for all secrets, so that addresses can be compared.
class Batch {
 public:
  explicit Batch(const std::vector<std::uint32_t>& lengths) {
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      keys_.emplace_back(32);
      texts_.emplace_back(lengths[i]);
      packets_.emplace_back(lengths[i] + kAeadTagSize);
    }
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const std::uint8_t* key = keys_[i % 3 == 1 ? i - 1 : i].data();  // some packets of one peer
      seals_.push_back({key, 1000 + i, texts_[i].data(), packets_[i].data(), lengths[i]});
      opens_.push_back({key, 1000 + i, packets_[i].data(), i % 2 == 0 ? packets_[i].data() : texts_[i].data(), lengths[i] + 16});
    }
  }
  void choose(unsigned secret) {
    for (auto& key : keys_) fill(key, secret, random_);
    for (auto& text : texts_) fill(text, secret, random_);
  }
  // In the tag, so that a comparison that ends at the first difference ends early for one secret and late for another.
  void spoil(unsigned secret) {
    for (Bytes& packet : packets_) packet[packet.size() - (secret == 0 ? kAeadTagSize : 1)] ^= 0x40;
  }
  void seal(const AeadKernel& kernel) { kernel.seal(seals_); }
  void open(const AeadKernel& kernel) { kernel.open(opens_); }
  bool all_are(bool is_authentic) const {
    return std::ranges::all_of(opens_, [=](const OpenJob& job) { return job.is_authentic == is_authentic; });
  }

 private:
  std::mt19937 random_{1};
  std::vector<Bytes> keys_, texts_, packets_;
  std::vector<SealJob> seals_;
  std::vector<OpenJob> opens_;
};

// A step costs microseconds, so: one of each way through the kernels (alone, in lock-step, ragged; few blocks and many; edges of blocks;
// so many long ones that some are chained).
std::vector<std::vector<std::uint32_t>> batches() {
  std::vector<std::uint32_t> ragged = {1000};
  for (std::uint32_t i = 0; i < 11; ++i) ragged.push_back((i * 37) % 200);
  return {{0}, {1}, {65}, {257}, {1424}, {600, 40, 300}, std::vector<std::uint32_t>(17, 64), std::vector<std::uint32_t>(24, 640), ragged};
}

class SameTrace : public testing::TestWithParam<const AeadKernel*> {
 protected:
  void SetUp() override {
    if (GetParam() == &kPortableKernel) GTEST_SKIP() << "libsodium's code, which memcheck runs";
    if (!GetParam()->runs_here()) GTEST_SKIP() << "this CPU does not run " << GetParam()->name;
    if (!Stepper::create()) GTEST_SKIP() << "no objdump, or no trap flag";
  }
};

INSTANTIATE_TEST_SUITE_P(Kernels, SameTrace, testing::ValuesIn(kernels().begin(), kernels().end()),
                         [](const auto& kernel) { return std::string(kernel.param->name); });

TEST_P(SameTrace, WhateverTheSecretsAre) {
  const AeadKernel& kernel = *GetParam();
  std::size_t steps = 0;
  for (const auto& lengths : batches()) {
    SCOPED_TRACE(testing::Message() << lengths.size() << " packets, the first of " << lengths[0] << " bytes");
    Batch batch(lengths);
    std::vector<Step> sealed[kSecrets], opened[kSecrets], refused[kSecrets];
    for (unsigned secret = 0; secret < kSecrets; ++secret) {
      batch.choose(secret);
      sealed[secret] = stepper().record([&] { batch.seal(kernel); });
      opened[secret] = stepper().record([&] { batch.open(kernel); });
      ASSERT_TRUE(batch.all_are(true));
      batch.choose(secret);
      batch.seal(kernel);
      batch.spoil(secret);
      refused[secret] = stepper().record([&] { batch.open(kernel); });
      ASSERT_TRUE(batch.all_are(false));
      if (secret == 0) {
        steps += sealed[0].size() + opened[0].size() + refused[0].size();
        continue;
      }
      expect_same(sealed[0], sealed[secret], "seal");
      expect_same(opened[0], opened[secret], "open");
      expect_same(refused[0], refused[secret], "open, forged");
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(steps, 10'000u);
  EXPECT_TRUE(stepper().not_understood().empty()) << stepper().not_understood()[0];
  RecordProperty("instructions", std::to_string(steps));
  std::printf("%zu instructions a secret\n", steps);
}

// What a careless kernel would do. Each must be seen.
class PlantedLeak : public testing::Test {
 protected:
  void SetUp() override {
    if (!Stepper::create()) GTEST_SKIP() << "no objdump, or no trap flag";
  }
  template <class Call>
  static bool is_seen(const Call& call) {
    Bytes secret(32);
    std::vector<Step> recorded[2];
    for (auto& steps : recorded) {  // one call site, so that the stack lies the same
      steps = stepper().record([&] { call(secret); });
      secret[9] = 1;
    }
    return recorded[0] != recorded[1];
  }
  static inline volatile unsigned sink = 0;
};

TEST_F(PlantedLeak, NoneIsSeenWhereNoneIs) {
  EXPECT_FALSE(is_seen([](const Bytes& secret) { sink = sink + secret[9]; }));
}
TEST_F(PlantedLeak, ABranch) {
  EXPECT_TRUE(is_seen([](const Bytes& secret) {
    if ((secret[9] & 1) != 0) sink = sink + 1;
  }));
}
TEST_F(PlantedLeak, AnIndex) {
  static const volatile std::uint8_t table[256] = {1};
  EXPECT_TRUE(is_seen([](const Bytes& secret) { sink = table[secret[9]]; }));
}
TEST_F(PlantedLeak, AnEarlyExitOfAComparison) {
  EXPECT_TRUE(is_seen([](const Bytes& secret) {
    for (std::size_t i = 0; i < secret.size() && secret[i] == 0; ++i) sink = sink + 1;
  }));
}
TEST_F(PlantedLeak, ALengthThatALibraryIsGiven) {
  static Bytes to(32), from(32);
  EXPECT_TRUE(is_seen([](const Bytes& secret) { std::copy_n(from.begin(), 16 + secret[9], to.begin()); }));
}

}  // namespace
}  // namespace wgu::crypto
