#include "bench/report/run_section.h"

#include <algorithm>

#include "bench/host_counters.h"
#include "bench/quantity.h"
#include "bench/report/bar_chart.h"
#include "bench/report/curves.h"
#include "bench/report/figure_list.h"
#include "bench/report/row_table.h"

namespace wgu::bench {
namespace {

Html charts_of(const MetricGroup& group, const Subjects& subjects) {
  const std::string title = metric_title(group.metric);
  Html charts;
  std::size_t count = group.sweeps.size();
  std::vector<const Row*> alone;
  for (const Panel& panel : group.panels) {
    if (panel.rows.size() == 1) {
      alone.push_back(panel.rows[0]);
    } else {
      ++count;
      charts += bar_chart(panel, title, subjects);
    }
  }
  for (const Sweep& sweep : group.sweeps) charts += curve_chart(chart_of_sweep(sweep, group), subjects);
  if (count > 0) charts = html(R"(<div class="panels">{}</div>)", charts);
  if (!alone.empty()) charts += figure_list(alone);
  return html(R"(<section class="{}"><h3>{} <span>{}</span></h3>{}</section>)", count == 1 && alone.empty() ? "single" : "several", title,
              group.higher_is_better ? "more is better" : "less is better", charts);
}

Html charts_of(const CurveGroup& group, const Subjects& subjects) {
  Html charts;
  for (const CurveChart& chart : group.charts) charts += curve_chart(chart, subjects);
  return html(R"(<section class="{}"><h3>{}</h3><div class="panels">{}</div></section>)", group.charts.size() == 1 ? "single" : "several",
              group.title, charts);
}

// What is not as in the list at the top of the page.
Html other_environment(const RunOnPage& run) {
  Environment differing;
  for (const auto& entry : run.results.environment) {
    if (std::find(run.shown_environment.begin(), run.shown_environment.end(), entry) == run.shown_environment.end())
      differing.push_back(entry);
  }
  if (differing.empty()) return {};
  return html(R"(<p class="warning">Measured on something else than what stands at the top:</p>{})", environment_list(differing));
}

Html configuration(const Results& run) {
  if (run.configuration.empty()) return {};
  return html(R"(<details><summary>Configuration</summary>{}</details>)",
              definition_list({run.configuration.begin(), run.configuration.end()}));
}

Html left_out(const Results& run) {
  if (run.left_out.empty()) return {};
  return html(R"(<section><h3>Left out</h3><div class="reasons">{}</div></section>)",
              definition_list({run.left_out.begin(), run.left_out.end()}));
}

Html host_counters(const Results& run) {
  const HostCounters counted = counted_between(run.host_before, run.host_after);
  if (counted.empty()) return {};
  Html rows;
  std::size_t still = 0;
  for (const auto& [name, difference] : counted) {
    if (difference == 0) {
      ++still;
    } else {
      rows += html(R"(<tr><th scope="row"><code>{}</code></th><td class="number">{}</td></tr>)", name,
                   format_number(static_cast<double>(difference)));
    }
  }
  return html(R"(<details><summary>What the host counted meanwhile</summary><p>{} counters moved, {} did not.</p>)"
              R"(<table class="counters"><tbody>{}</tbody></table></details>)",
              counted.size() - still, still, rows);
}

std::string facts_of(const Results& run) {
  std::string facts = fmt::format("Begun {}, took {}. {} {}", run.begun.empty() ? "at an unknown time" : run.begun,
                                  format_duration(run.seconds), run.rows.size(), run.rows.size() == 1 ? "row" : "rows");
  std::size_t least = 0, most = 0;
  for (const Row& row : run.rows) {
    least = &row == run.rows.data() ? row.samples.size() : std::min(least, row.samples.size());
    most = std::max(most, row.samples.size());
  }
  if (most > 0) facts += least == most ? fmt::format(" of {} samples", most) : fmt::format(" of {} to {} samples", least, most);
  return facts + ".";
}

}  // namespace

Html definition_list(const Environment& pairs) {
  Html entries;
  for (const auto& [name, value] : pairs) entries += html("<div><dt>{}</dt><dd>{}</dd></div>", name, value);
  return html("<dl>{}</dl>", entries);
}

Html environment_list(const Environment& environment) {
  Environment main, settings;
  for (const auto& entry : environment) (entry.first.starts_with("sysctl/") ? settings : main).push_back(entry);
  if (settings.empty()) return definition_list(main);
  return html(R"({}<details class="settings"><summary>Settings of the kernel</summary>{}</details>)", definition_list(main),
              definition_list(settings));
}

Html run_section(const RunOnPage& run, const Subjects& subjects) {
  const Results& results = run.results;
  const std::vector<MetricGroup> groups = group_rows(results.rows, subjects);
  Html charts;
  for (const MetricGroup& group : groups) charts += charts_of(group, subjects);
  for (const CurveGroup& group : charts_of_curves(results.curves, subjects)) charts += charts_of(group, subjects);
  const Html table = groups.empty() ? html("<p>No rows.</p>") : row_table(groups);
  const Html hash = results.configuration_hash.empty() ? Html{} : html(" Configuration <code>{}</code>.", results.configuration_hash);
  return html(
      R"(<section class="run" id="run-{}"><h2>{}</h2><p class="facts">{}{}</p>{}{}<div class="charts">{}</div><section><h3>All rows)"
      R"(</h3>{}</section>{}{}</section>)",
      run.number, results.command, facts_of(results), hash, other_environment(run), configuration(results), charts, table,
      left_out(results), host_counters(results));
}

}  // namespace wgu::bench
