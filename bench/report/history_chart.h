#pragma once
// A figure from run to run: runs of one configuration hash are the history of one measurement.

#include <span>
#include <string>
#include <vector>

#include "bench/report/curve_chart.h"
#include "bench/report/html.h"

namespace wgu::bench {

struct History {
  std::vector<CurveChart> charts;
  std::size_t not_drawn = 0;         // figures for which there was no room
  std::vector<std::string> changes;  // of level, one sentence each
};

inline constexpr std::size_t kMostHistoryCharts = 12;

// A chart for each name and metric that at least two of the earlier runs have with one subject. Only runs of the hashes of `shown` count,
// and those of `shown` itself. Figures that the page names first come first.
[[nodiscard]] History history_of(std::span<const Results> earlier, std::span<const Results> shown, const Subjects& subjects);

[[nodiscard]] Html history_section(const History& history, const Subjects& subjects);

}  // namespace wgu::bench
