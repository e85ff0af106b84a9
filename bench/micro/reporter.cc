// CPU time throughout, an item: what the neighbours on the machine take away is not ours. Aggregates that the framework computes are
// left to the JSON.
#include "bench/micro/reporter.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "bench/micro/ratios.h"
#include "bench/statistics.h"

namespace wgu::bench {
namespace {

constexpr int kNameWidth = 30;  // of the environment's

double counter(const benchmark::BenchmarkReporter::Run& run, const char* name) {
  const auto entry = run.counters.find(name);
  return entry == run.counters.end() ? 0 : entry->second.value;
}

}  // namespace

MicroReporter::MicroReporter(Environment environment, std::vector<std::string> comparators, const Progress& progress,
                             BenchmarkReporter* other)
    : environment_(std::move(environment)), comparators_(std::move(comparators)), progress_(progress), other_(other) {}

bool MicroReporter::ReportContext(const Context& context) {
  if (other_ != nullptr) return other_->ReportContext(context);
  for (const auto& [name, value] : environment_) GetOutputStream() << fmt::format("{:<{}}{}\n", name, kNameWidth, value);
  std::string load;
  for (const double average : context.cpu_info.load_avg) load += fmt::format("{:.2f} ", average);
  GetOutputStream() << fmt::format("{:<{}}{}\n\n", "load_average", kNameWidth, load) << std::flush;
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
  if (run.run_type != Run::RT_Iteration) return;
  Row& row = rows_[{run.family_index, run.per_family_instance_index}];
  row.name = run.run_name.str();
  row.label = run.report_label;
  if (run.error_occurred) {
    row.error = run.error_message;
    has_failures_ = true;
    return;
  }
  const double items = counter(run, "items_per_second");
  const double per_iteration = run.GetAdjustedCPUTime() * 1e9 / benchmark::GetTimeUnitMultiplier(run.time_unit);
  row.nanoseconds.push_back(items > 0 ? 1e9 / items : per_iteration);
  if (items > 0) row.bytes_per_item = counter(run, "bytes_per_second") / items;
}

void MicroReporter::print() {
  std::size_t width = 0;
  std::size_t repetitions = 0;
  for (const auto& [order, row] : rows_) {
    width = std::max(width, row.name.size());
    repetitions = std::max(repetitions, row.nanoseconds.size());
  }
  std::ostream& out = GetOutputStream();
  out << fmt::format("CPU time; median, least and greatest of {} interleaved repetitions\n", repetitions)
      << fmt::format("{:<{}}{:>12}{:>24}{:>14}{:>10}\n", "", width, "ns/item", "min..max", "items/s", "GB/s");
  AeadSamples samples;
  for (const auto& [order, row] : rows_) {
    if (!row.error.empty() || row.nanoseconds.empty()) {
      out << fmt::format("{:<{}}  {}\n", row.name, width, row.error);
      continue;
    }
    const Spread time = spread(row.nanoseconds);
    const std::string rate = row.bytes_per_item > 0 ? fmt::format("{:.3f}", row.bytes_per_item / time.median) : "";
    out << fmt::format("{:<{}}{:>12.1f}{:>24}{:>14.0f}{:>10}  {}\n", row.name, width, time.median,
                       fmt::format("{:.1f}..{:.1f}", time.min, time.max), 1e9 / time.median, rate, row.label);
    if (const auto aead = parse_row_name(row.name)) samples[*aead] = row.nanoseconds;
  }
  if (const std::vector<RatioRow> table = ratios(samples, comparators_); !table.empty()) {
    out << "\nour best kernel: how many times as fast as each comparator (median, least and greatest over repetitions)\n"
        << format_ratios(table, comparators_);
  }
  out << std::flush;
}

}  // namespace wgu::bench
