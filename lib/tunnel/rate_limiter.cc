// Both buckets are one step: read the arrival time, refuse if it is too far ahead, else swap in one that is an interval later.
//
//   slot of a source:  free (zero, past, or impossibly far ahead) --admit--> tag + now + interval --admit--> + interval ...
//                        ^----------------------- its time has passed ----------------------------------------'
//
// The interval is rounded up, times are rounded down and never move back: no window admits more than burst + rate * length. One
// exception, bounded by a burst: two workers that see a new source at once may give it a slot each, if another source's slot
// passes between their two clocks.

#include "tunnel/rate_limiter.h"

#include <sodium.h>

#include <algorithm>
#include <cassert>

#include "noise/limits.h"

namespace wgu::tunnel {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// A lost swap is another's success, of which a bucket allows a burst at a time. Beyond this, somebody hammers on it: refuse.
constexpr int kSwaps = 64;

constexpr unsigned kTimeBits = 40;
constexpr std::uint64_t kTimeMask = (1ULL << kTimeBits) - 1;
constexpr std::int64_t kUnit = 10'000;  // ns
constexpr std::uint64_t kInterval = kSecond / noise::kHandshakesPerSecond / kUnit;
constexpr std::uint64_t kTolerance = (noise::kHandshakeBurst - 1) * kInterval;
// How far ahead of us another worker's idea of now may be; generous, for one whose thread was stopped.
constexpr std::uint64_t kClockSkew = 10 * kSecond / kUnit;
static_assert(kSecond % (noise::kHandshakesPerSecond * kUnit) == 0, "the rate is exact");

// A slot's word: tag above, time below.
std::uint64_t tag_of(std::uint64_t word) noexcept { return word & ~kTimeMask; }

std::uint64_t time_ahead(std::uint64_t word, std::uint64_t now) noexcept {
  const std::uint64_t ahead = (word - now) & kTimeMask;
  return word != 0 && ahead <= kTolerance + kInterval + kClockSkew ? ahead : 0;
}

}  // namespace

TokenBucket::TokenBucket(unsigned per_second, unsigned burst) noexcept
    : interval_((kSecond + per_second - 1) / per_second), tolerance_((std::int64_t{burst} - 1) * interval_) {
  assert(per_second > 0 && burst > 0);
}

bool TokenBucket::admit(Instant now) noexcept {
  const std::int64_t time = now.time_since_epoch().count();
  std::int64_t arrival = arrival_.load(std::memory_order_relaxed);
  for (int swap = 0; swap < kSwaps; ++swap) {
    const std::int64_t start = std::max(arrival, time);
    if (start - time > tolerance_) return false;
    if (arrival_.compare_exchange_weak(arrival, start + interval_, std::memory_order_relaxed)) return true;
  }
  return false;
}

SourceLimiter::SourceLimiter(std::span<const std::uint8_t, 16> hash_key) : lines_(std::make_unique<Line[]>(kSlots / kWays)) {
  static_assert(crypto_shorthash_KEYBYTES == 16);
  std::copy(hash_key.begin(), hash_key.end(), hash_key_.begin());
}

bool SourceLimiter::admit(const IpAddress& source, Instant now) noexcept {
  std::uint64_t hash;
  static_assert(crypto_shorthash_BYTES == sizeof(hash));
  // The lengths differ, so an IPv4 address is never taken for an IPv6 network.
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), source.bytes.data(), source.family == Family::kIpv4 ? 4 : 8, hash_key_.data());
  const std::uint64_t tag = tag_of(hash);
  auto& slots = lines_[hash % (kSlots / kWays)].slots;
  const std::uint64_t time = static_cast<std::uint64_t>(now.time_since_epoch().count() / kUnit);

  for (int swap = 0; swap < kSwaps; ++swap) {
    std::atomic<std::uint64_t>* slot = nullptr;
    std::uint64_t word = 0;
    for (auto& candidate : slots) {
      const std::uint64_t found = candidate.load(std::memory_order_relaxed);
      const bool is_busy = time_ahead(found, time) > 0;
      // All eight are looked at, for a source keeps the slot it has even where one before it becomes free.
      if (is_busy ? tag_of(found) == tag : slot == nullptr) {
        slot = &candidate;
        word = found;
        if (is_busy) break;
      }
    }
    if (slot == nullptr) return false;
    const std::uint64_t ahead = time_ahead(word, time);
    if (ahead > kTolerance) return false;
    const std::uint64_t next = tag | ((time + ahead + kInterval) & kTimeMask);
    if (slot->compare_exchange_weak(word, next, std::memory_order_relaxed)) return true;
  }
  return false;
}

}  // namespace wgu::tunnel
