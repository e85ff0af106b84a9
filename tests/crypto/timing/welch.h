#pragma once
// Do two classes of secrets take different times? Welch's t-test on interleaved measurements, as dudect does it (Reparaz, Balasch and
// Verbauwhede, 2017). Timings have a long tail of interrupts; so the test is repeated without the slowest ones, at several crops.

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace wgu::crypto::timing {

struct Timing {
  bool is_fixed;  // else of the class of random secrets
  double duration;
};

// (mean of the fixed class - mean of the other) / its standard error, of those not longer than `longest`. 0 while a class is too small.
inline double welch_t(std::span<const Timing> timings, double longest) {
  struct Moments {
    double count = 0, mean = 0, squares = 0;  // Welford's
  } of[2];
  for (const Timing& timing : timings) {
    if (timing.duration > longest) continue;
    Moments& m = of[timing.is_fixed ? 1 : 0];
    m.count += 1;
    const double difference = timing.duration - m.mean;
    m.mean += difference / m.count;
    m.squares += difference * (timing.duration - m.mean);
  }
  if (of[0].count < 2 || of[1].count < 2) return 0;
  const auto error = [](const Moments& m) { return m.squares / (m.count - 1) / m.count; };
  const double standard_error = std::sqrt(error(of[0]) + error(of[1]));
  const double difference = of[1].mean - of[0].mean;
  if (standard_error == 0) return difference == 0 ? 0 : std::copysign(HUGE_VAL, difference);
  return difference / standard_error;
}

// The t of the crop where it is largest. Crops are taken of both classes together: of each alone would hide or make a difference.
inline double largest_t(std::span<const Timing> timings) {
  std::vector<double> sorted;
  for (const Timing& timing : timings) sorted.push_back(timing.duration);
  std::sort(sorted.begin(), sorted.end());
  double largest = 0;
  for (const double kept : {1.0, 0.99, 0.9, 0.7, 0.5}) {
    if (sorted.empty()) break;
    const auto last = static_cast<std::size_t>(kept * static_cast<double>(sorted.size() - 1));
    const double t = welch_t(timings, sorted[last]);
    if (std::fabs(t) > std::fabs(largest)) largest = t;
  }
  return largest;
}

// Noise, which does not know the class, reaches |t| = 5 now and then. A leak is a t far beyond that which independent attempts agree on.
constexpr double kLeak = 50;
constexpr int kAttempts = 5;

// measure() gives the timings of one attempt. One that shows nothing ends the search. Returns the least t of all, 0 if signs differ.
template <class Measure>
double agreed_t(Measure measure) {
  double least = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const double t = largest_t(measure());
    if (attempt > 0 && std::signbit(t) != std::signbit(least)) return 0;
    if (attempt == 0 || std::fabs(t) < std::fabs(least)) least = t;
    if (std::fabs(least) < kLeak) break;
  }
  return least;
}

inline bool is_leak(double t) { return std::fabs(t) >= kLeak; }

}  // namespace wgu::crypto::timing
