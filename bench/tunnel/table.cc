#include "bench/tunnel/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <vector>

#include "bench/statistics.h"
#include "bench/tunnel/options.h"

namespace wgu::bench {
namespace {

struct Scale {
  double from;
  const char* name;
};

std::string scaled(double value, std::span<const Scale> scales) {
  for (const Scale& scale : scales) {
    // 999.99 is a thousand once it is rounded
    if (std::abs(value) < 0.9995 * scale.from && &scale != &scales.back()) continue;
    const double shown = value / scale.from;
    const int decimals = std::abs(shown) >= 99.95 || shown == 0 ? 0 : std::abs(shown) >= 9.995 ? 1 : 2;
    return fmt::format("{:.{}f} {}", shown, decimals, scale.name);
  }
  return "";
}

constexpr Scale kBitRates[] = {{1e9, "Gbit/s"}, {1e6, "Mbit/s"}, {1e3, "kbit/s"}, {1, "bit/s"}};
constexpr Scale kPacketRates[] = {{1e6, "Mpps"}, {1e3, "kpps"}, {1, "pps"}};
constexpr Scale kTimes[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}};
constexpr Scale kSizes[] = {{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, "B"}};

const Row* find(const Results& results, const Row& like, const std::string& subject) {
  const auto found = std::find_if(results.rows.begin(), results.rows.end(), [&](const Row& row) {
    return row.name == like.name && row.metric == like.metric && row.subject == subject && !row.samples.empty();
  });
  return found == results.rows.end() ? nullptr : &*found;
}

// "54 %" of what the yardstick reached; nothing where that means nothing.
std::string share_of(const Results& results, const Row& row, const char* yardstick) {
  const Row* limit = find(results, row, yardstick);
  if (limit == nullptr || !row.higher_is_better || row.subject == yardstick) return "";
  const double base = median(limit->samples);
  return base > 0 ? fmt::format("{:.0f} %", 100 * median(row.samples) / base) : "";
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
      line += fmt::format("{}{} {}", line.empty() ? "" : ", ", metric, format_value(median(row->samples), row->unit));
    }
  }
  return line;
}

}  // namespace

std::string format_value(double value, std::string_view unit) {
  if (unit == "bit/s") return scaled(value, kBitRates);
  if (unit == "packet/s") return scaled(value, kPacketRates);
  if (unit == "s") return scaled(value, kTimes);
  if (unit == "B") return scaled(value, kSizes);
  if (unit == "1") return fmt::format("{:.3g} %", 100 * value);
  return value >= 100 ? fmt::format("{:.0f} {}", value, unit) : fmt::format("{:.3g} {}", value, unit);
}

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
      const std::string range = fmt::format("{} .. {}", format_value(values.min, row.unit), format_value(values.max, row.unit));
      text += fmt::format("  {:<16} {:>12}  {:<25} {:>8} {:>8} {:>8}  {:<9} {}\n", row.subject, format_value(values.median, row.unit),
                          range, share_of(results, row, kBare), share_of(results, row, kNull), wgu_against(results, row),
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
