// Ratios are taken round by round, since the rounds of all subjects are interleaved; where the interval of the ratio holds one, the two
// are called level whatever their medians say.
#include "bench/report/headline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "bench/quantity.h"
#include "bench/statistics.h"

namespace wgu::bench {
namespace {

// Of the rows of a metric, the one that readers ask for first.
constexpr std::array<std::string_view, 6> kAskedForFirst = {"tcp/streams:1/forward", "tcp/streams:1",     "udp/bytes:64",
                                                            "latency/idle",          "memory/after_load", "aead/seal/bytes:1424/batch:64"};
// Of the metrics, likewise; the others come behind them.
constexpr std::array<std::string_view, 5> kMetricsAskedForFirst = {"throughput", "packet_rate", "latency_p50", "cpu_seconds_per_gb",
                                                                   "resident"};

constexpr const char* kLevel = "level with";

struct Contestants {
  const Row* ours = nullptr;  // the best of each
  const Row* peer = nullptr;
  std::vector<const Row*> limits;
  std::size_t peers = 0;
};

bool is_better(const Row& a, const Row& b) {
  const double left = median(finite_samples(a)), right = median(finite_samples(b));
  return a.higher_is_better ? left > right : left < right;
}

Contestants contestants(const Panel& panel) {
  Contestants found;
  for (const Row* row : panel.rows) {
    if (finite_samples(*row).empty()) continue;
    const Role role = role_of(row->subject);
    if (role == Role::kLimit) {
      found.limits.push_back(row);
      continue;
    }
    if (role == Role::kPeer) ++found.peers;
    const Row*& best = role == Role::kOurs ? found.ours : found.peer;
    if (best == nullptr || is_better(*row, *best)) best = row;
  }
  return found;
}

// Higher: more worth being told. Zero: nothing of ours.
int worth(const Panel& panel) {
  const Contestants all = contestants(panel);
  if (all.ours == nullptr) return 0;
  const auto asked = std::find_if(kAskedForFirst.begin(), kAskedForFirst.end(), [&](auto name) { return panel.name.starts_with(name); });
  return 1 + (all.limits.empty() ? 0 : 1) + (all.peer == nullptr ? 0 : 2) + 4 * static_cast<int>(kAskedForFirst.end() - asked);
}

bool has_no_zero(std::span<const double> samples) { return std::find(samples.begin(), samples.end(), 0.0) == samples.end(); }

std::string interval_in_words(std::span<const double> samples, const DisplayUnit& unit) {
  if (samples.size() == 1) return "one sample";
  const Spread all = spread(samples);
  return fmt::format("{} – {} in {} rounds", format_number(all.min / unit.divisor), format_number(all.max / unit.divisor), samples.size());
}

KeyFigure key_figure(const Panel& panel) {
  const Contestants all = contestants(panel);
  const Row& row = *all.ours;
  const std::vector<double> samples = finite_samples(row);
  const DisplayUnit unit = display_unit(unit_of(row.unit, row.metric), median(samples));
  KeyFigure figure{row.metric,
                   row.name,
                   row.subject,
                   format_number(median(samples) / unit.divisor),
                   unit.label,
                   interval_in_words(samples, unit),
                   row.higher_is_better,
                   {},
                   {},
                   {}};
  const TimesAsMuch times = all.peer == nullptr ? TimesAsMuch{} : times_as_much(samples, finite_samples(*all.peer));
  if (!times.words.empty()) {
    const std::string best = all.peers > 1 ? fmt::format("the best of {} peers", all.peers) : "";
    const char* of = row.higher_is_better || times.words == kLevel ? "" : "that of ";
    figure.beside_best_peer =
        fmt::format("{}{} {}{}{}{}", times.words, times.interval, of, all.peer->subject, best.empty() ? "" : ", ", best);
    figure.in_short = fmt::format("{} {}{}", times.words, of, best.empty() ? all.peer->subject : best);
  }
  for (const Row* limit : all.limits) {
    const double roof = median(finite_samples(*limit));
    if (roof <= 0) continue;
    const double quotient = median(samples) / roof;
    figure.beside_limits.push_back(row.higher_is_better ? fmt::format("{} of {}", format_share(quotient), limit->subject)
                                                        : fmt::format("{} times that of {}", format_number(quotient), limit->subject));
  }
  return figure;
}

std::vector<KeyFigure> figures_of(const Results& run, const Subjects& subjects) {
  struct Candidate {
    int worth;
    Panel panel;
  };
  std::vector<Candidate> candidates;
  for (MetricGroup& group : group_rows(run.rows, subjects)) {
    std::optional<Candidate> best;
    for (Panel& panel : group.names) {
      const int its_worth = worth(panel);
      if (its_worth > (best ? best->worth : 0)) best = {its_worth, std::move(panel)};
    }
    if (best) candidates.push_back(std::move(*best));
  }
  const auto metric_of = [](const Candidate& candidate) { return std::string_view(contestants(candidate.panel).ours->metric); };
  // CPU time a gigabyte and cores a Gbit/s are one figure but for a factor.
  if (std::any_of(candidates.begin(), candidates.end(), [&](const auto& each) { return metric_of(each) == "cpu_seconds_per_gb"; })) {
    std::erase_if(candidates, [&](const Candidate& candidate) { return metric_of(candidate) == "cores_per_gbps"; });
  }
  const auto rank = [&](const Candidate& candidate) {
    const bool has_peer = contestants(candidate.panel).peer != nullptr;
    const auto asked = std::find(kMetricsAskedForFirst.begin(), kMetricsAskedForFirst.end(), metric_of(candidate));
    return std::pair(!has_peer, asked);
  };
  std::stable_sort(candidates.begin(), candidates.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  std::vector<KeyFigure> figures;
  for (const Candidate& candidate : candidates) figures.push_back(key_figure(candidate.panel));
  return figures;
}

}  // namespace

TimesAsMuch times_as_much(std::span<const double> samples, std::span<const double> other) {
  if (samples.empty() || other.empty() || !has_no_zero(other)) return {};
  const Spread quotient = ratio(samples, other);
  const bool has_interval = std::min(samples.size(), other.size()) > 1;
  const std::string interval = has_interval ? fmt::format(" ({} – {})", format_number(quotient.min), format_number(quotient.max)) : "";
  if (has_interval && quotient.min <= 1 && quotient.max >= 1) return {kLevel, interval};
  return {format_number(quotient.median) + " times", interval};
}

std::vector<KeyFigure> key_figures(std::span<const Results> runs, const Subjects& subjects, std::size_t most) {
  std::vector<std::vector<KeyFigure>> by_run;
  std::size_t longest = 0;
  for (const Results& run : runs) {
    by_run.push_back(figures_of(run, subjects));
    longest = std::max(longest, by_run.back().size());
  }
  std::vector<KeyFigure> figures;
  for (std::size_t turn = 0; turn < longest; ++turn) {
    for (const auto& of_run : by_run) {
      if (turn < of_run.size() && figures.size() < most) figures.push_back(of_run[turn]);
    }
  }
  return figures;
}

std::string headline(std::span<const KeyFigure> figures, std::span<const Results> runs) {
  if (figures.empty()) {
    std::size_t rows = 0;
    for (const Results& run : runs) rows += run.rows.size();
    return rows == 0 ? "Nothing was measured" : fmt::format("{} {} measured, nothing of wgu", rows, rows == 1 ? "row" : "rows");
  }
  const KeyFigure& first = figures[0];
  const std::string space = first.unit.empty() ? "" : "\u00A0";
  const bool is_kernel = !first.subject.starts_with("wgu");  // ours all the same: an AEAD kernel by its name
  std::string sentence = fmt::format("{}{}: {}{}{}", is_kernel ? "wgu, " : "", first.subject, first.number, space, first.unit);
  if (!first.in_short.empty()) {
    sentence += ", " + first.in_short;
  } else if (!first.beside_limits.empty()) {
    sentence += ", " + first.beside_limits[0];
  }
  return sentence;
}

}  // namespace wgu::bench
