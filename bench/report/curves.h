#pragma once
// From results to charts with two axes: the curves of a run, and rows that differ in one parameter.

#include <span>
#include <vector>

#include "bench/report/curve_chart.h"
#include "bench/report/groups.h"

namespace wgu::bench {

struct CurveGroup {
  std::string title;  // "Latency by percentile", "Loss by rate"
  std::vector<CurveChart> charts;
};

// Curves of the same name and units share a chart; charts of the same units a group.
[[nodiscard]] std::vector<CurveGroup> charts_of_curves(std::span<const Curve> curves, const Subjects& subjects);

// \param metric  as in the heading: "Throughput"
[[nodiscard]] CurveChart chart_of_sweep(const Sweep& sweep, const MetricGroup& group);

}  // namespace wgu::bench
