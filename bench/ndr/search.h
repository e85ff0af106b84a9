#pragma once
// The highest rate at which no more than so much is lost, by many short trials: Multiple Loss Ratio search (draft-ietf-bmwg-mlrsearch). A
// pure state machine: it says at which rate the next trial is to run, and is told what was lost. One trial length only, as the draft
// recommends, so that none of its rules about short trials is needed.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wgu::bench {

// Attributes of a Search Goal, by the draft's names; the defaults are those that FD.io CSIT publishes its NDR with.
struct Goal {
  std::string name = "ndr";
  double loss_ratio = 0;      // of a trial, at most: 0.005 is the usual "PDR"
  double exceed_ratio = 0.5;  // of the duration sum may lose more: noise of the machine
  double duration_sum = 21;   // s of trials at one rate at which it is surely classified
  double width = 0.005;       // the relative distance of the two bounds at the end
};

struct SearchOptions {
  std::vector<Goal> goals;
  std::uint64_t min_rate = 1;  // in any unit; trials run at whole numbers
  std::uint64_t max_rate = 1;
  double trial_seconds = 1;
  // Each earlier phase doubles the width and shortens the sum, down to one trial a rate: so the slow last one begins near its goal.
  unsigned phases = 3;
};

enum class Bound : std::uint8_t { kUndecided, kLower, kUpper };

// All trials at one rate.
class Trials {
 public:
  void add(double loss_ratio) { losses_.push_back(loss_ratio); }
  [[nodiscard]] std::size_t count() const noexcept { return losses_.size(); }
  [[nodiscard]] double mean_loss() const noexcept;
  // Appendix A: whether trials yet to come could still change it. With a `duration_sum` of 0: as the trials so far stand.
  [[nodiscard]] Bound classify(const Goal& goal, double duration_sum, double trial_seconds) const;
  // Appendix B: the loss ratio at the goal's quantile, trials that were not run counting as total loss.
  [[nodiscard]] double conditional_loss(const Goal& goal, double trial_seconds) const;

 private:
  std::vector<double> losses_;
};

enum class Outcome : std::uint8_t {
  kUnfinished,    // the bounds are those so far
  kFound,         // between the bounds
  kAboveMaximum,  // the maximum itself is a lower bound: who offers the traffic, or said the maximum, is the limit
  kBelowMinimum,  // the minimum itself is an upper bound: nothing was found
};

struct GoalResult {
  std::string goal;
  Outcome outcome = Outcome::kUnfinished;
  std::uint64_t lower = 0;            // Relevant Lower Bound: the result's rate; 0: none
  std::uint64_t upper = 0;            // Relevant Upper Bound; 0: none
  double conditional_throughput = 0;  // what arrives at the lower bound, in the unit of the rates
};

class Search {
 public:
  // \pre goals, 0 < min_rate <= max_rate, trial_seconds > 0, phases > 0
  explicit Search(SearchOptions options);

  // Of the next trial; none: all goals are found, or cannot be. The first is the maximum, to warm up: of it only the loss is used, as a
  // guess where to begin.
  [[nodiscard]] std::optional<std::uint64_t> next_rate() const;
  // What a trial at next_rate() lost, 0 to 1.
  void add(std::uint64_t rate, double loss_ratio);

  // In the order of the goals; at any time.
  [[nodiscard]] std::vector<GoalResult> results() const;
  [[nodiscard]] const std::map<std::uint64_t, Trials>& trials() const noexcept { return trials_; }  // by rate, without the warm-up

 private:
  struct Bounds {
    std::optional<std::uint64_t> lower, upper;
  };
  struct Step {                         // of one goal in one phase
    std::optional<std::uint64_t> rate;  // to measure next; none: the phase is over for the goal
    Bounds bounds;
    Outcome outcome = Outcome::kUnfinished;
  };
  [[nodiscard]] Step step(const Goal& goal, unsigned phase) const;
  [[nodiscard]] Bounds bounds_so_far(const Goal& goal) const;
  [[nodiscard]] bool is_decided(std::uint64_t rate, const Goal& goal, double duration_sum) const;
  [[nodiscard]] double duration_sum_of(const Goal& goal, unsigned phase) const;
  [[nodiscard]] double width_of(const Goal& goal, unsigned phase) const;
  [[nodiscard]] std::uint64_t rate_above(std::uint64_t lower, double width) const;
  [[nodiscard]] std::uint64_t rate_below(std::uint64_t upper, double width) const;

  SearchOptions options_;
  std::optional<std::uint64_t> guess_;  // from the warm-up; none: it has not been
  std::map<std::uint64_t, Trials> trials_;
};

}  // namespace wgu::bench
