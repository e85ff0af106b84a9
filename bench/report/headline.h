#pragma once
// What a reader is told first: few figures of ours, each beside the best peer and the limits, and honest about its interval.

#include <span>
#include <string>
#include <vector>

#include "bench/report/groups.h"

namespace wgu::bench {

struct KeyFigure {
  std::string metric, name, subject;  // "throughput", "tcp/streams:1/forward", "wgu"
  std::string number, unit;           // "5.61", "Gbit/s"
  std::string interval;               // "5.40 – 5.80 in 5 rounds"
  bool higher_is_better = true;
  std::string beside_best_peer;            // "3.7 times (3.5 – 3.9) boringtun, the best of 4 peers"; empty without peers
  std::string in_short;                    // "3.7 times the best of 4 peers"; as well
  std::vector<std::string> beside_limits;  // "61 % of veth"
};

// At most `most`, the runs taking turns; a run's figures are of different metrics. Those that have peers beside them come first.
[[nodiscard]] std::vector<KeyFigure> key_figures(std::span<const Results> runs, const Subjects& subjects, std::size_t most = 4);

// One sentence, from the first of them; without any, what was measured at all.
[[nodiscard]] std::string headline(std::span<const KeyFigure> figures, std::span<const Results> runs);

// How many times as much as `other` these samples are: "3.7 times", or "level with" where the interval of the ratio holds one. Empty:
// nobody can tell.
struct TimesAsMuch {
  std::string words;
  std::string interval;  // " (3.5 – 3.9)"; empty for one sample
};
[[nodiscard]] TimesAsMuch times_as_much(std::span<const double> samples, std::span<const double> other);

}  // namespace wgu::bench
