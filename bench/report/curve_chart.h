#pragma once
// Lines over two axes: latency by percentile, loss by rate, a figure by packet size, a figure from run to run.

#include <string>
#include <vector>

#include "bench/report/axis.h"
#include "bench/report/html.h"
#include "bench/report/subjects.h"

namespace wgu::bench {

struct CurvePoint {
  double x = 0, y = 0;
  double low = 0, high = 0;  // the interval around y; both y when there is none
  std::string words{};       // shown when it is pointed at
};

struct CurveLine {
  std::string subject;
  std::vector<CurvePoint> points;  // finite, x ascending
};

struct CurveChart {
  std::string title;
  Axis x, y;
  std::vector<CurveLine> lines;  // in the subjects' order
};

[[nodiscard]] Html curve_chart(const CurveChart& chart, const Subjects& subjects);

// The marks of the lines, referred to by every chart: once a page.
[[nodiscard]] Html curve_marks();

}  // namespace wgu::bench
