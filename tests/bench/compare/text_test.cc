#include "bench/compare/text.h"

#include <gtest/gtest.h>

namespace wgu::bench {
namespace {

Results run(double level) {
  Results results;
  results.begun = "2026-11-23T10:00:00Z";
  results.environment = {{"wgu", "0.1.0 (Release)"}, {"build", "0123456789abcdef"}};
  results.references = {"veth"};
  const auto add = [&](const std::string& name, const std::string& subject, double value, std::size_t samples) {
    Row row{name, subject, "cpu_time", "s", false};
    for (std::size_t i = 0; i < samples; ++i) row.samples.push_back(value * (1 + 0.001 * static_cast<double>(i * 5 % 12)));
    results.rows.push_back(row);
  };
  add("moves", "wgu", level, 12);
  add("stays", "wgu", 1, 12);
  add("short", "wgu", 1, 5);
  for (int i = 0; i < 5; ++i) add("wire" + std::to_string(i), "veth", 1, 12);
  return results;
}

std::string text(double level, Shown shown) {
  const Results base = run(1), next = run(level);
  const Criteria criteria;
  return format_comparison(compare(base, next, criteria), base, next, criteria, shown);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(ComparisonText, SaysPerRowWhatWasFound) {
  const std::string all = text(1.5, Shown::kEveryRow);
  EXPECT_TRUE(has(all, "base  2026-11-23T10:00:00Z, 0.1.0 (Release), build 0123456789ab, 8 rows")) << all;
  EXPECT_TRUE(has(all, "5 references say that the machine moved by +0.0 %")) << all;
  EXPECT_TRUE(has(all, "WORSE")) << all;
  EXPECT_TRUE(has(all, "no significant difference")) << all;
  EXPECT_TRUE(has(all, "cannot tell: 5 samples; at least 10 are needed")) << all;
  EXPECT_TRUE(has(all, "1.500 (")) << all;
  EXPECT_TRUE(has(all, " 1.01 s ")) << all;
  EXPECT_TRUE(has(all, " 1.51 s ")) << all;
  EXPECT_TRUE(has(all, "1 rows worse, 0 better, 1 without significant difference, 1 that cannot tell")) << all;
  EXPECT_TRUE(has(text(0.5, Shown::kEveryRow), "better\n"));
}

TEST(ComparisonText, OfDifferencesLeavesTheOthersOut) {
  const std::string differing = text(1.5, Shown::kDifferences);
  EXPECT_TRUE(has(differing, "moves"));
  EXPECT_FALSE(has(differing, "stays")) << differing;
  EXPECT_FALSE(has(differing, "wire0")) << differing;
}

TEST(ComparisonText, SaysWhenNothingTellsTheMachineFromUs) {
  Results base = run(1), next = run(1);
  base.references.clear();
  EXPECT_TRUE(has(format_comparison(compare(base, next, {}), base, next, {}, Shown::kDifferences), "no references, so that nothing tells"));
}

}  // namespace
}  // namespace wgu::bench
