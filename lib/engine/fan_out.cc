// See fan_out.h. What an offer's shares are is written before the offer and not changed until all are done, so whoever has taken
// one may read it.

#include "engine/fan_out.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace wgu::engine {
namespace {

constexpr std::uint64_t number_of(std::uint64_t offer) { return offer >> 32; }
constexpr std::size_t shares_of(std::uint64_t offer) { return offer >> 16 & 0xffff; }
constexpr std::size_t next_of(std::uint64_t offer) { return offer & 0xffff; }

// Below this a batch is done before a helper has woken up.
constexpr double kWorthSharing = 60'000;  // ns
// A share is long against taking it (some 100 ns between cores) and short against the batch, so that the last ends soon.
constexpr double kShare = 15'000;  // ns

void relax() noexcept {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

}  // namespace

void FanOut::offer(std::size_t jobs, std::size_t shares) noexcept {
  jobs_ = jobs;
  shares_ = shares;
  done_.store(0, std::memory_order_relaxed);
  const std::uint64_t number = number_of(offer_.load(std::memory_order_relaxed)) + 1;
  // Release: who takes a share sees the jobs.
  offer_.store(number << 32 | std::uint64_t{shares} << 16, std::memory_order_release);
}

bool FanOut::take_share(std::size_t& share) noexcept {
  std::uint64_t seen = offer_.load(std::memory_order_acquire);
  while (next_of(seen) < shares_of(seen)) {
    if (!offer_.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    share = next_of(seen);
    return true;
  }
  return false;
}

// Equal numbers of jobs: those of a hot peer are of one size, and who is done early takes the next.
void FanOut::do_share(std::size_t share) noexcept {
  const std::size_t begin = jobs_ * share / shares_;
  const std::size_t count = jobs_ * (share + 1) / shares_ - begin;
  if (!seal_jobs_.empty()) {
    crypto::seal(seal_jobs_.subspan(begin, count));
  } else {
    crypto::open(open_jobs_.subspan(begin, count));
  }
  done_.fetch_add(1, std::memory_order_release);
}

void FanOut::finish() noexcept {
  help();
  // Acquire: what the helpers wrote is there.
  while (done_.load(std::memory_order_acquire) < shares_) relax();
}

std::size_t FanOut::help() noexcept {
  std::size_t count = 0;
  for (std::size_t share = 0; take_share(share); ++count) do_share(share);
  return count;
}

std::size_t FanOutPolicy::shares_for(std::size_t bytes) const noexcept {
  const double expected = nanoseconds_per_byte_ * static_cast<double>(bytes);
  if (expected < kWorthSharing) return 1;
  return std::min(FanOut::kMaxShares, static_cast<std::size_t>(expected / kShare));
}

void FanOutPolicy::learn(std::size_t bytes, Duration took) noexcept {
  if (bytes < 1024) return;  // what such a batch costs, it costs by the packet
  const double measured = static_cast<double>(std::chrono::nanoseconds(took).count()) / static_cast<double>(bytes);
  // Slow to believe in slowness: a batch that was interrupted says nothing about the next.
  const double weight = measured < nanoseconds_per_byte_ || nanoseconds_per_byte_ == 0 ? 0.5 : 0.02;
  nanoseconds_per_byte_ += (measured - nanoseconds_per_byte_) * (nanoseconds_per_byte_ == 0 ? 1 : weight);
}

}  // namespace wgu::engine
