// Runs stand side by side, equally far apart: dates would put a day's ten runs on one spot and leave the months between empty.
#include "bench/report/history_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "bench/compare/history.h"
#include "bench/quantity.h"
#include "bench/report/groups.h"
#include "bench/statistics.h"

namespace wgu::bench {
namespace {

// Of one hash, oldest first; a run that is in the history and on the page counts once.
std::vector<const Results*> runs_of(const Results& shown, std::span<const Results> earlier) {
  std::vector<const Results*> runs{&shown};
  for (const Results& run : earlier) {
    const bool is_known = std::any_of(runs.begin(), runs.end(), [&](const Results* each) { return each->begun == run.begun; });
    if (!is_known && run.configuration_hash == shown.configuration_hash && run.command == shown.command) runs.push_back(&run);
  }
  std::stable_sort(runs.begin(), runs.end(), [](const Results* a, const Results* b) { return a->begun < b->begun; });
  return runs;
}

const Row* find_row(const Results& run, const Row& like) {
  const auto found = std::find_if(run.rows.begin(), run.rows.end(), [&](const Row& row) {
    return row.name == like.name && row.subject == like.subject && row.metric == like.metric && row.unit == like.unit;
  });
  return found == run.rows.end() ? nullptr : &*found;
}

CurveLine line_of(const Row& row, std::span<const Results* const> runs) {
  CurveLine line{row.subject, {}};
  const std::string_view unit = unit_of(row.unit, row.metric);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Row* then = find_row(*runs[i], row);
    const std::vector<double> samples = then == nullptr ? std::vector<double>{} : finite_samples(*then);
    if (samples.empty()) continue;
    const Spread all = spread(samples);
    line.points.push_back({static_cast<double>(i), all.median, all.min, all.max,
                           fmt::format("{}, {}: {} ({} – {})", row.subject, runs[i]->begun, format_quantity(all.median, unit),
                                       format_quantity(all.min, unit), format_quantity(all.max, unit))});
  }
  return line;
}

void add_changes(std::vector<std::string>& changes, const std::vector<const Results*>& runs) {
  std::vector<Results> before;
  for (const Results* run : runs) {
    if (run != runs.back()) before.push_back(*run);
  }
  for (const LevelChange& change : check_history(before, *runs.back()).changes) {
    changes.push_back(fmt::format("{}, {}, {}: {} times what it was since {}, {} runs ago: {}", name_title(change.name), change.subject,
                                  metric_title(change.metric), format_number(change.ratio), change.since, change.runs_since,
                                  change.is_worse ? "worse" : "better"));
  }
}

std::vector<CurveChart> charts_of(const MetricGroup& group, std::span<const Results* const> runs) {
  std::vector<std::string> days;
  for (const Results* run : runs) days.push_back(run->begun.substr(0, 10));
  std::vector<CurveChart> charts;
  for (const Panel& panel : group.names) {
    CurveChart chart;
    std::vector<double> values;
    std::size_t longest = 0;
    for (const Row* row : panel.rows) {
      chart.lines.push_back(line_of(*row, runs));
      longest = std::max(longest, chart.lines.back().points.size());
      for (const CurvePoint& point : chart.lines.back().points) values.insert(values.end(), {point.low, point.y, point.high});
    }
    if (longest < 2) continue;
    chart.title = name_title(panel.name);
    chart.x = sequence_axis(days);
    chart.y = value_axis(values, unit_of(group.unit, group.metric), metric_title(group.metric));
    charts.push_back(std::move(chart));
  }
  return charts;
}

}  // namespace

History history_of(std::span<const Results> earlier, std::span<const Results> shown, const Subjects& subjects) {
  History history;
  std::vector<std::vector<CurveChart>> by_metric;
  std::set<std::pair<std::string, std::string>> done;  // the same measurement twice on a page has one history
  for (const Results& run : shown) {
    if (!done.emplace(run.command, run.configuration_hash).second) continue;
    const std::vector<const Results*> runs = runs_of(run, earlier);
    if (runs.size() < 2) continue;
    add_changes(history.changes, runs);
    for (const MetricGroup& group : group_rows(run.rows, subjects)) by_metric.push_back(charts_of(group, runs));
  }
  // One of each metric in turn, so that none has all the room.
  std::size_t longest = 0, all = 0;
  for (const auto& charts : by_metric) longest = std::max(longest, charts.size()), all += charts.size();
  for (std::size_t turn = 0; turn < longest; ++turn) {
    for (auto& charts : by_metric) {
      if (turn < charts.size() && history.charts.size() < kMostHistoryCharts) history.charts.push_back(std::move(charts[turn]));
    }
  }
  history.not_drawn = all - history.charts.size();
  return history;
}

Html history_section(const History& history, const Subjects& subjects) {
  if (history.charts.empty()) return {};
  Html charts;
  for (const CurveChart& chart : history.charts) charts += curve_chart(chart, subjects);
  const Html rest =
      history.not_drawn == 0 ? Html{} : html("<p>{} further figures are in the history file and not drawn.</p>", history.not_drawn);
  Html changes;
  for (const std::string& change : history.changes) changes += html("<li>{}</li>", change);
  if (!changes.empty()) changes = html(R"(<h3>Changes of level</h3><ul class="changes">{}</ul>)", changes);
  return html(R"(<section class="run" id="history"><h2>History</h2><p class="facts">Runs of the same configuration on the same machine, )"
              R"(oldest first; bands from the least to the greatest sample.</p><div class="panels">{}</div>{}{}</section>)",
              charts, rest, changes);
}

}  // namespace wgu::bench
