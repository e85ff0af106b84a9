// What the compiler does not check of the tables: that names are such as Prometheus, OpenMetrics and promtool's lint accept.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include "wgu/stats.h"

namespace wgu {
namespace {

bool is_snake_case(std::string_view name) {
  return !name.empty() && std::islower(static_cast<unsigned char>(name.front())) &&
         std::all_of(name.begin(), name.end(), [](char c) { return c == '_' || std::islower(static_cast<unsigned char>(c)); });
}

bool has_token(std::string_view name, std::string_view token) {
  return ("_" + std::string(name) + "_").find("_" + std::string(token) + "_") != std::string::npos;
}

// promlint: units other than base units, and abbreviations.
constexpr std::string_view kForbiddenTokens[] = {"ms",           "us",    "ns",      "s",     "sec",        "b",
                                                 "kb",           "mb",    "bits",    "m",     "minutes",    "milliseconds",
                                                 "microseconds", "hours", "counter", "gauge", "nanoseconds"};

template <class Table>
void expect_well_formed(const Table& table, std::string_view prefix) {
  std::set<std::string> keys, series, closed;
  std::string family;
  for (const auto& row : table) {
    const std::string name(row.family.name);
    EXPECT_TRUE(keys.emplace(row.key).second) << row.key;
    EXPECT_TRUE(is_snake_case(row.key)) << row.key;
    EXPECT_TRUE(is_snake_case(name)) << name;
    EXPECT_EQ(name.rfind(prefix, 0), 0U) << name;
    for (const std::string_view token : kForbiddenTokens) EXPECT_FALSE(has_token(name, token)) << name << ": " << token;
    for (const std::string_view ending : {"_total", "_count", "_sum", "_bucket", "_info"}) EXPECT_FALSE(name.ends_with(ending)) << name;
    EXPECT_TRUE(row.family.unit.empty() || name.ends_with("_" + std::string(row.family.unit))) << name;
    EXPECT_EQ(row.family.help.find('.'), row.family.help.size() - 1) << row.family.help;  // one sentence
    EXPECT_EQ(row.label.name.empty(), row.label.value.empty()) << row.key;
    EXPECT_TRUE(series.insert(name + "{" + std::string(row.label.name) + "=" + std::string(row.label.value)).second) << row.key;
    if (name != family) {
      EXPECT_TRUE(closed.insert(name).second) << name << " does not stand together";
      family = name;
    } else {
      EXPECT_FALSE(row.label.name.empty()) << row.key;
    }
  }
}

TEST(CounterTable, NamesAreWellFormedAndFamiliesStandTogether) {
  expect_well_formed(counter_table(), "wgu_");
  expect_well_formed(peer_counter_table(), "wgu_peer_");
}

TEST(CounterTable, RowsOfAFamilyShareAllButTheLabel) {
  const CounterInfo* before = nullptr;
  for (const CounterInfo& row : counter_table()) {
    if (before != nullptr && before->family.name == row.family.name) {
      EXPECT_EQ(before->family.help, row.family.help) << row.key;
      EXPECT_EQ(before->family.type, row.family.type) << row.key;
      EXPECT_EQ(before->family.unit, row.family.unit) << row.key;
      EXPECT_EQ(before->label.name, row.label.name) << row.key;
    }
    before = &row;
  }
}

TEST(CounterTable, GaugesAndPeaksAreWhatTheyAreCalled) {
  for (const CounterInfo& row : counter_table()) {
    EXPECT_EQ(row.family.type == MetricType::kPeak, row.key.ends_with("_peak")) << row.key;
    EXPECT_EQ(row.family.type == MetricType::kPeak, row.family.name.ends_with("_peak")) << row.key;
    EXPECT_EQ(row.scale == 1e-9, row.key.ends_with("_nanoseconds")) << row.key;
  }
}

TEST(CounterTable, RowsLeadToTheirMembers) {
  Counters counters;
  counters.data_bytes_sent = 77;
  for (const CounterInfo& row : counter_table()) EXPECT_EQ(counters.*row.member, row.key == "data_bytes_sent" ? 77U : 0U) << row.key;
}

TEST(RekeyCauseTable, HasOneWellFormedRowACause) {
  std::set<std::string_view> names;
  for (const RekeyCauseInfo& row : rekey_cause_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(is_snake_case(row.name)) << row.name;
    EXPECT_EQ(row.help.find('.'), row.help.size() - 1) << row.help;
  }
  EXPECT_EQ(rekey_cause_table()[static_cast<std::size_t>(RekeyCause::kNoAnswer)].name, "no_answer");
}

}  // namespace
}  // namespace wgu
