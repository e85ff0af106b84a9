// CPU time throughout, an item: what the neighbours on the machine take away is not ours. Aggregates that the framework computes are
// left to the JSON.
#include "bench/micro/reporter.h"

#include <fmt/format.h>

#include <ostream>

namespace wgu::bench {
namespace {

constexpr int kNameWidth = 36;  // of the environment's

double counter(const benchmark::BenchmarkReporter::Run& run, const char* name) {
  const auto entry = run.counters.find(name);
  return entry == run.counters.end() ? 0 : entry->second.value;
}

// One repetition; nothing for the framework's own means.
std::optional<MeasuredRow> measured(const benchmark::BenchmarkReporter::Run& run) {
  if (run.run_type != benchmark::BenchmarkReporter::Run::RT_Iteration) return std::nullopt;
  MeasuredRow row{run.run_name.str(), run.report_label};
  if (run.error_occurred) {
    row.error = run.error_message;
    return row;
  }
  const double items = counter(run, "items_per_second");
  const double per_iteration = run.GetAdjustedCPUTime() * 1e9 / benchmark::GetTimeUnitMultiplier(run.time_unit);
  row.nanoseconds.push_back(items > 0 ? 1e9 / items : per_iteration);
  if (items > 0) row.bytes_per_item = counter(run, "bytes_per_second") / items;
  return row;
}

}  // namespace

MicroReporter::MicroReporter(Environment environment, std::vector<std::string> comparators, const Progress& progress,
                             BenchmarkReporter* other)
    : environment_(std::move(environment)), comparators_(std::move(comparators)), progress_(progress), other_(other) {}

bool MicroReporter::ReportContext(const Context& context) {
  if (other_ != nullptr) return other_->ReportContext(context);
  std::string load;
  for (const double average : context.cpu_info.load_avg) load += fmt::format("{:.2f} ", average);
  GetOutputStream() << format_environment(environment_) << format_environment({{"load_average", load}}) << '\n' << std::flush;
  return true;
}

void MicroReporter::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs) collect(run);
  if (other_ != nullptr) other_->ReportRuns(runs);
}

void MicroReporter::Finalize() {
  progress_.clear();
  other_ != nullptr ? other_->Finalize() : print();
}

void MicroReporter::collect(const Run& run) {
  const std::optional<MeasuredRow> repetition = measured(run);
  if (!repetition) return;
  has_failures_ = has_failures_ || !repetition->error.empty();
  const auto [row, is_first] = rows_.try_emplace({run.family_index, run.per_family_instance_index}, *repetition);
  if (is_first) return;
  if (!repetition->error.empty()) row->second.error = repetition->error;
  row->second.nanoseconds.insert(row->second.nanoseconds.end(), repetition->nanoseconds.begin(), repetition->nanoseconds.end());
}

void MicroReporter::print() {
  std::vector<MeasuredRow> rows;
  for (const auto& [order, row] : rows_) rows.push_back(row);
  GetOutputStream() << format_rows(rows, comparators_) << std::flush;
}

void RoundReporter::ReportRuns(const std::vector<Run>& runs) {
  std::optional<MeasuredRow> least;
  for (const Run& run : runs) {
    auto row = measured(run);
    if (!row) continue;
    row->order = static_cast<std::uint64_t>(run.family_index) << 32 | static_cast<std::uint32_t>(run.per_family_instance_index);
    if (!row->error.empty()) return row_(*row);
    if (!least || row->nanoseconds < least->nanoseconds) least = std::move(row);
  }
  if (least) row_(*least);
}

std::string format_environment(const Environment& environment) {
  std::string text;
  for (const auto& [name, value] : environment) text += fmt::format("{:<{}}{}\n", name, kNameWidth, value);
  return text;
}

}  // namespace wgu::bench
