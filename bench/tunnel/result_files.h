#pragma once
// Where a run with a testbed leaves its results and its page: both, unless told otherwise, each whole or not at all.

#include <string>

#include "bench/results.h"
#include "wgu/result.h"

namespace wgu::bench {

struct ResultFiles {
  std::string out{};   // JSON
  std::string page{};  // HTML
  bool are_wanted = true;
  friend bool operator==(const ResultFiles&, const ResultFiles&) = default;
};

// What is not named gets a name: both from the command and the time, "wgu-bench-tunnel-2026-11-23T133901Z.json" and .html in the current
// folder; a page from results that are called FILE.json, "FILE.html", and the other way round. Results of another name (a pipe, say) have
// no page unless it is named. Absolute, as the sandbox sees them. \errors EINVAL: below /run, of which the sandbox has its own, so that
// they would vanish with it; both are one; those of opening a file there: better before the run than after it
Result<ResultFiles> settle(ResultFiles files, const std::string& command, const std::string& begun);

// Says where they are. \pre settled. \errors those of write_results()
Result<void> write_files(const Results& results, const ResultFiles& files);

}  // namespace wgu::bench
