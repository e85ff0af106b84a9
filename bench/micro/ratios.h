#pragma once
// How much faster our best kernel is than each comparator, for each (operation, bytes, batch).

#include <map>
#include <span>
#include <string>
#include <vector>

#include "bench/micro/row_name.h"
#include "bench/statistics.h"

namespace wgu::bench {

using AeadSamples = std::map<AeadRow, std::vector<double>>;  // ns a packet, one a repetition

struct RatioRow {
  AeadRow ours;                               // the kernel with the least median
  double nanoseconds = 0;                     // that median
  std::map<std::string, Spread> faster_than;  // by comparator: its time over ours, repetition by repetition
};

// Tables that are not among `comparators` are ours. In the order of AeadRow; where none of ours ran there is no row.
[[nodiscard]] std::vector<RatioRow> ratios(const AeadSamples& samples, std::span<const std::string> comparators);

// The rows as a table, one column a comparator; "-" where it did not run.
[[nodiscard]] std::string format_ratios(std::span<const RatioRow> rows, std::span<const std::string> comparators);

}  // namespace wgu::bench
