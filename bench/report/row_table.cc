// The strips of samples all have one relative width, so that equally wide clouds are equally uncertain whatever the unit.
#include "bench/report/row_table.h"

#include <algorithm>
#include <cmath>

#include "bench/quantity.h"
#include "bench/statistics.h"

namespace wgu::bench {
namespace {

constexpr double kStripSpan = 0.25;  // of the median, on either side
constexpr double kStripWidth = 112, kStripHeight = 14, kStripMargin = 4;

Html strip(const std::vector<double>& samples) {
  const double middle = median(samples);
  Html dots;
  for (const double sample : samples) {
    const double deviation = middle == 0 ? 0 : (sample - middle) / std::abs(middle) / kStripSpan;
    const bool is_outside = std::abs(deviation) > 1;
    const double x = kStripWidth / 2 + std::clamp(deviation, -1.0, 1.0) * (kStripWidth / 2 - kStripMargin);
    dots += html(R"(<circle class="{}" cx="{}" cy="{}" r="2.5"/>)", is_outside ? "outside" : "inside", x, kStripHeight / 2);
  }
  return html(R"(<svg class="strip" width="{}" height="{}" aria-hidden="true"><line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>)"
              R"(<line class="zero" x1="{}" x2="{}" y1="1" y2="{}"/>{}</svg>)",
              kStripWidth, kStripHeight, kStripMargin, kStripWidth - kStripMargin, kStripHeight / 2, kStripHeight / 2, kStripWidth / 2,
              kStripWidth / 2, kStripHeight - 1, dots);
}

Html figures(const Row& row) {
  const std::vector<double> samples = finite_samples(row);
  if (samples.empty()) return html(R"(<td class="number" colspan="2">no samples</td><td class="number">0</td><td></td>)");
  const Spread all = spread(samples);
  const DisplayUnit unit = display_unit(unit_of(row.unit, row.metric), std::max(std::abs(all.max), std::abs(all.min)));
  const std::string range =
      samples.size() == 1 ? "" : fmt::format("{} – {}", format_number(all.min / unit.divisor), format_number(all.max / unit.divisor));
  return html(R"(<td class="number"><b>{}</b> {}</td><td class="number">{}</td><td class="number">{}</td><td>{}</td>)",
              format_number(all.median / unit.divisor), unit.label, range, samples.size(), strip(samples));
}

std::string note_of(const Row& row) {
  const std::size_t dropped = row.samples.size() - finite_samples(row).size();
  if (dropped == 0) return row.note;
  return fmt::format("{}{}{} of {} samples are not numbers", row.note, row.note.empty() ? "" : "; ", dropped, row.samples.size());
}

struct Columns {  // those that would be empty are not there
  bool limits = false, notes = false;
};

Columns columns_of(std::span<const MetricGroup> groups) {
  Columns used;
  for (const MetricGroup& group : groups) {
    for (const Panel& panel : group.names) {
      for (const Row* row : panel.rows) {
        used.limits |= row->limit != Limit::kUnknown;
        used.notes |= !note_of(*row).empty();
      }
    }
  }
  return used;
}

// May be broken after each slash, where a phone needs it.
Html breakable(const std::string& name) {
  Html out;
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size() - 1) + 1;
    if (begin > 0) out += html("<wbr/>");
    out += html("{}", name.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

Html rows_of(const Panel& panel, const Columns& columns) {
  Html out;
  bool is_first = true;
  for (const Row* row : panel.rows) {
    const Html name =
        is_first ? html(R"(<th scope="rowgroup" rowspan="{}"><code>{}</code></th>)", panel.rows.size(), breakable(panel.name)) : Html{};
    const Html limit = columns.limits ? html("<td>{}</td>", limit_title(row->limit)) : Html{};
    const Html note = columns.notes ? html(R"(<td class="note">{}</td>)", note_of(*row)) : Html{};
    out += html(R"(<tr class="{}{}">{}<th scope="row" class="who">{}</th>{}{}{}</tr>)",
                role_of(row->subject) == Role::kOurs ? "ours" : "others", is_first ? " first" : "", name, row->subject, figures(*row),
                limit, note);
    is_first = false;
  }
  return out;
}

}  // namespace

Html row_table(std::span<const MetricGroup> groups) {
  const Columns columns = columns_of(groups);
  const int count = 6 + (columns.limits ? 1 : 0) + (columns.notes ? 1 : 0);
  Html bodies;
  for (const MetricGroup& group : groups) {
    Html rows;
    for (const Panel& panel : group.names) rows += rows_of(panel, columns);
    bodies += html(R"(<tbody><tr class="metric"><th colspan="{}" scope="rowgroup">{} <span>{}</span></th></tr>{}</tbody>)", count,
                   metric_title(group.metric), group.higher_is_better ? "more is better" : "less is better", rows);
  }
  Html heads;
  if (columns.limits) heads += html(R"(<th scope="col">limited by</th>)");
  if (columns.notes) heads += html(R"(<th scope="col">note</th>)");
  return html(
      R"(<div class="scrolls" role="region" aria-label="All rows" tabindex="0"><table class="rows"><thead><tr><th scope="col">what</th>)"
      R"(<th scope="col">who</th><th scope="col" class="number">median</th><th scope="col" class="number">least – greatest</th>)"
      R"(<th scope="col" class="number">samples</th><th scope="col">each, ±25 % of the median</th>{}</tr></thead>{}</table></div>)",
      heads, bodies);
}

}  // namespace wgu::bench
