// Batches as the data path has them: packets of several peers and of any length, in place and apart, some forged and some too short.
// Each job has its own answer, whatever its neighbours are; the answers are libsodium's.
#include <random>

#include "crypto/aead_kernel_test.h"

namespace wgu::crypto {
namespace {

enum class Fate { kGenuine, kForged, kTooShort };

// Packets that share no buffer; every third one goes from a buffer of its own to another, the rest in place.
class Batch {
 public:
  explicit Batch(std::uint32_t seed) : random_(seed) {}

  void add(std::uint32_t length) {
    keys_.push_back(keys_.empty() || random_() % 3 != 0 ? random_bytes(random_, 32) : keys_[random_() % keys_.size()]);
    plaintexts_.push_back(random_bytes(random_, length));
    counters_.push_back((std::uint64_t{random_()} << 32) | random_());
    buffers_.emplace_back(plaintexts_.back(), length + kAeadTagSize, random_());
    others_.emplace_back(length + kAeadTagSize, random_());
    fates_.push_back(Fate::kGenuine);
  }

  std::size_t size() const { return keys_.size(); }

  void seal(const AeadKernel& kernel) {
    std::vector<SealJob> jobs;
    for (std::size_t i = 0; i < size(); ++i) {
      jobs.push_back({keys_[i].data(), counters_[i], buffers_[i].data(), sealed(i).data(), length(i)});
    }
    kernel.seal(jobs);
    for (std::size_t i = 0; i < size(); ++i) {
      ASSERT_TRUE(std::ranges::equal(sealed(i).bytes(), sealed_by_libsodium(keys_[i], counters_[i], plaintexts_[i]))) << i;
      ASSERT_TRUE(buffers_[i].is_intact() && others_[i].is_intact()) << i;
    }
  }

  void spoil(std::size_t i, Fate fate) {
    fates_[i] = fate;
    if (fate == Fate::kForged) sealed(i).bytes()[random_() % (length(i) + kAeadTagSize)] ^= static_cast<std::uint8_t>(1 << random_() % 8);
  }

  void open(const AeadKernel& kernel) {
    std::vector<OpenJob> jobs;
    for (std::size_t i = 0; i < size(); ++i) {
      const std::uint32_t given = fates_[i] == Fate::kTooShort ? static_cast<std::uint32_t>(random_() % 16) : length(i) + 16;
      jobs.push_back({keys_[i].data(), counters_[i], sealed(i).data(), buffers_[i].data(), given, random_() % 2 == 0});
    }
    kernel.open(jobs);
    for (std::size_t i = 0; i < size(); ++i) {
      ASSERT_EQ(jobs[i].is_authentic, fates_[i] == Fate::kGenuine) << i;
      const auto opened = buffers_[i].bytes().first(length(i));
      if (fates_[i] == Fate::kGenuine) {
        ASSERT_TRUE(std::ranges::equal(opened, plaintexts_[i])) << i;
      } else if (fates_[i] == Fate::kForged) {
        ASSERT_TRUE(is_zeroed(opened)) << i;
      }
      ASSERT_TRUE(buffers_[i].is_intact() && others_[i].is_intact()) << i;
    }
  }

 private:
  std::uint32_t length(std::size_t i) const { return static_cast<std::uint32_t>(plaintexts_[i].size()); }
  Guarded& sealed(std::size_t i) { return i % 3 == 2 ? others_[i] : buffers_[i]; }

  std::mt19937 random_;
  std::vector<Bytes> keys_;
  std::vector<Bytes> plaintexts_;
  std::vector<std::uint64_t> counters_;
  std::vector<Guarded> buffers_;
  std::vector<Guarded> others_;
  std::vector<Fate> fates_;
};

using AeadBatchesTest = AeadKernelSuite;

INSTANTIATE_TEST_SUITE_P(Kernels, AeadBatchesTest, every_kernel(), name_of_kernel);

TEST_P(AeadBatchesTest, AnEmptyOneIsNothing) {
  GetParam()->seal({});
  GetParam()->open({});
}

TEST_P(AeadBatchesTest, EverySizeOfMixedKeysAndLengths) {
  std::mt19937 random(130);
  for (std::size_t size = 1; size <= 130; ++size) {
    SCOPED_TRACE(size);
    Batch batch(static_cast<std::uint32_t>(size));
    for (std::size_t i = 0; i < size; ++i) batch.add(random() % 4 == 0 ? 1424 : static_cast<std::uint32_t>(random() % 2000));
    batch.seal(*GetParam());
    for (std::size_t i = 0; i < size; ++i) {
      if (random() % 8 == 0) batch.spoil(i, random() % 3 == 0 ? Fate::kTooShort : Fate::kForged);
    }
    batch.open(*GetParam());
    if (HasFatalFailure()) return;
  }
}

// Every length beside others: equal ones in lock-step, all but one of them, and steps of one byte.
TEST_P(AeadBatchesTest, EveryLengthAmongNeighbours) {
  for (std::uint32_t length = 0; length <= 2048; ++length) {
    SCOPED_TRACE(length);
    Batch batch(length);
    for (std::uint32_t i = 0; i < 3 + length % 7; ++i) batch.add(length);
    batch.add((length * 619) % 2049);
    batch.add(length + 1);
    batch.seal(*GetParam());
    batch.open(*GetParam());
    if (HasFatalFailure()) return;
  }
}

TEST_P(AeadBatchesTest, TheLongestAmongTheShortest) {
  for (std::uint32_t round = 0; round < 12; ++round) {
    SCOPED_TRACE(round);
    Batch batch(round);
    for (std::uint32_t i = 0; i < 30; ++i) batch.add(i == round ? 65535 : i == 2 * round ? 40000 + round * 777 : i % 5 * 13);
    batch.seal(*GetParam());
    batch.spoil(round, round % 2 == 0 ? Fate::kForged : Fate::kGenuine);
    batch.open(*GetParam());
    if (HasFatalFailure()) return;
  }
}

// One forgery at each place of a batch: its neighbours open, it does not. Few blocks and many, for kernels that tell them apart.
TEST_P(AeadBatchesTest, AForgeryAtEveryPlaceHarmsNobodyElse) {
  for (const std::uint32_t length : {0u, 40u, 64u, 1424u}) {
    for (const std::size_t size : {2u, 8u, 9u, 16u, 33u, 64u}) {
      for (std::size_t place = 0; place < size; ++place) {
        SCOPED_TRACE(testing::Message() << place << " of " << size << " packets of " << length);
        Batch batch(static_cast<std::uint32_t>(place));
        for (std::size_t i = 0; i < size; ++i) batch.add(length);
        batch.seal(*GetParam());
        batch.spoil(place, Fate::kForged);
        batch.open(*GetParam());
        if (HasFatalFailure()) return;
      }
    }
  }
}

// So many long packets that a kernel may authenticate some of them while it encrypts others; with short ones between, and forgeries.
TEST_P(AeadBatchesTest, ManyLongOnes) {
  std::mt19937 random(1424);
  for (std::uint32_t round = 0; round < 120; ++round) {
    const std::size_t size = 9 + random() % 60;
    const auto longest = static_cast<std::uint32_t>(round % 10 == 0 ? 9000 : 480 + random() % 1600);
    SCOPED_TRACE(testing::Message() << "round " << round << ": " << size << " packets, up to " << longest);
    Batch batch(round);
    for (std::size_t i = 0; i < size; ++i) {
      const bool is_odd_one = round % 3 != 0 && random() % 4 == 0;
      batch.add(is_odd_one ? static_cast<std::uint32_t>(random() % (longest + 1)) : longest - static_cast<std::uint32_t>(i * round % 17));
    }
    batch.seal(*GetParam());
    for (std::size_t i = 0; i < size; ++i) {
      if (round % 4 == 1 && random() % 3 == 0) batch.spoil(i, random() % 3 == 0 ? Fate::kTooShort : Fate::kForged);
      if (round % 12 == 3) batch.spoil(i, Fate::kForged);
    }
    batch.open(*GetParam());
    if (HasFatalFailure()) return;
  }
}

TEST_P(AeadBatchesTest, OnlyForgeries) {
  for (const std::uint32_t length : {0u, 40u, 300u, 1424u}) {
    Batch batch(length);
    for (std::uint32_t i = 0; i < 66; ++i) batch.add(length + i % 3);
    batch.seal(*GetParam());
    for (std::size_t i = 0; i < batch.size(); ++i) batch.spoil(i, Fate::kForged);
    batch.open(*GetParam());
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace wgu::crypto
