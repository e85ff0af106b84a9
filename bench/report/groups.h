#pragma once
// Which rows belong into one chart.

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/report/subjects.h"
#include "bench/results.h"

namespace wgu::bench {

// What was done, by everybody who did it: one bar a row.
struct Panel {
  std::string name;
  std::vector<const Row*> rows;  // in the subjects' order
};

// Rows whose names differ in one number only ("aead/seal/bytes:64/batch:1", ".../bytes:256/..."), of at least kLeastPoints values:
// a line a subject says more than as many panels.
struct Sweep {
  std::string name;       // "aead/seal/batch:1": theirs without the number
  std::string parameter;  // "bytes"
  struct Line {
    std::string subject;
    std::vector<std::pair<double, const Row*>> points;  // by the parameter, ascending
  };
  std::vector<Line> lines;  // in the subjects' order
};
inline constexpr std::size_t kLeastPoints = 4;

// All rows of one metric and unit, in the order in which the run has them. Charts show a row once: in a sweep or in a panel.
struct MetricGroup {
  std::string metric, unit;
  bool higher_is_better = true;
  std::vector<Sweep> sweeps;
  std::vector<Panel> panels;
  std::vector<Panel> names;  // all rows, those of the sweeps too
};

// The pointers are into `rows`.
[[nodiscard]] std::vector<MetricGroup> group_rows(std::span<const Row> rows, const Subjects& subjects);

// The samples that are numbers. JSON has no others, but a division by zero before it may have left one.
[[nodiscard]] std::vector<double> finite_samples(const Row& row);

}  // namespace wgu::bench
