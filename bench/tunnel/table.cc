#include "bench/tunnel/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "bench/quantity.h"
#include "bench/statistics.h"
#include "bench/tunnel/options.h"

namespace wgu::bench {
namespace {

std::string value_in(double value, const Row& row) { return format_plainly(value, unit_of(row.unit, row.metric)); }

const Row* find(const Results& results, const Row& like, const std::string& subject) {
  const auto found = std::find_if(results.rows.begin(), results.rows.end(), [&](const Row& row) {
    return row.name == like.name && row.metric == like.metric && row.subject == subject && !row.samples.empty();
  });
  return found == results.rows.end() ? nullptr : &*found;
}

// "54 %" of what the yardstick reached or, where less is better, "2.60x" as much; nothing where that means nothing: of memory the null
// cipher needs as much as wgu, and the bare wire is beyond the null cipher.
std::string share_of(const Results& results, const Row& row, const char* yardstick) {
  const Row* limit = find(results, row, yardstick);
  if (limit == nullptr || row.unit == "B" || row.subject == yardstick || row.subject == kBare) return "";
  const double base = median(limit->samples);
  if (base <= 0) return "";
  const double share = median(row.samples) / base;
  return row.higher_is_better ? fmt::format("{:.0f} %", 100 * share) : fmt::format("{:.2f}x", share);
}

// By how much wgu is the better one.
std::string wgu_against(const Results& results, const Row& row) {
  const Row* ours = find(results, row, kWgu);
  if (ours == nullptr || row.subject == kWgu || row.subject == kBare || row.subject == kNull) return "";
  const double better = row.higher_is_better ? median(ours->samples) : median(row.samples);
  const double base = row.higher_is_better ? median(row.samples) : median(ours->samples);
  return base > 0 && better > 0 ? fmt::format("{:.2f}x", better / base) : "";
}

// Of the metrics of one name, that by which people compare comes first and gets a line a subject; the others follow in the same lines.
std::vector<std::string> metrics_of(const Results& results, const std::string& name) {
  std::vector<std::string> metrics;
  for (const Row& row : results.rows) {
    if (row.name == name && std::find(metrics.begin(), metrics.end(), row.metric) == metrics.end()) metrics.push_back(row.metric);
  }
  return metrics;
}

std::vector<std::string> names_of(const Results& results) {
  std::vector<std::string> names;
  for (const Row& row : results.rows) {
    if (std::find(names.begin(), names.end(), row.name) == names.end()) names.push_back(row.name);
  }
  return names;
}

std::string others_in_line(const Results& results, const Row& main, const std::vector<std::string>& metrics) {
  std::string line;
  for (const std::string& metric : metrics) {
    // The two are the same figure but for a factor of eight.
    if (metric == main.metric || metric == "cores_per_gbps") continue;
    Row like = main;
    like.metric = metric;
    if (const Row* row = find(results, like, main.subject)) {
      line += fmt::format("{}{} {}", line.empty() ? "" : ", ", metric, value_in(median(row->samples), *row));
    }
  }
  return line;
}

}  // namespace

std::string format_table(const Results& results) {
  std::string text;
  for (const std::string& name : names_of(results)) {
    const auto metrics = metrics_of(results, name);
    std::map<std::string, std::string> notes;  // by what they say: about whom
    text += fmt::format("\n{}: {}\n", name, metrics.front());
    text += fmt::format("  {:<16} {:>12}  {:<25} {:>8} {:>8} {:>8}  {:<9} {}\n", "", "median", "least .. most", "of wire", "of null",
                        "wgu is", "limit", "");
    for (const Row& row : results.rows) {
      if (row.name != name || row.metric != metrics.front() || row.samples.empty()) continue;
      const Spread values = spread(row.samples);
      const std::string range = fmt::format("{} .. {}", value_in(values.min, row), value_in(values.max, row));
      text += fmt::format("  {:<16} {:>12}  {:<25} {:>8} {:>8} {:>8}  {:<9} {}\n", row.subject, value_in(values.median, row), range,
                          share_of(results, row, kBare), share_of(results, row, kNull), wgu_against(results, row),
                          row.limit == Limit::kUnknown ? "-" : limit_name(row.limit), others_in_line(results, row, metrics));
      if (!row.note.empty()) notes[row.note] += (notes[row.note].empty() ? "" : ", ") + row.subject;
    }
    for (const auto& [note, subjects] : notes) text += fmt::format("  {}: {}\n", subjects, note);
  }
  if (!results.left_out.empty()) text += "\nLeft out:\n";
  for (const auto& [what, why] : results.left_out) text += fmt::format("  {}: {}\n", what, why);
  return text;
}

}  // namespace wgu::bench
