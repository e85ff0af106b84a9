#include "bench/report/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/statistics.h"

namespace wgu::bench {
namespace {

constexpr std::string_view kPercentile = "percentile";

bool is_loss(const Curve& curve) { return curve.y_unit == "1" && curve.name.find("loss") != std::string::npos; }

std::string y_title(const Curve& curve) {
  if (is_loss(curve)) return "Packets lost";
  if (curve.x_unit == kPercentile) return "Latency";
  return metric_title(curve.name.substr(0, curve.name.find('/')));
}

std::string x_title(const Curve& curve) { return curve.x_unit.ends_with("/s") ? "rate" : curve.x_unit == "s" ? "time" : "value"; }

std::string group_title(const Curve& curve) {
  if (curve.x_unit == kPercentile) return y_title(curve) + " by percentile";
  return fmt::format("{} by {}", y_title(curve), x_title(curve));
}

CurveLine line_of(const Curve& curve) {
  CurveLine line{curve.subject, {}};
  for (const auto& [x, y] : curve.points) {
    if (std::isfinite(x) && std::isfinite(y)) line.points.push_back({x, y, y, y, {}});
  }
  std::stable_sort(line.points.begin(), line.points.end(), [](const CurvePoint& a, const CurvePoint& b) { return a.x < b.x; });
  return line;
}

// All x and all y of the lines, for the axes.
std::pair<std::vector<double>, std::vector<double>> coordinates(const std::vector<CurveLine>& lines) {
  std::vector<double> xs, ys;
  for (const CurveLine& line : lines) {
    for (const CurvePoint& point : line.points) {
      xs.push_back(point.x);
      for (const double y : {point.low, point.y, point.high}) ys.push_back(y);
    }
  }
  return {xs, ys};
}

void add_axes_and_words(CurveChart& chart, const Curve& kind) {
  const auto [xs, ys] = coordinates(chart.lines);
  chart.x = kind.x_unit == kPercentile ? percentile_axis(xs) : value_axis(xs, kind.x_unit, x_title(kind));
  chart.y = is_loss(kind) ? loss_axis(ys, y_title(kind)) : value_axis(ys, kind.y_unit, y_title(kind));
  const std::string_view y_unit = is_loss(kind) ? kFraction : std::string_view(kind.y_unit);
  for (CurveLine& line : chart.lines) {
    for (CurvePoint& point : line.points) {
      const std::string where = kind.x_unit == kPercentile ? percentile_label(point.x) : format_quantity(point.x, kind.x_unit);
      point.words = fmt::format("{}, {}: {}", line.subject, where, format_quantity(point.y, y_unit));
    }
  }
}

void sort_lines(std::vector<CurveLine>& lines, const Subjects& subjects) {
  std::stable_sort(lines.begin(), lines.end(),
                   [&](const CurveLine& a, const CurveLine& b) { return subjects.rank(a.subject) < subjects.rank(b.subject); });
}

}  // namespace

std::vector<CurveGroup> charts_of_curves(std::span<const Curve> curves, const Subjects& subjects) {
  std::vector<CurveGroup> groups;
  std::vector<bool> is_drawn(curves.size(), false);
  for (std::size_t i = 0; i < curves.size(); ++i) {
    if (is_drawn[i]) continue;
    const Curve& kind = curves[i];
    CurveChart chart;
    chart.title = name_title(kind.name);
    for (std::size_t j = i; j < curves.size(); ++j) {
      const Curve& other = curves[j];
      if (other.name != kind.name || other.x_unit != kind.x_unit || other.y_unit != kind.y_unit) continue;
      chart.lines.push_back(line_of(other));
      is_drawn[j] = true;
    }
    sort_lines(chart.lines, subjects);
    add_axes_and_words(chart, kind);
    const std::string title = group_title(kind);
    auto group = std::find_if(groups.begin(), groups.end(), [&](const CurveGroup& each) { return each.title == title; });
    if (group == groups.end()) group = groups.insert(groups.end(), CurveGroup{title, {}});
    group->charts.push_back(std::move(chart));
  }
  return groups;
}

CurveChart chart_of_sweep(const Sweep& sweep, const MetricGroup& group) {
  const std::string_view unit = unit_of(group.unit, group.metric);
  CurveChart chart;
  chart.title = fmt::format("{}, by {}", name_title(sweep.name), sweep.parameter);
  for (const Sweep::Line& line : sweep.lines) {
    CurveLine drawn{line.subject, {}};
    for (const auto& [x, row] : line.points) {
      const std::vector<double> samples = finite_samples(*row);
      if (samples.empty()) continue;
      const Spread all = spread(samples);
      std::string words = fmt::format("{}, {} {}: {}", line.subject, sweep.parameter, format_number(x), format_quantity(all.median, unit));
      if (samples.size() > 1) {
        words +=
            fmt::format(", {} samples between {} and {}", samples.size(), format_quantity(all.min, unit), format_quantity(all.max, unit));
      }
      drawn.points.push_back({x, all.median, all.min, all.max, std::move(words)});
    }
    chart.lines.push_back(std::move(drawn));
  }
  const auto [xs, ys] = coordinates(chart.lines);
  chart.x = parameter_axis(xs, sweep.parameter);
  chart.y = value_axis(ys, unit, metric_title(group.metric));
  return chart;
}

}  // namespace wgu::bench
