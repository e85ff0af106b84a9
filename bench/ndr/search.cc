// Everything is computed anew from the trials so far, for each phase and in it for each goal, in order:
//
//   bounds as the trials stand -> one of them not yet decided? measure there again
//                              -> no upper bound? go up, no lower bound? go down, each step wider than the one before
//                              -> further apart than the width? measure at their geometric mean
//                              -> else the goal's phase is over
//
// It ends: a rate gets no more trials than fill the duration sum, and between two bounds are finitely many whole numbers.
#include "bench/ndr/search.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace wgu::bench {
namespace {

// Sums of durations such as 21 x 0.1 s do not come out even in binary.
constexpr double kRounding = 1e-9;

std::uint64_t rounded(double rate) { return static_cast<std::uint64_t>(std::llround(rate)); }

}  // namespace

double Trials::mean_loss() const noexcept {
  return losses_.empty() ? 0 : std::accumulate(losses_.begin(), losses_.end(), 0.0) / static_cast<double>(losses_.size());
}

Bound Trials::classify(const Goal& goal, double duration_sum, double trial_seconds) const {
  const auto bad = static_cast<double>(std::count_if(losses_.begin(), losses_.end(), [&](double loss) { return loss > goal.loss_ratio; }));
  const auto all = static_cast<double>(losses_.size());
  const double whole_sum = std::max(all * trial_seconds, duration_sum);
  const double tolerated_sum = whole_sum * goal.exceed_ratio + kRounding;
  const double good_sum = (all - bad) * trial_seconds;
  const bool is_optimistic = bad * trial_seconds <= tolerated_sum;    // were all that is missing good
  const bool is_pessimistic = whole_sum - good_sum <= tolerated_sum;  // were all that is missing bad
  return is_pessimistic ? Bound::kLower : is_optimistic ? Bound::kUndecided : Bound::kUpper;
}

double Trials::conditional_loss(const Goal& goal, double trial_seconds) const {
  std::vector<double> sorted = losses_;
  std::sort(sorted.begin(), sorted.end());
  double remaining = std::max(goal.duration_sum, static_cast<double>(sorted.size()) * trial_seconds) * (1 - goal.exceed_ratio);
  for (const double loss : sorted) {
    remaining -= trial_seconds;
    if (remaining <= kRounding) return loss;
  }
  return 1;
}

Search::Search(SearchOptions options) : options_(std::move(options)) {}

std::optional<std::uint64_t> Search::next_rate() const {
  if (!guess_) return options_.max_rate;
  for (unsigned phase = 0; phase < options_.phases; ++phase) {
    for (const Goal& goal : options_.goals) {
      if (const Step next = step(goal, phase); next.rate) return next.rate;
    }
  }
  return std::nullopt;
}

void Search::add(std::uint64_t rate, double loss_ratio) {
  if (!guess_) {
    guess_ = std::clamp(rounded(static_cast<double>(rate) * (1 - loss_ratio)), options_.min_rate, options_.max_rate);
    return;
  }
  trials_[rate].add(loss_ratio);
}

std::vector<GoalResult> Search::results() const {
  std::vector<GoalResult> results;
  const bool is_finished = !next_rate();
  for (const Goal& goal : options_.goals) {
    const Step last = step(goal, options_.phases - 1);
    GoalResult result{goal.name, is_finished ? last.outcome : Outcome::kUnfinished, last.bounds.lower.value_or(0),
                      last.bounds.upper.value_or(0)};
    if (result.lower > 0) {
      const double loss = trials_.at(result.lower).conditional_loss(goal, options_.trial_seconds);
      result.conditional_throughput = static_cast<double>(result.lower) * (1 - loss);
    }
    results.push_back(std::move(result));
  }
  return results;
}

Search::Step Search::step(const Goal& goal, unsigned phase) const {
  const double duration_sum = duration_sum_of(goal, phase);
  const double width = width_of(goal, phase);
  const Bounds bounds = bounds_so_far(goal);
  const auto& [lower, upper] = bounds;
  if (!lower && !upper) return {guess_, bounds};
  for (const auto& bound : {lower, upper}) {
    if (bound && !is_decided(*bound, goal, duration_sum)) return {bound, bounds};
  }
  if (!upper) {
    if (*lower == options_.max_rate) return {std::nullopt, bounds, Outcome::kAboveMaximum};
    return {rate_above(*lower, width), bounds};
  }
  if (!lower) {
    if (*upper == options_.min_rate) return {std::nullopt, bounds, Outcome::kBelowMinimum};
    return {rate_below(*upper, width), bounds};
  }
  if (*upper - *lower <= 1 || static_cast<double>(*upper - *lower) <= static_cast<double>(*upper) * width) {
    return {std::nullopt, bounds, Outcome::kFound};
  }
  const double middle = std::sqrt(static_cast<double>(*lower) * static_cast<double>(*upper));
  return {std::clamp(rounded(middle), *lower + 1, *upper - 1), bounds};
}

// The least rate that is an upper bound as its trials stand, and the greatest lower bound below it: where a higher rate lost less than a
// lower one, the lower one counts.
Search::Bounds Search::bounds_so_far(const Goal& goal) const {
  Bounds bounds;
  for (const auto& [rate, trials] : trials_) {
    if (trials.classify(goal, 0, options_.trial_seconds) == Bound::kUpper) {
      bounds.upper = rate;
      break;
    }
    bounds.lower = rate;
  }
  return bounds;
}

bool Search::is_decided(std::uint64_t rate, const Goal& goal, double duration_sum) const {
  return trials_.at(rate).classify(goal, duration_sum, options_.trial_seconds) != Bound::kUndecided;
}

// From one trial in the first phase to the goal's own sum in the last, each phase by the same factor.
double Search::duration_sum_of(const Goal& goal, unsigned phase) const {
  if (phase + 1 >= options_.phases || goal.duration_sum <= options_.trial_seconds) return goal.duration_sum;
  const double share = static_cast<double>(phase) / (options_.phases - 1);
  return options_.trial_seconds * std::pow(goal.duration_sum / options_.trial_seconds, share);
}

double Search::width_of(const Goal& goal, unsigned phase) const {
  return std::min(goal.width * std::pow(2.0, options_.phases - 1 - phase), 0.5);
}

// Twice as far, in proportion, as the last step came; at first the width.
std::uint64_t Search::rate_above(std::uint64_t lower, double width) const {
  double factor = 1 / (1 - width);
  const auto at = trials_.find(lower);
  if (at != trials_.begin()) factor = std::max(factor, std::pow(static_cast<double>(lower) / static_cast<double>(std::prev(at)->first), 2));
  return std::clamp(rounded(static_cast<double>(lower) * factor), lower + 1, options_.max_rate);
}

// ... but straight to what arrived, if that is further.
std::uint64_t Search::rate_below(std::uint64_t upper, double width) const {
  double factor = 1 - width;
  const auto at = trials_.find(upper);
  if (const auto above = std::next(at); above != trials_.end()) {
    factor = std::min(factor, std::pow(static_cast<double>(upper) / static_cast<double>(above->first), 2));
  }
  factor = std::min(factor, 1 - at->second.mean_loss());
  return std::clamp(rounded(static_cast<double>(upper) * factor), options_.min_rate, upper - 1);
}

}  // namespace wgu::bench
