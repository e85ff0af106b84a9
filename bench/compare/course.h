#pragma once
// What the machine did meanwhile. Rows whose code is the same in both runs (libsodium's, the bare veth's) move only because the machine
// does: its clock, its neighbours. What they have in common is taken out of all rows, round by round; by how much they still differ from
// one run to the other is the least that a difference of ours has to exceed.

#include <optional>
#include <vector>

#include "bench/results.h"

namespace wgu::bench {

inline constexpr std::size_t kLeastSamples = 10;    // a side, to say anything about a row
inline constexpr std::size_t kLeastReferences = 5;  // to take out what they have in common

// A row of both runs.
struct RowPair {
  const Row* base = nullptr;
  const Row* next = nullptr;
};

// Logarithms of samples, less what the machine did.
struct LogSamples {
  std::vector<double> base, next;
};

class MachineCourse {
 public:
  // Of one metric's references; those with fewer than kLeastSamples, or a sample that is not positive, are left out.
  explicit MachineCourse(const std::vector<RowPair>& references);

  [[nodiscard]] std::size_t references() const noexcept { return residuals_.size(); }
  [[nodiscard]] bool is_taken_out() const noexcept { return !base_.empty(); }
  [[nodiscard]] double drift() const;  // of the machine from run to run, as a logarithm; 0 unless taken out
  // The difference between the runs, as a logarithm, that 95 % of the references stay below (of fewer than 20: all). None without any.
  [[nodiscard]] std::optional<double> noise() const;

  // Nothing when a sample is not positive.
  [[nodiscard]] std::optional<LogSamples> samples(const RowPair& row) const;

 private:
  std::vector<double> base_, next_;  // a round; both empty unless there are enough references
  std::vector<double> residuals_;    // of the references, ascending
};

// How much each round resembles the one before, from -1 to 1, over all rows: 0 for independent ones. Short series make it come out
// too low; that is corrected for.
[[nodiscard]] double autocorrelation(const std::vector<std::vector<double>>& series);

}  // namespace wgu::bench
