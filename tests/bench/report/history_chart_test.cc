#include "bench/report/history_chart.h"

#include <gtest/gtest.h>

namespace wgu::bench {
namespace {

Results run_of(const std::string& begun, double value, const std::string& hash = "h") {
  Results run;
  run.command = "tunnel";
  run.begun = begun;
  run.configuration_hash = hash;
  run.rows = {{"tcp", "wgu", "throughput", "bit/s", true, {value, value * 1.1}}};
  return run;
}

History history(const std::vector<Results>& earlier, const std::vector<Results>& shown) {
  return history_of(earlier, shown, Subjects(shown));
}

TEST(HistoryOf, IsInTheOrderOfTimeWithTheShownRun) {
  const History found =
      history({run_of("2026-02-01T00:00:00Z", 2), run_of("2026-01-01T00:00:00Z", 1)}, {run_of("2026-03-01T00:00:00Z", 3)});
  ASSERT_EQ(found.charts.size(), 1u);
  const auto& points = found.charts[0].lines[0].points;
  ASSERT_EQ(points.size(), 3u);
  EXPECT_DOUBLE_EQ(points[0].low, 1);
  EXPECT_DOUBLE_EQ(points[2].low, 3);
  EXPECT_EQ(found.charts[0].x.labels.front(), "2026-01-01");
}

TEST(HistoryOf, PassesOverOtherConfigurationsAndCountsARunOnce) {
  const Results shown = run_of("2026-03-01T00:00:00Z", 3);
  EXPECT_TRUE(history({run_of("2026-01-01T00:00:00Z", 1, "other"), shown}, {shown}).charts.empty());
  EXPECT_EQ(history({run_of("2026-01-01T00:00:00Z", 1), shown}, {shown, shown}).charts.size(), 1u);
}

TEST(HistoryOf, SaysHowManyFiguresItDoesNotDraw) {
  Results now = run_of("2026-03-01T00:00:00Z", 1), before = run_of("2026-02-01T00:00:00Z", 1);
  for (std::size_t i = 0; i < kMostHistoryCharts + 4; ++i) {
    for (Results* run : {&now, &before}) run->rows.push_back({"row " + std::to_string(i), "wgu", "throughput", "bit/s", true, {1}});
  }
  const History found = history({before}, {now});
  EXPECT_EQ(found.charts.size(), kMostHistoryCharts);
  EXPECT_EQ(found.not_drawn, 5u);
}

TEST(HistoryOf, WarnsOfAChangeOfLevel) {
  std::vector<Results> earlier;
  for (int i = 0; i < 24; ++i) earlier.push_back(run_of("2026-01-" + std::to_string(10 + i), (i < 12 ? 100 : 50) + 0.1 * (i * 7 % 5)));
  const History found = history(earlier, {run_of("2026-03-01T00:00:00Z", 50)});
  ASSERT_EQ(found.changes.size(), 1u);
  EXPECT_NE(found.changes[0].find("worse"), std::string::npos);
}

}  // namespace
}  // namespace wgu::bench
