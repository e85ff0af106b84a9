// Lines have tabs between their six fields; whoever writes one takes tabs and line ends out of the texts.
#include "bench/micro/measured_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <optional>

#include "bench/micro/ratios.h"
#include "bench/statistics.h"

namespace wgu::bench {
namespace {

constexpr char kSeparator = '\t';

std::string one_field(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == kSeparator || c == '\n'; }, ' ');
  return text;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  return is_whole && std::isfinite(static_cast<double>(value)) ? std::optional(value) : std::nullopt;
}

bool has_samples(const MeasuredRow& row) { return row.error.empty() && !row.nanoseconds.empty(); }

}  // namespace

std::string format_rows(std::span<const MeasuredRow> rows, std::span<const std::string> comparators) {
  std::size_t width = 0;
  std::size_t repetitions = 0;
  for (const MeasuredRow& row : rows) {
    width = std::max(width, row.name.size());
    repetitions = std::max(repetitions, row.nanoseconds.size());
  }
  std::string text = fmt::format("CPU time; median, least and greatest of {} interleaved repetitions\n", repetitions);
  text += fmt::format("{:<{}}{:>12}{:>24}{:>14}{:>10}\n", "", width, "ns/item", "min..max", "items/s", "GB/s");
  AeadSamples samples;
  for (const MeasuredRow& row : rows) {
    if (!has_samples(row)) {
      text += fmt::format("{:<{}}  {}\n", row.name, width, row.error);
      continue;
    }
    const Spread time = spread(row.nanoseconds);
    const std::string rate = row.bytes_per_item > 0 ? fmt::format("{:.3f}", row.bytes_per_item / time.median) : "";
    text += fmt::format("{:<{}}{:>12.1f}{:>24}{:>14.0f}{:>10}  {}\n", row.name, width, time.median,
                        fmt::format("{:.1f}..{:.1f}", time.min, time.max), 1e9 / time.median, rate, row.label);
    if (const auto aead = parse_row_name(row.name)) samples[*aead] = row.nanoseconds;
  }
  if (const std::vector<RatioRow> table = ratios(samples, comparators); !table.empty()) {
    text += "\nour best kernel: how many times as fast as each comparator (median, least and greatest over repetitions)\n" +
            format_ratios(table, comparators);
  }
  return text;
}

std::vector<Row> result_rows(std::span<const MeasuredRow> rows) {
  std::vector<Row> results;
  for (const MeasuredRow& row : rows) {
    if (!has_samples(row)) continue;
    Row result{row.name, "wgu", "cpu_time", "s", false};
    if (const auto aead = parse_row_name(row.name)) {
      result.name = fmt::format("aead/{}/bytes:{}/batch:{}", operation_name(aead->operation), bytes_name(aead->bytes), aead->batch);
      result.subject = aead->table;
    }
    for (const double nanoseconds : row.nanoseconds) result.samples.push_back(nanoseconds / 1e9);
    result.limit = Limit::kCpu;
    result.note = row.label;
    results.push_back(std::move(result));
  }
  return results;
}

std::vector<std::pair<std::string, std::string>> rows_left_out(std::span<const MeasuredRow> rows) {
  std::vector<std::pair<std::string, std::string>> left_out;
  for (const MeasuredRow& row : rows) {
    if (!has_samples(row)) left_out.emplace_back(row.name, row.error.empty() ? "was not measured" : row.error);
  }
  return left_out;
}

std::string format_line(const MeasuredRow& row) {
  const double nanoseconds = row.nanoseconds.empty() ? 0 : row.nanoseconds.front();
  return fmt::format("{1}{0}{2}{0}{3}{0}{4}{0}{5}{0}{6}\n", kSeparator, row.order, one_field(row.name), one_field(row.label),
                     one_field(row.error), nanoseconds, row.bytes_per_item);
}

Result<MeasuredRow> parse_line(std::string_view line) {
  const Error refused{EINVAL, "a round wrote a line that is no row"};
  std::array<std::string_view, 6> fields;
  std::string_view rest = line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t end = rest.find(kSeparator);
    if ((end == std::string_view::npos) != (i + 1 == fields.size())) return refused;
    fields[i] = rest.substr(0, end);
    rest.remove_prefix(std::min(fields[i].size() + 1, rest.size()));
  }
  const auto order = number<std::uint64_t>(fields[0]);
  const auto nanoseconds = number<double>(fields[4]);
  const auto bytes_per_item = number<double>(fields[5]);
  if (!order || fields[1].empty() || !nanoseconds || !bytes_per_item) return refused;
  MeasuredRow row{std::string(fields[1]), std::string(fields[2]), std::string(fields[3])};
  row.order = *order;
  row.bytes_per_item = *bytes_per_item;
  if (row.error.empty()) row.nanoseconds.push_back(*nanoseconds);
  return row;
}

void append(std::vector<MeasuredRow>& rows, const MeasuredRow& round) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const MeasuredRow& each) { return each.name == round.name; });
  if (row == rows.end()) {
    const auto behind = [](const MeasuredRow& added, const MeasuredRow& each) { return added.order < each.order; };
    rows.insert(std::upper_bound(rows.begin(), rows.end(), round, behind), round);
    return;
  }
  if (row->error.empty()) row->error = round.error;
  row->nanoseconds.insert(row->nanoseconds.end(), round.nanoseconds.begin(), round.nanoseconds.end());
}

}  // namespace wgu::bench
