// A step is one link of a chain of multiplications: each waits for the one before, so that its time is the same wherever it stands.
#include "bench/micro/planted_work.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace wgu::bench {
namespace {

constexpr double kLeastWork = 4e-6;      // seconds at a time, far above what a CPU keeps in flight
constexpr double kLeastMeasured = 1e-3;  // seconds
constexpr int kTries = 5;                // the least of which counts: a disturbance only ever adds

template <class Call>
double seconds_a_call(const Call& call) {
  using Clock = std::chrono::steady_clock;
  double least = std::numeric_limits<double>::max();
  for (int i = 0; i < kTries; ++i) {
    const auto begin = Clock::now();
    double elapsed = 0;
    std::uint64_t calls = 0;
    while (elapsed < kLeastMeasured) {
      call();
      ++calls;
      elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
    }
    least = std::min(least, elapsed / static_cast<double>(calls));
  }
  return least;
}

}  // namespace

PlantedWork::PlantedWork(double percent, const std::function<void()>& call) {
  if (percent <= 0) return;
  constexpr std::uint64_t kSteps = 100'000;
  constexpr int kCallsAtOnce = 16;  // the clock is not to be part of a short call
  const double a_call = seconds_a_call([&] {
                          for (int i = 0; i < kCallsAtOnce; ++i) call();
                        }) /
                        kCallsAtOnce;
  const double a_step = seconds_a_call([] { work(kSteps); }) / static_cast<double>(kSteps);
  const double extra = a_call * percent / 100;
  every_ = static_cast<std::uint64_t>(std::ceil(std::max(1.0, kLeastWork / extra)));
  steps_ = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(extra * static_cast<double>(every_) / a_step)));
}

void PlantedWork::work(std::uint64_t steps) noexcept {
  std::uint64_t value = steps;
  for (std::uint64_t i = 0; i < steps; ++i) {
    value = value * 6364136223846793005U + 1442695040888963407U;
    benchmark::DoNotOptimize(value);
  }
}

}  // namespace wgu::bench
