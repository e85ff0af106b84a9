#include "bench/report/curves.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace wgu::bench {
namespace {

Subjects subjects_of(const std::vector<Curve>& curves) {
  Results run;
  run.curves = curves;
  return Subjects({&run, 1});
}

TEST(ChartsOfCurves, PutOneNameIntoOneChartAndOneKindIntoOneGroup) {
  const std::vector<Curve> curves = {{"latency/load:10", "peer", "percentile", "s", {{50, 1e-4}, {99, 1e-3}}},
                                     {"latency/load:10", "wgu", "percentile", "s", {{50, 5e-5}, {99, 9e-5}}},
                                     {"loss/bytes:64", "wgu", "packet/s", "1", {{1e5, 0}, {2e5, 0.25}}},
                                     {"latency/load:90", "wgu", "percentile", "s", {{50, 5e-5}}}};
  const auto groups = charts_of_curves(curves, subjects_of(curves));
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].title, "Latency by percentile");
  ASSERT_EQ(groups[0].charts.size(), 2u);
  ASSERT_EQ(groups[0].charts[0].lines.size(), 2u);
  EXPECT_EQ(groups[0].charts[0].lines[0].subject, "wgu");
  EXPECT_EQ(groups[1].title, "Packets lost by rate");
  EXPECT_EQ(groups[1].charts[0].lines[0].points[1].words, "wgu, 200\u00A0kpps: 25.0\u00A0%");
}

TEST(ChartsOfCurves, SortPointsAndLeaveOutWhatIsNoNumber) {
  const std::vector<Curve> curves = {
      {"latency", "wgu", "percentile", "s", {{99, 2}, {50, 1}, {std::nan(""), 1}, {90, std::numeric_limits<double>::infinity()}}}};
  const auto groups = charts_of_curves(curves, subjects_of(curves));
  const auto& points = groups[0].charts[0].lines[0].points;
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].x, 50);
  EXPECT_EQ(points[1].words, "wgu, p99: 2.00\u00A0s");
}

TEST(ChartOfSweep, ShowsMediansBetweenTheirExtremes) {
  const Row row{"aead/bytes:64", "avx2", "time", "s", false, {1e-7, 3e-7, 2e-7}}, silent{"aead/bytes:128", "avx2", "time", "s", false, {}};
  const Sweep sweep{"aead", "bytes", {{"avx2", {{64, &row}, {128, &silent}}}}};
  const CurveChart chart = chart_of_sweep(sweep, {"time", "s", false, {}, {}, {}});
  EXPECT_EQ(chart.title, "aead, by bytes");
  ASSERT_EQ(chart.lines[0].points.size(), 1u);
  const CurvePoint& point = chart.lines[0].points[0];
  EXPECT_DOUBLE_EQ(point.y, 2e-7);
  EXPECT_DOUBLE_EQ(point.low, 1e-7);
  EXPECT_DOUBLE_EQ(point.high, 3e-7);
}

}  // namespace
}  // namespace wgu::bench
