#pragma once
// Runs of one measurement over time: a file with a results file's JSON on each line, oldest first, which only grows.

#include <string>
#include <vector>

#include "bench/results.h"
#include "wgu/result.h"

namespace wgu::bench {

inline constexpr std::size_t kMaxHistorySize = std::size_t{512} << 20;  // bytes that are read at most

// Empty when there is no such file. \errors of the file system; EFBIG; EINVAL: a line that is no results file, with its number
Result<std::vector<Results>> read_history(const std::string& path);

// Adds the run, without its curves; the line is there whole or not at all, whoever else adds one at the same time. \errors those of
// format_results() and of the file system
Result<void> append_history(const std::string& path, const Results& results);

inline constexpr std::size_t kLeastRuns = 10;  // to say anything
inline constexpr double kHistoryAlpha = 0.05;  // probability of any false warning, over all rows

struct LevelChange {
  std::string name, subject, metric;
  std::string since;  // the first run of the new level: when it began
  std::size_t runs_since = 0;
  double ratio = 1;  // median after / median before
  bool is_worse = false;
};

struct HistoryVerdict {
  std::size_t runs = 0;  // of this configuration_hash, the new one among them
  std::vector<LevelChange> changes{};
};

// Looks for a change of level (change_point.h) in each row's medians over the runs of `next`'s configuration_hash, in order, `next` the
// last. What the references of a metric have in common in a run is taken out, as in course.h; changes of less than kLeastEffect (without
// references kLeastEffectUnreferenced) are not reported.
[[nodiscard]] HistoryVerdict check_history(const std::vector<Results>& history, const Results& next);

[[nodiscard]] std::string format_history(const HistoryVerdict& verdict);

}  // namespace wgu::bench
