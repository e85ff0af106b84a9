#include "bench/ndr/find_rates.h"

#include <fmt/format.h>

#include <cerrno>
#include <map>

#include "bench/tunnel/limit.h"

namespace wgu::bench {
namespace {

class Course {  // of one contender
 public:
  Course(const Contender& contender, const SearchOptions& options) : contender_(contender), options_(options), search_(options) {}

  // Runs the next trial. False: there is none.
  bool advance(const BeforeTrial& before_trial);
  [[nodiscard]] RatesFound found() const;

 private:
  [[nodiscard]] Limit limit_of(const Goal& goal, const GoalResult& result) const;

  struct Measured {
    double loss;
    Limit limit;
  };
  const Contender& contender_;
  const SearchOptions& options_;
  Search search_;
  std::map<std::uint64_t, std::vector<Measured>> measured_;
  unsigned trials_ = 0, failures_in_a_row_ = 0;
  std::string failure_;
};

bool Course::advance(const BeforeTrial& before_trial) {
  const auto rate = failure_.empty() ? search_.next_rate() : std::nullopt;
  if (!rate) return false;
  if (before_trial) before_trial(contender_.subject, trials_ + 1, *rate);
  const auto outcome = contender_.trial(static_cast<double>(*rate), options_.trial_seconds);
  if (!outcome) {
    if (++failures_in_a_row_ > 1 || outcome.error().code == ECHILD) failure_ = outcome.error().message;
    return failure_.empty();
  }
  failures_in_a_row_ = 0;
  const bool is_warm_up = trials_++ == 0;
  const double loss = outcome->loss();
  search_.add(*rate, loss);
  if (!is_warm_up) measured_[*rate].push_back({loss, outcome->limit()});
  return true;
}

RatesFound Course::found() const {
  RatesFound found{contender_.subject, search_.results(), {}, {}, trials_, failure_};
  for (std::size_t i = 0; i < found.goals.size(); ++i) found.limits.push_back(limit_of(options_.goals[i], found.goals[i]));
  for (const auto& [rate, trials] : search_.trials()) found.loss_by_rate.emplace_back(static_cast<double>(rate), trials.mean_loss());
  return found;
}

Limit Course::limit_of(const Goal& goal, const GoalResult& result) const {
  // Nothing was lost even at the greatest rate that is offered.
  if (result.outcome == Outcome::kAboveMaximum) return Limit::kGenerator;
  const auto at = measured_.find(result.upper);
  if (at == measured_.end()) return Limit::kUnknown;  // the search ended before its upper bound was tried
  std::vector<Limit> limits;
  for (const Measured& measured : at->second) {
    if (measured.loss > goal.loss_ratio) limits.push_back(measured.limit);
  }
  return common_limit(limits).limit;
}

}  // namespace

std::vector<RatesFound> find_rates(const std::vector<Contender>& contenders, const SearchOptions& options,
                                   const BeforeTrial& before_trial) {
  std::vector<Course> courses;
  for (const Contender& contender : contenders) courses.emplace_back(contender, options);
  for (bool is_any_left = true; is_any_left;) {
    is_any_left = false;
    for (Course& course : courses) is_any_left |= course.advance(before_trial);
  }
  std::vector<RatesFound> found;
  for (const Course& course : courses) found.push_back(course.found());
  return found;
}

void add_rows(Results& results, const std::string& load, const std::vector<RatesFound>& rounds) {
  if (rounds.empty()) return;
  const std::string& subject = rounds[0].subject;
  for (std::size_t goal = 0; goal < rounds[0].goals.size(); ++goal) {
    Row row{
        .name = fmt::format("{}/{}", rounds[0].goals[goal].goal, load), .subject = subject, .metric = "packet_rate", .unit = "packet/s"};
    std::vector<Limit> limits;
    std::size_t above = 0, below = 0;
    for (const RatesFound& round : rounds) {
      const GoalResult& result = round.goals[goal];
      if (result.outcome == Outcome::kUnfinished) continue;
      row.samples.push_back(result.conditional_throughput);
      limits.push_back(round.limits[goal]);
      above += result.outcome == Outcome::kAboveMaximum;
      below += result.outcome == Outcome::kBelowMinimum;
    }
    if (row.samples.empty()) continue;
    row.limit = common_limit(limits).limit;
    if (above > 0) row.note = fmt::format("carried all that was offered in {} of {} rounds", above, row.samples.size());
    if (below > 0) row.note = fmt::format("lost too much even at the least rate in {} of {} rounds", below, row.samples.size());
    results.rows.push_back(std::move(row));
  }
  for (const RatesFound& round : rounds) {
    if (!round.failure.empty()) results.left_out.emplace_back(fmt::format("{}, {}", load, subject), round.failure);
  }
  results.curves.push_back({"loss/" + load, subject, "packet/s", "1", rounds[0].loss_by_rate});
}

}  // namespace wgu::bench
