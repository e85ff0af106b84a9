#include "bench/report/bar_chart.h"

#include <gtest/gtest.h>

namespace wgu::bench {
namespace {

Row row(const std::string& subject, const std::vector<double>& samples, bool higher_is_better = true) {
  return {"tcp/streams:1",  subject, higher_is_better ? "throughput" : "latency_p50", higher_is_better ? "bit/s" : "s",
          higher_is_better, samples};
}

std::string chart_of(const std::vector<Row>& rows) {
  Results run;
  run.rows = rows;
  Panel panel{"tcp/streams:1", {}};
  for (const Row& each : rows) panel.rows.push_back(&each);
  return bar_chart(panel, "Throughput", Subjects({&run, 1})).markup;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

TEST(BarChart, DrawsFromZeroToTheMedianAndAWhiskerOverAllSamples) {
  const std::string chart = chart_of({row("wgu", {4e9, 5e9, 8e9}), row("peer", {10e9, 10e9, 10e9})});
  EXPECT_TRUE(has(chart, R"(<rect class="fill ours-1" x="0%" width="50%")"));
  EXPECT_TRUE(has(chart, R"(<line class="whisker" x1="40%" x2="80%")"));
  EXPECT_EQ(count(chart, R"(class="sample")"), 6u);
  EXPECT_TRUE(has(chart, "wgu: 5.00\u00A0Gbit/s, median of 3 between 4.00 and 8.00\u00A0Gbit/s"));
}

TEST(BarChart, GivesSharesOfTheLimits) {
  const std::string chart = chart_of({row("wgu", {6e9}), row("null cipher", {8e9}), row("veth", {10e9})});
  EXPECT_TRUE(has(chart, ">60\u00A0%<"));
  EXPECT_TRUE(has(chart, ">75\u00A0%<"));
  EXPECT_TRUE(has(chart, ">80\u00A0%<")) << "what the I/O path alone is of the wire";
  EXPECT_FALSE(has(chart, ">125\u00A0%<")) << "the farther limit in terms of the nearer";
  EXPECT_EQ(count(chart, R"(class="ceiling")"), 6u) << "two lines through each of three bars";
}

TEST(BarChart, GivesMultiplesOfTheLimitWhereLessIsBetter) {
  const std::string chart = chart_of({row("wgu", {100e-6}, false), row("veth", {20e-6}, false)});
  EXPECT_TRUE(has(chart, ">5.00×<"));
}

TEST(BarChart, HasNoWhiskerForOneSampleAndNoBarForNone) {
  const std::string chart = chart_of({row("wgu", {1e9}), row("peer", {})});
  EXPECT_FALSE(has(chart, "whisker"));
  EXPECT_EQ(count(chart, R"(class="fill )"), 1u);
  EXPECT_TRUE(has(chart, "no samples"));
  EXPECT_TRUE(has(chart, "one sample"));
}

TEST(BarChart, SaysInWordsWhatLimitedARow) {
  Row limited = row("wgu", {1e9});
  limited.limit = Limit::kGenerator;
  limited.note = "saturated in 2 of 5 rounds";
  const std::string chart = chart_of({limited});
  EXPECT_TRUE(has(chart, "limited by: generator; saturated in 2 of 5 rounds"));
  EXPECT_TRUE(has(chart, R"(<span class="bound">generator</span>)"));
  EXPECT_FALSE(has(chart_of({row("wgu", {1e9})}), "limited by")) << "no empty column";
}

TEST(BarChart, OfZerosIsASentence) {
  const std::string chart = chart_of({row("wgu", {0, 0}), row("peer", {0})});
  EXPECT_TRUE(has(chart, "Zero in every round of all 2."));
  EXPECT_FALSE(has(chart, "<svg"));
}

TEST(BarChart, DrawsNegativeValuesOnTheirSideOfZero) {
  const std::string chart = chart_of({row("wgu", {-2}), row("peer", {2})});
  EXPECT_TRUE(has(chart, R"(<rect class="fill ours-1" x="0%" width="50%")"));
  EXPECT_TRUE(has(chart, R"(<rect class="fill peer-1" x="50%" width="50%")"));
}

}  // namespace
}  // namespace wgu::bench
