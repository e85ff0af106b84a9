// Per metric: what the machine did (course.h), the floor below which nothing counts, and how much rounds resemble each other. Per row: the
// rank-sum test of "new differs from base by more than the floor", its p made larger by the resemblance. Over all rows: Holm.
#include "bench/compare/judgement.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <tuple>

#include "bench/rank_sum.h"
#include "bench/statistics.h"

namespace wgu::bench {
namespace {

using RowKey = std::tuple<std::string, std::string, std::string>;

RowKey key_of(const Row& row) { return {row.name, row.subject, row.metric}; }
std::string words_of(const Row& row) { return row.name + ", " + row.subject + ", " + row.metric; }

double upper_tail(double z) { return std::erfc(z / std::numbers::sqrt2) / 2; }

// The z of which upper_tail(z) is `p`, by bisection. \pre 0 < p <= 0.5
double upper_quantile(double p) {
  double low = 0, high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (upper_tail(middle) > p ? low : high) = middle;
  }
  return low;
}

// Rounds that resemble each other by r are worth (1 - r) / (1 + r) as many independent ones: what a mean of them varies by.
double worth(double autocorrelation) {
  const double r = std::clamp(autocorrelation, 0.0, kMostCorrelated);
  return (1 - r) / (1 + r);
}

// Two-sided p with the z behind it scaled.
double weakened(double p, double share) {
  return p <= 0 || p >= 1 ? p : std::min(1.0, 2 * upper_tail(upper_quantile(p / 2) * std::sqrt(share)));
}

// The least p that n and m samples can have: one order of n + m choose n.
double least_p(std::size_t n, std::size_t m) {
  const auto log_factorial = [](std::size_t k) { return std::lgamma(static_cast<double>(k) + 1); };
  return std::min(1.0, 2 * std::exp(log_factorial(n) + log_factorial(m) - log_factorial(n + m)));
}

struct MetricRows {
  std::vector<RowPair> references, judged;
};

// One metric's rows and what is known of its noise.
struct Judge {
  MachineCourse course;
  double floor = 0;  // as a logarithm
  double share = 1;  // what a round is worth
};

double floor_of(const MachineCourse& course, const Criteria& criteria) {
  const double least = criteria.least_effect.value_or(course.references() > 0 ? kLeastEffect : kLeastEffectUnreferenced);
  return std::max(std::log1p(least), kNoiseMargin * course.noise().value_or(0));
}

double resemblance(const MachineCourse& course, const MetricRows& rows) {
  std::vector<std::vector<double>> series;
  for (const auto* pairs : {&rows.references, &rows.judged}) {
    for (const RowPair& pair : *pairs) {
      const auto logs = course.samples(pair);
      series.push_back(logs ? logs->base : pair.base->samples);
      series.push_back(logs ? logs->next : pair.next->samples);
    }
  }
  return autocorrelation(series);
}

// Of "the shift is not beyond the floor on either side".
double p_beyond(const std::vector<double>& base, std::vector<double> next, double floor) {
  std::vector<double> lowered = next;
  for (double& value : lowered) value -= floor;
  for (double& value : next) value += floor;
  return std::min(1.0, 2 * std::min(rank_sum(base, lowered).p_greater, rank_sum(base, next).p_less));
}

Judgement describe(const RowPair& pair) {
  Judgement judgement{pair.next->name, pair.next->subject, pair.next->metric};
  judgement.base_samples = pair.base->samples.size();
  judgement.next_samples = pair.next->samples.size();
  if (judgement.base_samples > 0) judgement.base = median(pair.base->samples);
  if (judgement.next_samples > 0) judgement.next = median(pair.next->samples);
  return judgement;
}

void estimate(Judgement& judgement, const RowPair& pair, const Judge& judge, double confidence) {
  const auto logs = judge.course.samples(pair);
  if (!logs || logs->base.empty() || logs->next.empty()) return;
  // The interval widens as p grows: by what the rounds are worth.
  const double tail = upper_tail(upper_quantile((1 - confidence) / 2) / std::sqrt(judge.share));
  const Shift shift = hodges_lehmann(logs->base, logs->next, 1 - 2 * tail);
  judgement.has_ratio = true;
  judgement.ratio = std::exp(shift.estimate);
  judgement.low = std::exp(shift.low);
  judgement.high = std::exp(shift.high);
}

void test(Judgement& judgement, const RowPair& pair, const Judge& judge) {
  if (const auto logs = judge.course.samples(pair)) {
    judgement.p = p_beyond(logs->base, logs->next, judge.floor);
  } else {
    // Zeros have no logarithm: a floor of the greater median's share.
    const double scale = std::max(std::abs(judgement.base), std::abs(judgement.next));
    judgement.p = p_beyond(pair.base->samples, pair.next->samples, std::expm1(judge.floor) * scale);
  }
  judgement.p = weakened(judgement.p, judge.share);
}

std::string why_not(const RowPair& pair, const Judge& judge, std::size_t rows, double alpha) {
  const std::size_t samples = std::min(pair.base->samples.size(), pair.next->samples.size());
  if (pair.base->unit != pair.next->unit || pair.base->higher_is_better != pair.next->higher_is_better)
    return "the runs count it differently";
  if (samples < kLeastSamples) return std::to_string(samples) + " samples; at least " + std::to_string(kLeastSamples) + " are needed";
  if (weakened(least_p(pair.base->samples.size(), pair.next->samples.size()), judge.share) * static_cast<double>(rows) > alpha) {
    return std::to_string(samples) + " samples are too few to find anything" +
           (judge.share < 1 ? ", as rounds resemble each other" : " among so many rows");
  }
  return {};
}

Verdict verdict_of(const Judgement& judgement, bool higher_is_better, double alpha) {
  if (judgement.p_adjusted > alpha) return Verdict::kNoDifference;
  const bool is_higher = judgement.has_ratio ? judgement.ratio > 1 : judgement.next > judgement.base;
  return is_higher == higher_is_better ? Verdict::kImprovement : Verdict::kRegression;
}

bool is_reference(const Results& results, const Row& row) {
  return std::find(results.references.begin(), results.references.end(), row.subject) != results.references.end();
}

}  // namespace

std::size_t Comparison::count(Verdict verdict) const {
  return static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), [&](const Judgement& row) { return row.verdict == verdict; }));
}

Comparison compare(const Results& base, const Results& next, const Criteria& criteria) {
  Comparison comparison;
  std::map<RowKey, const Row*> base_rows;
  for (const Row& row : base.rows) base_rows.emplace(key_of(row), &row);
  std::vector<RowPair> pairs;
  std::map<std::string, MetricRows> metrics;
  for (const Row& row : next.rows) {
    const auto counterpart = base_rows.find(key_of(row));
    if (counterpart == base_rows.end()) {
      comparison.only_in_next.push_back(words_of(row));
      continue;
    }
    const RowPair pair{counterpart->second, &row};
    base_rows.erase(counterpart);
    pairs.push_back(pair);
    const bool stands_still = criteria.has_references && is_reference(base, row) && is_reference(next, row);
    (stands_still ? metrics[row.metric].references : metrics[row.metric].judged).push_back(pair);
  }
  for (const Row& row : base.rows) {
    if (base_rows.contains(key_of(row))) comparison.only_in_base.push_back(words_of(row));
  }

  std::map<std::string, Judge> judges;
  std::size_t judged = 0;
  for (const auto& [metric, rows] : metrics) {
    Judge judge{MachineCourse(rows.references)};
    judge.floor = floor_of(judge.course, criteria);
    const double resembling = resemblance(judge.course, rows);
    judge.share = worth(resembling);
    comparison.noise.push_back({metric, judge.course.references(), judge.course.is_taken_out(), std::exp(judge.course.drift()),
                                std::expm1(judge.floor), resembling});
    judges.emplace(metric, std::move(judge));
    judged += static_cast<std::size_t>(std::count_if(rows.judged.begin(), rows.judged.end(), [](const RowPair& pair) {
      return std::min(pair.base->samples.size(), pair.next->samples.size()) >= kLeastSamples;
    }));
  }

  std::vector<double> p;
  std::vector<std::pair<std::size_t, bool>> tested;  // place among the rows, is higher better?
  for (const RowPair& pair : pairs) {
    const Judge& judge = judges.at(pair.next->metric);
    Judgement judgement = describe(pair);
    judgement.reason = why_not(pair, judge, judged, criteria.alpha);
    estimate(judgement, pair, judge, criteria.confidence);
    if (criteria.has_references && is_reference(base, *pair.next) && is_reference(next, *pair.next)) {
      judgement.verdict = Verdict::kReference;
    } else if (judgement.reason.empty()) {
      test(judgement, pair, judge);
      p.push_back(judgement.p);
      tested.emplace_back(comparison.rows.size(), pair.next->higher_is_better);
    }
    comparison.rows.push_back(std::move(judgement));
  }
  const std::vector<double> adjusted = holm(p);
  for (std::size_t i = 0; i < tested.size(); ++i) {
    Judgement& judgement = comparison.rows[tested[i].first];
    judgement.p_adjusted = adjusted[i];
    judgement.verdict = verdict_of(judgement, tested[i].second, criteria.alpha);
  }
  return comparison;
}

}  // namespace wgu::bench
