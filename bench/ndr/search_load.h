#pragma once
// The whole measurement of one load: what the generator reaches by itself, then a search for each contender, trial by trial in turn. For
// `ndr`, and for `tunnel --full`.

#include <cstdint>
#include <functional>
#include <vector>

#include "bench/ndr/find_rates.h"
#include "bench/ndr/loads.h"
#include "bench/progress.h"
#include "bench/results.h"

namespace wgu::bench {

struct LoadSearch {
  unsigned rounds = 1;
  double trial_seconds = 1;
  double duration_sum = Goal{}.duration_sum;
  double exceed_ratio = Goal{}.exceed_ratio;
  double width = Goal{}.width;
  std::uint64_t min_rate = 100;  // packets/s; below it a search gives up
  std::uint64_t max_rate = 0;    // above it none is tried; 0: the generator's own
};

// Adds the rows "ndr/LOAD" and "pdr/LOAD" (a loss of 0.5 %), the curves "loss/LOAD", and a note on the generator to the environment.
void search_load(const LoadSearch& search, const NamedLoad& load, std::vector<Contender> contenders, Progress& progress, Results& results);

}  // namespace wgu::bench
