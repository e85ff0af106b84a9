// Ratios are taken within a run, of rows that were interleaved: what slows the machine down slows both sides of a ratio.
#include "bench/micro/ratios.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace wgu::bench {
namespace {

using Group = std::tuple<Operation, std::uint32_t, std::uint32_t>;  // operation, bytes, batch

Group group_of(const AeadRow& row) { return {row.operation, row.bytes, row.batch}; }

}  // namespace

std::vector<RatioRow> ratios(const AeadSamples& samples, std::span<const std::string> comparators) {
  const auto is_comparator = [&](const AeadRow& row) {
    return std::find(comparators.begin(), comparators.end(), row.table) != comparators.end();
  };
  std::map<Group, RatioRow> best;
  for (const auto& [row, times] : samples) {
    if (is_comparator(row) || times.empty()) continue;
    const double time = median(times);
    const auto [entry, is_first] = best.try_emplace(group_of(row), RatioRow{row, time, {}});
    if (!is_first && time < entry->second.nanoseconds) entry->second = {row, time, {}};
  }
  for (const auto& [row, times] : samples) {
    if (!is_comparator(row) || times.empty()) continue;
    const auto ours = best.find(group_of(row));
    if (ours != best.end()) ours->second.faster_than[row.table] = ratio(times, samples.at(ours->second.ours));
  }
  std::vector<RatioRow> rows;
  for (auto& [group, row] : best) rows.push_back(std::move(row));
  return rows;
}

std::string format_ratios(std::span<const RatioRow> rows, std::span<const std::string> comparators) {
  constexpr int kColumn = 22;
  std::string text = fmt::format("{:<5}{:>6}{:>6}  {:<9}{:>10}", "", "bytes", "batch", "ours", "ns/packet");
  for (const std::string& comparator : comparators) text += fmt::format("{:>{}}", comparator, kColumn);
  text += '\n';
  for (const RatioRow& row : rows) {
    text += fmt::format("{:<5}{:>6}{:>6}  {:<9}{:>10.1f}", operation_name(row.ours.operation), bytes_name(row.ours.bytes), row.ours.batch,
                        row.ours.table, row.nanoseconds);
    for (const std::string& comparator : comparators) {
      const auto entry = row.faster_than.find(comparator);
      const std::string cell = entry == row.faster_than.end()
                                   ? "-"
                                   : fmt::format("{:.2f} ({:.2f}..{:.2f})", entry->second.median, entry->second.min, entry->second.max);
      text += fmt::format("{:>{}}", cell, kColumn);
    }
    text += '\n';
  }
  return text;
}

}  // namespace wgu::bench
