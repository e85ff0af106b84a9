// Batches done by several threads: the same bytes as done alone, every share once, and no helper that touches an offer that is over.

#include "engine/fan_out.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace wgu::engine {
namespace {

using namespace std::chrono_literals;

// Packets of one random batch, and the jobs that seal them in place or open what was sealed.
struct Batch {
  std::array<std::uint8_t, crypto::kAeadKeySize> key{};
  std::vector<std::vector<std::uint8_t>> packets;

  Batch(std::size_t count, std::mt19937_64& random) {
    for (auto& byte : key) byte = static_cast<std::uint8_t>(random());
    for (std::size_t i = 0; i < count; ++i) {
      auto& packet = packets.emplace_back(random() % 1500 + crypto::kAeadTagSize);
      for (auto& byte : packet) byte = static_cast<std::uint8_t>(random());
    }
  }
  std::vector<crypto::SealJob> seal_jobs() {
    std::vector<crypto::SealJob> jobs;
    for (auto& packet : packets) {
      jobs.push_back(
          {key.data(), jobs.size(), packet.data(), packet.data(), static_cast<std::uint32_t>(packet.size() - crypto::kAeadTagSize)});
    }
    return jobs;
  }
  std::vector<crypto::OpenJob> open_jobs() {
    std::vector<crypto::OpenJob> jobs;
    for (auto& packet : packets) {
      jobs.push_back({key.data(), jobs.size(), packet.data(), packet.data(), static_cast<std::uint32_t>(packet.size())});
    }
    return jobs;
  }
};

// Threads that help all the time, as woken workers do in their rounds.
class Helpers {
 public:
  Helpers(FanOut& fan_out, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      threads_.emplace_back([this, &fan_out] {
        while (!is_over_.load(std::memory_order_relaxed)) {
          shares_ += fan_out.help();
          std::this_thread::yield();
        }
      });
    }
  }
  ~Helpers() {
    is_over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  [[nodiscard]] std::size_t shares() const { return shares_; }

 private:
  std::atomic<bool> is_over_{false};
  std::atomic<std::size_t> shares_{0};
  std::vector<std::thread> threads_;
};

TEST(FanOut, SealsAndOpensAsOneWould) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  FanOut fan_out;
  Helpers helpers(fan_out, 3);
  for (int round = 0; round < 200; ++round) {
    Batch batch(1 + random() % 200, random);
    const Batch plain = batch;
    Batch alone = batch;
    auto jobs_alone = alone.seal_jobs();
    crypto::seal(jobs_alone);
    auto jobs = batch.seal_jobs();
    fan_out.seal(jobs, 1 + random() % jobs.size(), [] {});
    ASSERT_EQ(batch.packets, alone.packets) << round;

    const std::size_t forged = random() % batch.packets.size();
    batch.packets[forged][0] ^= 1;
    auto open_jobs = batch.open_jobs();
    fan_out.open(open_jobs, 1 + random() % open_jobs.size(), [] {});
    for (std::size_t i = 0; i < open_jobs.size(); ++i) {
      ASSERT_EQ(open_jobs[i].is_authentic, i != forged) << round;
      if (i == forged) continue;
      const std::size_t size = plain.packets[i].size() - crypto::kAeadTagSize;
      ASSERT_EQ(std::memcmp(batch.packets[i].data(), plain.packets[i].data(), size), 0) << round;
    }
  }
}

TEST(FanOut, AloneItDoesAll) {
  std::mt19937_64 random(1);
  FanOut fan_out;
  Batch batch(7, random);
  Batch alone = batch;
  auto jobs = batch.seal_jobs();
  auto jobs_alone = alone.seal_jobs();
  bool was_woken = false;
  fan_out.seal(jobs, 3, [&] { was_woken = true; });
  crypto::seal(jobs_alone);
  EXPECT_TRUE(was_woken);
  EXPECT_EQ(batch.packets, alone.packets);
  EXPECT_EQ(fan_out.help(), 0u) << "the offer is over";
}

TEST(FanOut, AHelperTakesWhatTheOwnerHasNotBegun) {
  std::mt19937_64 random(2);
  FanOut fan_out;
  Batch batch(64, random);
  Batch alone = batch;
  auto jobs = batch.seal_jobs();
  auto jobs_alone = alone.seal_jobs();
  std::size_t helped = 0;
  // On the owner's thread, between offer and work: all of it is there to be taken.
  fan_out.seal(jobs, 16, [&] { helped = fan_out.help(); });
  crypto::seal(jobs_alone);
  EXPECT_EQ(helped, 16u);
  EXPECT_EQ(batch.packets, alone.packets);
}

TEST(FanOutPolicy, SharesWhatTakesLong) {
  FanOutPolicy policy;
  EXPECT_EQ(policy.shares_for(1 << 20), 1u) << "nothing is known yet";
  policy.learn(100'000, 100us);  // 1 ns a byte
  EXPECT_EQ(policy.shares_for(59'000), 1u);
  EXPECT_EQ(policy.shares_for(60'000), 4u);
  EXPECT_EQ(policy.shares_for(150'000), 10u);
  EXPECT_EQ(policy.shares_for(std::size_t{1} << 30), FanOut::kMaxShares);
}

TEST(FanOutPolicy, OneInterruptionChangesLittle) {
  FanOutPolicy policy;
  policy.learn(100'000, 100us);
  policy.learn(100'000, 2ms);  // its thread was off its CPU
  EXPECT_EQ(policy.shares_for(40'000), 1u);
  for (int i = 0; i < 20; ++i) policy.learn(100'000, 30us);  // another kernel, a faster clock
  EXPECT_EQ(policy.shares_for(150'000), 1u);
  policy.learn(100, 1ms);  // too small to say anything
  EXPECT_EQ(policy.shares_for(150'000), 1u);
}

}  // namespace
}  // namespace wgu::engine
