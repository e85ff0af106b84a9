// Constants are written out again: 20 a second, burst 5 (kernel ratelimiter.c).

#include "tunnel/rate_limiter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace wgu::tunnel {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::uint8_t, 16> kKey = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
constexpr Instant kStart{1000s};

IpAddress host(std::uint32_t n) {
  return IpAddress::v4(static_cast<std::uint8_t>(n >> 24), static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8),
                       static_cast<std::uint8_t>(n));
}

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

std::uint32_t printed_seed() {
  const std::uint32_t seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  return seed;
}

// The textbook's bucket, refilled by the clock; a token is an interval of nanoseconds.
class NaiveBucket {
 public:
  NaiveBucket(Duration interval, unsigned burst, Instant now) : interval_(interval), full_(interval * burst), tokens_(full_), last_(now) {}
  bool admit(Instant now) {
    tokens_ = std::min(full_, tokens_ + (now - last_));
    last_ = now;
    if (tokens_ < interval_) return false;
    tokens_ -= interval_;
    return true;
  }

 private:
  Duration interval_, full_, tokens_;
  Instant last_;
};

unsigned count_admitted(unsigned attempts, const auto& admit) {
  unsigned admitted = 0;
  for (unsigned i = 0; i < attempts; ++i) admitted += admit() ? 1 : 0;
  return admitted;
}

// Delay before a burst of attempts, and how many of them pass (kernel selftest/ratelimiter.c).
struct Row {
  Duration delay;
  unsigned admitted;
};
constexpr std::array<Row, 6> kRows = {{{0ms, 5}, {50ms, 1}, {100ms, 2}, {49ms, 0}, {1ms, 1}, {10s, 5}}};

TEST(SourceLimiter, KernelPattern) {
  SourceLimiter limiter(kKey);
  Instant now = kStart;
  for (const Row& row : kRows) {
    now += row.delay;
    EXPECT_EQ(count_admitted(20, [&] { return limiter.admit(ip("192.0.2.1"), now); }), row.admitted);
    EXPECT_EQ(count_admitted(20, [&] { return limiter.admit(ip("2001:db8::1"), now); }), row.admitted);
  }
}

TEST(TokenBucket, KernelPattern) {
  TokenBucket bucket(20, 5);
  Instant now = kStart;
  for (const Row& row : kRows) {
    now += row.delay;
    EXPECT_EQ(count_admitted(20, [&] { return bucket.admit(now); }), row.admitted);
  }
}

TEST(SourceLimiter, CountsIpv4By32AndIpv6By64) {
  SourceLimiter limiter(kKey);
  EXPECT_EQ(count_admitted(20, [&] { return limiter.admit(ip("192.0.2.1"), kStart); }), 5U);
  EXPECT_EQ(count_admitted(20, [&] { return limiter.admit(ip("192.0.2.2"), kStart); }), 5U);
  EXPECT_EQ(count_admitted(20, [&] { return limiter.admit(ip("2001:db8:0:1::1"), kStart); }), 5U);
  EXPECT_EQ(count_admitted(20, [&] { return limiter.admit(ip("2001:db8:0:1:ffff:ffff:ffff:ffff"), kStart); }), 0U);
  EXPECT_EQ(count_admitted(20, [&] { return limiter.admit(ip("2001:db8:0:2::1"), kStart); }), 5U);
  // The same bytes in the other family are another source.
  EXPECT_EQ(count_admitted(20, [&] { return limiter.admit(ip("c000:201::"), kStart); }), 5U);
}

TEST(SourceLimiter, OthersAreUnaffected) {
  SourceLimiter limiter(kKey);
  for (std::uint32_t n = 1; n <= 500; ++n) {
    ASSERT_EQ(count_admitted(20, [&] { return limiter.admit(host(0x0a000000 + n), kStart); }), 5U) << n;
  }
}

TEST(SourceLimiter, AFullTableRefusesAndIsFreedByTime) {
  SourceLimiter limiter(kKey);
  // Until every one of the 2^14 slots is taken.
  std::uint32_t tried = 0;
  unsigned taken = 0;
  for (; tried < (1U << 16) && taken < (1U << 14); ++tried) taken += limiter.admit(host(0x0a000000 + tried), kStart) ? 1 : 0;
  ASSERT_EQ(taken, 1U << 14);
  EXPECT_EQ(count_admitted(1000, [&] { return limiter.admit(host(0x0b000000 + tried++), kStart + 49ms); }), 0U);
  // Sources inside keep their buckets meanwhile.
  EXPECT_EQ(count_admitted(20, [&] { return limiter.admit(host(0x0a000000), kStart); }), 4U);
  EXPECT_EQ(count_admitted(100, [&] { return limiter.admit(host(0x0c000000 + tried++), kStart + 50ms); }), 100U);
}

TEST(SourceLimiter, AFreedSlotGivesNobodyASecondBurst) {
  // Hundreds of busy sources share lines of eight slots and come and go by turns; each has one bucket all the same.
  SourceLimiter limiter(kKey);
  std::mt19937 random(printed_seed());
  std::map<std::uint32_t, NaiveBucket> models;
  Instant now = kStart;
  unsigned admitted = 0;
  for (unsigned i = 0; i < 300'000; ++i) {
    now += 10us * (random() % 8);
    const auto turn = static_cast<std::uint32_t>((now - kStart) / 300ms);
    const auto n = static_cast<std::uint32_t>(random() % 600 / 3 * 3 + turn % 3 * (random() % 2));
    auto& model = models.try_emplace(n, 50ms, 5, now).first->second;
    const bool is_admitted = model.admit(now);
    ASSERT_EQ(limiter.admit(host(n), now), is_admitted) << i;
    admitted += is_admitted ? 1 : 0;
  }
  EXPECT_GT(admitted, 50'000U);  // both answers were common
  EXPECT_LT(admitted, 250'000U);
}

TEST(SourceLimiter, EqualsANaiveBucketOverAYear) {
  SourceLimiter limiter(kKey);
  std::mt19937 random(printed_seed());
  Instant now = kStart;
  NaiveBucket model(50ms, 5, now);
  while (now < kStart + 365 * 24h) {  // almost three times round 40 bits of 10 us
    // Mostly about the rate itself, at times a pause of hours.
    const auto step = random() % 1000 == 0 ? Duration(std::chrono::minutes(random() % 2000)) : Duration(10us * (random() % 10'000));
    now += step;
    ASSERT_EQ(limiter.admit(ip("192.0.2.1"), now), model.admit(now)) << now.time_since_epoch().count();
  }
}

TEST(SourceLimiter, AnOldArrivalTimeIsNotTakenForAFutureOne) {
  constexpr Duration kWrap = 10us * (1LL << 40);
  for (const Duration later : {Duration(24h), kWrap / 2, kWrap / 2 + 1s, kWrap - 24h, kWrap - 11s, kWrap + 1s}) {
    SourceLimiter limiter(kKey);
    EXPECT_EQ(count_admitted(20, [&] { return limiter.admit(ip("192.0.2.1"), kStart); }), 5U);
    EXPECT_EQ(count_admitted(20, [&] { return limiter.admit(ip("192.0.2.1"), kStart + later); }), 5U) << later.count();
  }
}

TEST(SourceLimiter, WorksFromTheFirstInstantOn) {
  SourceLimiter limiter(kKey);
  EXPECT_EQ(count_admitted(20, [&] { return limiter.admit(ip("192.0.2.1"), Instant{}); }), 5U);
  TokenBucket bucket(20, 5);
  EXPECT_EQ(count_admitted(20, [&] { return bucket.admit(Instant{}); }), 5U);
}

TEST(SourceLimiter, AWorkerWhoseClockLagsAdmitsNoMore) {
  SourceLimiter limiter(kKey);
  TokenBucket bucket(20, 5);
  EXPECT_EQ(count_admitted(20, [&] { return limiter.admit(ip("192.0.2.1"), kStart); }), 5U);
  EXPECT_EQ(count_admitted(20, [&] { return bucket.admit(kStart); }), 5U);
  for (const Duration lag : {1ms, 100ms, 5000ms}) {
    EXPECT_FALSE(limiter.admit(ip("192.0.2.1"), kStart - lag));
    EXPECT_FALSE(bucket.admit(kStart - lag));
  }
}

TEST(TokenBucket, EqualsANaiveBucket) {
  std::mt19937 random(printed_seed());
  struct Limits {
    unsigned per_second, burst;
    Duration interval;
  };
  for (const Limits& limits : {Limits{20, 5, 50ms}, Limits{50, 1, 20ms}, Limits{4096, 256, 244'141ns}, Limits{1, 1, 1s}}) {
    TokenBucket bucket(limits.per_second, limits.burst);
    Instant now = kStart;
    NaiveBucket model(limits.interval, limits.burst, now);
    for (int i = 0; i < 100'000; ++i) {
      now += Duration(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limits.interval.count() * 3 / 2)));
      if (random() % 5000 == 0) now += limits.interval * limits.burst * 2;
      ASSERT_EQ(bucket.admit(now), model.admit(now));
    }
  }
}

// Every thread advances the common clock and asks for the same few sources.
TEST(SourceLimiter, ManyThreadsNeverGetMoreThanTheBound) {
  constexpr unsigned kSources = 4;
  SourceLimiter limiter(kKey);
  TokenBucket bucket(20, 5);
  std::atomic<std::int64_t> clock{0};
  std::array<std::atomic<unsigned>, kSources> admitted{};
  std::atomic<unsigned> admitted_by_bucket{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (unsigned i = 0; i < 20'000; ++i) {
        const Instant now = kStart + Duration(clock.fetch_add(100'000));
        if (limiter.admit(host(1 + i % kSources), now)) ++admitted[i % kSources];
        if (bucket.admit(now)) ++admitted_by_bucket;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const unsigned bound = 5 + static_cast<unsigned>(clock.load() / Duration(50ms).count());
  ASSERT_EQ(bound, 5 + 160U);
  for (const auto& count : admitted) {
    EXPECT_LE(count.load(), bound);
    EXPECT_GE(count.load(), bound - 2);
  }
  EXPECT_LE(admitted_by_bucket.load(), bound);
  EXPECT_GE(admitted_by_bucket.load(), bound - 2);
}

TEST(SourceLimiter, ThreadsShareOneBurst) {
  for (int round = 0; round < 200; ++round) {
    SourceLimiter limiter(kKey);
    std::atomic<unsigned> ready{0};
    std::atomic<unsigned> admitted{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        ++ready;
        while (ready.load() < 3) std::this_thread::yield();
        admitted += count_admitted(10, [&] { return limiter.admit(ip("192.0.2.1"), kStart); });
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(admitted.load(), 5U);
  }
}

}  // namespace
}  // namespace wgu::tunnel
