#include "bench/report/curve_chart.h"

#include <gtest/gtest.h>

#include <array>
#include <regex>

namespace wgu::bench {
namespace {

CurveChart chart_of(const std::vector<CurveLine>& lines) {
  constexpr std::array kEnds = {0.0, 10.0};
  return {"title", value_axis(kEnds, "1", "x"), value_axis(kEnds, "1", "y"), lines};
}

std::string drawn(const CurveChart& chart) {
  Results run;
  for (const CurveLine& line : chart.lines) run.curves.push_back({"c", line.subject, "1", "1", {}});
  return curve_chart(chart, Subjects({&run, 1})).markup;
}

TEST(CurveChart, DrawsLinesFromPointToPoint) {
  const std::string chart = drawn(chart_of({{"wgu", {{0, 0, 0, 0, "a"}, {5, 10, 10, 10, "b"}}}}));
  EXPECT_NE(chart.find(R"(<path class="line ours-1" d="M0 240L500 0"/>)"), std::string::npos) << chart;
  EXPECT_EQ(chart.find("band"), std::string::npos) << "there is no interval";
}

TEST(CurveChart, DrawsABandAroundIntervals) {
  const std::string chart = drawn(chart_of({{"wgu", {{0, 5, 0, 10, "a"}, {10, 5, 5, 5, "b"}}}}));
  EXPECT_NE(chart.find(R"(<path class="band ours-1" d="M0 0L1000 120L1000 120L0 240Z"/>)"), std::string::npos) << chart;
}

TEST(CurveChart, KeepsNamesAtTheEndsApart) {
  std::vector<CurveLine> lines;
  for (int i = 0; i < 8; ++i) lines.push_back({"peer " + std::to_string(i), {{10, 5 + 0.01 * i, 5, 5, "p"}}});
  const std::string chart = drawn(chart_of(lines));
  std::vector<double> heights;
  const std::regex name(R"(class="end-name [^"]*" x="[^"]*" dx="12" y="([^"]*)\")");
  for (std::sregex_iterator at(chart.begin(), chart.end(), name), end; at != end; ++at) heights.push_back(std::stod((*at)[1]));
  ASSERT_EQ(heights.size(), 8u);
  for (std::size_t i = 1; i < heights.size(); ++i) EXPECT_GE(heights[i] - heights[i - 1], 14.9);
  EXPECT_LE(heights.back(), 245);
}

TEST(CurveChart, ShortensLongNamesBetweenCharacters) {
  const std::string chart = drawn(chart_of({{"ääääääääääääääääääääääääääääää", {{1, 1, 1, 1, "p"}}}}));
  EXPECT_NE(chart.find(">ääääääääääääääääääääää…<"), std::string::npos);
}

TEST(CurveChart, OfLinesWithoutPointsHasAxesAllTheSame) {
  const std::string chart = drawn(chart_of({{"wgu", {}}}));
  EXPECT_NE(chart.find(">10</text>"), std::string::npos);
  EXPECT_EQ(chart.find("<path"), std::string::npos);
}

}  // namespace
}  // namespace wgu::bench
