// References have a common scale: each one's logarithms less the mean of its two medians. A round's course is the median over references.
#include "bench/compare/course.h"

#include <algorithm>
#include <cmath>

#include "bench/rank_sum.h"
#include "bench/statistics.h"

namespace wgu::bench {
namespace {

constexpr double kQuantile = 0.95;

bool is_usable(const std::vector<double>& samples) {
  return samples.size() >= kLeastSamples && std::all_of(samples.begin(), samples.end(), [](double sample) { return sample > 0; });
}

std::vector<double> logarithms(const std::vector<double>& samples) {
  std::vector<double> logs;
  for (const double sample : samples) logs.push_back(std::log(sample));
  return logs;
}

// A row that missed rounds cannot be matched with them.
void take_out(std::vector<double>& logs, const std::vector<double>& course) {
  if (course.empty()) return;
  const double middle = median(course);
  for (std::size_t i = 0; i < logs.size(); ++i) logs[i] -= logs.size() == course.size() ? course[i] : middle;
}

std::size_t most_rounds(const std::vector<const std::vector<double>*>& all) {
  std::size_t most = 0;
  for (const auto* logs : all) most = std::max(most, logs->size());
  return most;
}

// \param scales  one a reference
std::vector<double> course_of(const std::vector<const std::vector<double>*>& references, const std::vector<double>& scales) {
  const std::size_t rounds = most_rounds(references);
  std::vector<double> course;
  for (std::size_t round = 0; round < rounds; ++round) {
    std::vector<double> here;
    for (std::size_t i = 0; i < references.size(); ++i) {
      if (references[i]->size() == rounds) here.push_back((*references[i])[round] - scales[i]);
    }
    course.push_back(median(here));
  }
  return course;
}

// Ranks less their mean; equal samples share theirs.
std::vector<double> centred_ranks(const std::vector<double>& series) {
  std::vector<double> ranks;
  for (const double each : series) {
    double rank = 0;
    for (const double other : series) rank += other < each ? 0.5 : other > each ? -0.5 : 0;
    ranks.push_back(rank);
  }
  return ranks;
}

}  // namespace

MachineCourse::MachineCourse(const std::vector<RowPair>& references) {
  std::vector<LogSamples> logs;
  for (const RowPair& row : references) {
    if (is_usable(row.base->samples) && is_usable(row.next->samples)) {
      logs.push_back({logarithms(row.base->samples), logarithms(row.next->samples)});
    }
  }
  if (logs.size() >= kLeastReferences) {
    std::vector<double> scales;
    std::vector<const std::vector<double>*> base, next;
    for (const LogSamples& row : logs) {
      scales.push_back((median(row.base) + median(row.next)) / 2);
      base.push_back(&row.base);
      next.push_back(&row.next);
    }
    base_ = course_of(base, scales);
    next_ = course_of(next, scales);
  }
  for (LogSamples& row : logs) {
    take_out(row.base, base_);
    take_out(row.next, next_);
    residuals_.push_back(std::abs(median(row.next) - median(row.base)));
  }
  std::sort(residuals_.begin(), residuals_.end());
}

double MachineCourse::drift() const { return is_taken_out() ? median(next_) - median(base_) : 0; }

std::optional<double> MachineCourse::noise() const {
  if (residuals_.empty()) return std::nullopt;
  const auto rank = static_cast<std::size_t>(std::ceil(kQuantile * static_cast<double>(residuals_.size())));
  return residuals_[rank - 1];
}

std::optional<LogSamples> MachineCourse::samples(const RowPair& row) const {
  const auto is_positive = [](double sample) { return sample > 0; };
  if (!std::all_of(row.base->samples.begin(), row.base->samples.end(), is_positive) ||
      !std::all_of(row.next->samples.begin(), row.next->samples.end(), is_positive)) {
    return std::nullopt;
  }
  LogSamples logs{logarithms(row.base->samples), logarithms(row.next->samples)};
  take_out(logs.base, base_);
  take_out(logs.next, next_);
  return logs;
}

double autocorrelation(const std::vector<std::vector<double>>& series) {
  // Ranks, so that one outlier does not hide it. In n independent samples the estimate is -1/n on average, and falls short of a
  // correlation r by 4r/n more.
  double sum = 0;
  double lengths = 0;
  std::size_t count = 0;
  for (const std::vector<double>& each : series) {
    if (each.size() < kLeastSamples) continue;
    const std::vector<double> ranks = centred_ranks(each);
    double products = 0, squares = 0;
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      squares += ranks[i] * ranks[i];
      if (i > 0) products += ranks[i - 1] * ranks[i];
    }
    if (squares == 0) continue;  // all equal
    sum += products / squares;
    lengths += static_cast<double>(each.size());
    ++count;
  }
  if (count == 0) return 0;
  const double n = lengths / static_cast<double>(count);
  return std::clamp((sum / static_cast<double>(count) + 1 / n) / (1 - 4 / n), -1.0, 1.0);
}

}  // namespace wgu::bench
