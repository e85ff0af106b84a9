// A change shows once there are some runs on both sides of it; one of the last run alone is what `compare` finds.
#include "bench/compare/history.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <system_error>
#include <tuple>

#include "bench/compare/change_point.h"
#include "bench/compare/judgement.h"
#include "bench/rank_sum.h"
#include "bench/statistics.h"
#include "io/file_descriptor.h"

namespace wgu::bench {
namespace {

using RowKey = std::tuple<std::string, std::string, std::string>;  // name, subject, metric

Error error_of(const std::string& path, int code) { return {code, path + ": " + std::generic_category().message(code)}; }

struct Series {
  bool higher_is_better = true;
  std::map<std::size_t, double> levels;  // by run: the logarithm of its median
};

bool is_positive(const Row& row) {
  return !row.samples.empty() && std::all_of(row.samples.begin(), row.samples.end(), [](double sample) { return sample > 0; });
}

std::map<RowKey, Series> series_of(const std::vector<const Results*>& runs) {
  std::map<RowKey, Series> all;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    for (const Row& row : runs[run]->rows) {
      if (!is_positive(row)) continue;
      Series& series = all[{row.name, row.subject, row.metric}];
      series.higher_is_better = row.higher_is_better;
      series.levels[run] = std::log(median(row.samples));
    }
  }
  return all;
}

std::vector<double> values(const std::map<std::size_t, double>& levels) {
  std::vector<double> list;
  for (const auto& [run, level] : levels) list.push_back(level);
  return list;
}

// By metric and run: what its references have in common. Empty for a metric with fewer than kLeastReferences.
std::map<std::string, std::map<std::size_t, double>> courses_of(const std::map<RowKey, Series>& all,
                                                                const std::set<std::string>& references) {
  std::map<std::string, std::map<std::size_t, std::vector<double>>> deviations;
  for (const auto& [key, series] : all) {
    if (!references.contains(std::get<1>(key))) continue;
    const double usual = median(values(series.levels));
    for (const auto& [run, level] : series.levels) deviations[std::get<2>(key)][run].push_back(level - usual);
  }
  std::map<std::string, std::map<std::size_t, double>> courses;
  for (const auto& [metric, runs] : deviations) {
    for (const auto& [run, each] : runs) {
      if (each.size() >= kLeastReferences) courses[metric][run] = median(each);
    }
  }
  return courses;
}

}  // namespace

Result<std::vector<Results>> read_history(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return errno == ENOENT ? Result<std::vector<Results>>(std::vector<Results>{}) : error_of(path, errno);
  std::vector<Results> runs;
  std::size_t size = 0;
  std::size_t number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    size += line.size();
    if (size > kMaxHistorySize) return Error{EFBIG, path + ": larger than any history is"};
    Result<Results> run = parse_results(line);
    if (!run.ok()) return Error{run.error().code, fmt::format("{}: line {}: {}", path, number, run.error().message)};
    runs.push_back(std::move(*run));
  }
  if (stream.bad()) return error_of(path, EIO);
  return runs;
}

Result<void> append_history(const std::string& path, const Results& results) {
  Results lean = results;
  lean.curves.clear();
  const Result<std::string> json = format_results(lean);
  if (!json.ok()) return Error{json.error().code, path + ": " + json.error().message};
  const std::string line = *json + "\n";
  const io::FileDescriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
  struct stat before {};
  if (!file || ::flock(file.get(), LOCK_EX) != 0 || ::fstat(file.get(), &before) != 0) return error_of(path, errno);
  const ssize_t written = ::write(file.get(), line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return {};
  const int error = written < 0 ? errno : ENOSPC;
  if (::ftruncate(file.get(), before.st_size) != 0) return error_of(path, errno);
  return error_of(path, error);
}

HistoryVerdict check_history(const std::vector<Results>& history, const Results& next) {
  std::vector<const Results*> runs;
  for (const Results& run : history) {
    if (run.configuration_hash == next.configuration_hash && run != next) runs.push_back(&run);
  }
  runs.push_back(&next);
  HistoryVerdict verdict{runs.size()};
  const std::set<std::string> references(next.references.begin(), next.references.end());
  const std::map<RowKey, Series> all = series_of(runs);
  const auto courses = courses_of(all, references);

  std::map<std::size_t, ChangePointChance> chances;  // by length
  std::vector<double> p;
  std::vector<LevelChange> found;
  for (const auto& [key, series] : all) {
    const auto& [name, subject, metric] = key;
    if (references.contains(subject) || series.levels.size() < kLeastRuns) continue;
    const auto course = courses.find(metric);
    std::vector<double> levels;
    std::vector<std::size_t> places;
    for (const auto& [run, level] : series.levels) {
      const bool is_known = course != courses.end() && course->second.contains(run);
      levels.push_back(level - (is_known ? course->second.at(run) : 0));
      places.push_back(run);
    }
    const ChangePoint change = find_change_point(levels);
    p.push_back(chances.try_emplace(levels.size(), levels.size()).first->second.p(change.statistic));
    const std::span<const double> span(levels);
    const double shift = median(span.subspan(change.first_after)) - median(span.first(change.first_after));
    const double least = std::log1p(course != courses.end() ? kLeastEffect : kLeastEffectUnreferenced);
    found.push_back({name, subject, metric, runs[places[change.first_after]]->begun, levels.size() - change.first_after, std::exp(shift),
                     series.higher_is_better == (shift < 0)});
    if (std::abs(shift) <= least) p.back() = 1;
  }
  const std::vector<double> adjusted = holm(p);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (adjusted[i] <= kHistoryAlpha) verdict.changes.push_back(found[i]);
  }
  return verdict;
}

std::string format_history(const HistoryVerdict& verdict) {
  std::string text = fmt::format("\nhistory: {} runs of this configuration", verdict.runs);
  if (verdict.runs < kLeastRuns) return text + fmt::format("; at least {} are needed to see a change of level\n", kLeastRuns);
  if (verdict.changes.empty()) return text + ", no change of level\n";
  text += "\n";
  for (const LevelChange& change : verdict.changes) {
    text += fmt::format("warning: {}, {}, {}: {} by {:.1f} % in the {} runs since {}\n", change.name, change.subject, change.metric,
                        change.is_worse ? "worse" : "better", 100 * std::abs(change.ratio - 1), change.runs_since, change.since);
  }
  return text;
}

}  // namespace wgu::bench
