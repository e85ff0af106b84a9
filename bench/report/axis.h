#pragma once
// A scale with its words, chosen to suit what is to be shown.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/quantity.h"
#include "bench/report/scale.h"

namespace wgu::bench {

struct Axis {
  Scale scale = Scale::from_zero(0, 1);
  DisplayUnit unit{};                 // the scale is in this unit
  std::vector<std::string> labels{};  // one a tick
  std::string title{};                // with the unit

  [[nodiscard]] double position(double value) const { return scale.position(value / unit.divisor); }
};

// From zero; logarithmic (and its title says so) where the values are positive and so far apart that the small ones would lie on the
// axis. `unit` as in results.h, or kFraction.
[[nodiscard]] Axis value_axis(std::span<const double> values, std::string_view unit, const std::string& title);
// Losses: logarithmic with a place for zero.
[[nodiscard]] Axis loss_axis(std::span<const double> values, const std::string& title);
[[nodiscard]] Axis percentile_axis(std::span<const double> percentiles);
// A parameter of row names: at its very values.
[[nodiscard]] Axis parameter_axis(std::span<const double> values, const std::string& title);
// One place a run; `labels` has one for each run.
[[nodiscard]] Axis sequence_axis(std::span<const std::string> labels);

[[nodiscard]] std::string percentile_label(double percentile);  // "p50", "p99.9", "max"

}  // namespace wgu::bench
