#pragma once
// One run of the page: its charts, then every row, what was left out and why, and what the host counted meanwhile.

#include "bench/report/html.h"
#include "bench/report/subjects.h"
#include "bench/results.h"

namespace wgu::bench {

struct RunOnPage {
  const Results& results;
  const Environment& shown_environment;  // the one at the top of the page; what differs from it is said
  std::size_t number = 1;                // among the page's runs: its anchor
};

[[nodiscard]] Html run_section(const RunOnPage& run, const Subjects& subjects);

[[nodiscard]] Html definition_list(const Environment& pairs);
[[nodiscard]] Html environment_list(const Environment& environment);  // the many settings of the kernel folded away

}  // namespace wgu::bench
