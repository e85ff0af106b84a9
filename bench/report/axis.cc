#include "bench/report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace wgu::bench {
namespace {

constexpr double kFarApart = 20;  // times: the smaller value would stand on a twentieth of the height

std::string tick_label(double tick) { return tick == 0 ? "0" : fmt::format("{:.6g}", tick); }

struct Range {
  double least = 0, greatest = 0;
  double least_positive = 0;  // 0: none
};

Range range_of(std::span<const double> values) {
  Range range;
  if (values.empty()) return range;
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  range = {*least, *greatest, 0};
  for (const double value : values) {
    if (value > 0 && (range.least_positive == 0 || value < range.least_positive)) range.least_positive = value;
  }
  return range;
}

void finish(Axis& axis, const std::string& title, std::string_view remark) {
  for (const double tick : axis.scale.ticks()) axis.labels.push_back(tick_label(tick));
  axis.title = title;
  if (!axis.unit.label.empty()) axis.title += ", " + axis.unit.label;
  if (!remark.empty()) axis.title += fmt::format(" ({})", remark);
}

}  // namespace

Axis value_axis(std::span<const double> values, std::string_view unit, const std::string& title) {
  const Range range = range_of(values);
  const bool is_logarithmic = range.least > 0 && range.greatest / range.least >= kFarApart;
  Axis axis;
  axis.unit =
      display_unit(unit, is_logarithmic ? std::sqrt(range.least) * std::sqrt(range.greatest) : std::max(range.greatest, -range.least));
  const double divisor = axis.unit.divisor;
  axis.scale = is_logarithmic ? Scale::logarithmic(range.least / divisor, range.greatest / divisor)
                              : Scale::from_zero(range.least / divisor, range.greatest / divisor);
  if (!is_logarithmic) {
    finish(axis, title, "");
    return axis;
  }
  const auto own_unit = [&](double tick) { return display_unit(unit, tick * divisor); };
  const auto& ticks = axis.scale.ticks();
  if (ticks.empty() || (own_unit(ticks.front()).label == axis.unit.label && own_unit(ticks.back()).label == axis.unit.label)) {
    finish(axis, title, "logarithmic");
    return axis;
  }
  for (const double tick : ticks) {  // each in the unit that suits it: "500 µs", "1 ms"
    const DisplayUnit own = own_unit(tick);
    axis.labels.push_back(tick_label(tick * divisor / own.divisor) + "\u00A0" + own.label);
  }
  axis.title = title + " (logarithmic)";
  return axis;
}

Axis loss_axis(std::span<const double> values, const std::string& title) {
  const Range range = range_of(values);
  Axis axis;
  axis.unit = display_unit(kFraction, range.greatest);
  const double divisor = axis.unit.divisor;
  const bool is_logarithmic = range.least_positive > 0;
  axis.scale =
      is_logarithmic ? Scale::logarithmic_with_zero(range.least_positive / divisor, range.greatest / divisor) : Scale::from_zero(0, 1);
  finish(axis, title, is_logarithmic ? "logarithmic, with zero" : "");
  return axis;
}

Axis percentile_axis(std::span<const double> percentiles) {
  std::vector<double> below;
  std::copy_if(percentiles.begin(), percentiles.end(), std::back_inserter(below), [](double p) { return p >= 0 && p < 100; });
  const Range range = below.empty() ? Range{50, 99.9, 50} : range_of(below);
  Axis axis;
  axis.scale = Scale::percentile(range.least, range.greatest, below.size() < percentiles.size());
  for (const double tick : axis.scale.ticks()) axis.labels.push_back(percentile_label(tick));
  axis.title = "percentile (the tail stretched)";
  return axis;
}

Axis parameter_axis(std::span<const double> values, const std::string& title) {
  std::vector<double> ascending(values.begin(), values.end());
  std::sort(ascending.begin(), ascending.end());
  ascending.erase(std::unique(ascending.begin(), ascending.end()), ascending.end());
  Axis axis;
  axis.scale = Scale::through(ascending);
  finish(axis, title, "");
  return axis;
}

Axis sequence_axis(std::span<const std::string> labels) {
  Axis axis;
  axis.scale = Scale::sequence(labels.size());
  for (const double tick : axis.scale.ticks()) {
    const auto i = static_cast<std::size_t>(tick);
    axis.labels.push_back(i < labels.size() ? labels[i] : "");
  }
  axis.title = "run";
  return axis;
}

std::string percentile_label(double percentile) { return percentile >= 100 ? "max" : fmt::format("p{:.6g}", percentile); }

}  // namespace wgu::bench
