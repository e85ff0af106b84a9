#pragma once
// What `wgu-bench micro` measured: a row with a sample for each repetition, as a table for people, as rows of a results file, and as
// lines between the process of a round and the one that collects them.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/results.h"
#include "wgu/result.h"

namespace wgu::bench {

struct MeasuredRow {
  std::string name;
  std::string label{};                // which kernel, where the name does not say
  std::string error{};                // why there is nothing
  std::vector<double> nanoseconds{};  // of CPU time, an item; one a repetition
  double bytes_per_item = 0;          // 0: items are not bytes
  std::uint64_t order = 0;            // among all rows, as they were registered
  friend bool operator==(const MeasuredRow&, const MeasuredRow&) = default;
};

// Median and spread a row, then how much faster our best kernel is than each comparator.
[[nodiscard]] std::string format_rows(std::span<const MeasuredRow> rows, std::span<const std::string> comparators);

// CPU time in seconds. An AEAD row's subject is its table, which is taken out of the name; all others are wgu's.
[[nodiscard]] std::vector<Row> result_rows(std::span<const MeasuredRow> rows);
// Rows that failed, and why.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> rows_left_out(std::span<const MeasuredRow> rows);

// One row and its one sample, with the line's end.
[[nodiscard]] std::string format_line(const MeasuredRow& row);
// \errors EINVAL: no such line
Result<MeasuredRow> parse_line(std::string_view line);
// Adds a round's row to the one of that name, or where its order says. A row that failed once stays failed: its samples would miss a round.
void append(std::vector<MeasuredRow>& rows, const MeasuredRow& round);

}  // namespace wgu::bench
