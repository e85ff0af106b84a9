#pragma once
// A search for each subject, all at the same time, one trial each in turn: a drift of the machine meets all alike.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "bench/ndr/search.h"
#include "bench/ndr/trial.h"
#include "bench/results.h"

namespace wgu::bench {

struct Contender {
  std::string subject;
  Trial trial;
};

struct RatesFound {
  std::string subject;
  std::vector<GoalResult> goals;
  std::vector<Limit> limits;                            // of each goal: what most trials at its upper bound were limited by
  std::vector<std::pair<double, double>> loss_by_rate;  // mean of the trials at each rate; rates ascending
  unsigned trials = 0;
  std::string failure;  // why it ended early; empty: it did not
};

// Before each trial: whose, which number it has, and at which rate.
using BeforeTrial = std::function<void(const std::string& subject, unsigned number, std::uint64_t rate)>;

// A trial that fails is tried once more; who fails twice in a row, or says ECHILD, is out. In the order of the contenders.
[[nodiscard]] std::vector<RatesFound> find_rates(const std::vector<Contender>& contenders, const SearchOptions& options,
                                                 const BeforeTrial& before_trial);

// The result rows of one load: for each goal NAME a row "NAME/LOAD" of conditional throughput with a sample a round, and a curve
// "loss/LOAD" of the first round. `rounds` are of one subject. Rounds that failed are no samples; of none, there is no row.
void add_rows(Results& results, const std::string& load, const std::vector<RatesFound>& rounds);

}  // namespace wgu::bench
