#include "bench/tunnel/table.h"

#include <gtest/gtest.h>

namespace wgu::bench {
namespace {

std::string line_of(const std::string& table, const std::string& begin) {
  const std::size_t at = table.find("\n  " + begin);
  return at == std::string::npos ? "" : table.substr(at + 1, table.find('\n', at + 1) - at - 1);
}

Row throughput(const std::string& subject, std::vector<double> samples, Limit limit) {
  return {"tcp/streams:1/forward", subject, "throughput", "bit/s", true, std::move(samples), limit, ""};
}

TEST(Table, HasSharesOfTheLimitsAndRatios) {
  Results results;
  results.rows = {throughput("veth", {20e9, 22e9, 18e9}, Limit::kGenerator), throughput("null cipher", {10e9}, Limit::kCpu),
                  throughput("wgu", {5e9, 4e9, 6e9}, Limit::kCpu), throughput("other", {1e9}, Limit::kCpu)};
  results.rows.push_back({"tcp/streams:1/forward", "wgu", "cpu_seconds_per_gb", "s/GB", false, {2}, Limit::kCpu, ""});
  results.left_out = {{"ghost", "it is not there"}};
  const std::string table = format_table(results);
  const std::string wgu = line_of(table, "wgu");
  EXPECT_NE(wgu.find("5.00 Gbit/s"), std::string::npos) << table;
  EXPECT_NE(wgu.find("4.00 Gbit/s .. 6.00 Gbit/s"), std::string::npos) << table;
  EXPECT_NE(wgu.find(" 25 % "), std::string::npos) << "of the bare wire\n" << table;
  EXPECT_NE(wgu.find(" 50 % "), std::string::npos) << "of the null cipher\n" << table;
  EXPECT_NE(wgu.find("cpu_seconds_per_gb 2.00 s/GB"), std::string::npos) << table;
  EXPECT_NE(wgu.find(" cpu "), std::string::npos) << table;
  EXPECT_NE(line_of(table, "other").find("5.00x"), std::string::npos) << table;
  EXPECT_NE(line_of(table, "veth").find("generator"), std::string::npos) << table;
  EXPECT_EQ(line_of(table, "veth").find('%'), std::string::npos) << "a limit is no share of the nearer one\n" << table;
  EXPECT_NE(table.find("ghost: it is not there"), std::string::npos) << table;
}

TEST(Table, OfWhatIsBetterWhenLessItSaysHowManyTimesTheLimitItIs) {
  Results results;
  results.rows = {{"latency/idle", "veth", "latency_p50", "s", false, {40e-6}, Limit::kWakeUps, ""},
                  {"latency/idle", "wgu", "latency_p50", "s", false, {100e-6}, Limit::kWakeUps, ""},
                  {"memory/after_load", "null cipher", "resident", "B", false, {1000}, Limit::kNothing, ""},
                  {"memory/after_load", "wgu", "resident", "B", false, {3000}, Limit::kNothing, ""}};
  const std::string table = format_table(results);
  EXPECT_NE(line_of(table, "wgu").find("2.50x"), std::string::npos) << table;
  EXPECT_NE(table.find("wake-ups"), std::string::npos) << table;
  EXPECT_NE(table.find("nothing"), std::string::npos) << table;
  EXPECT_EQ(table.find("3.00x"), std::string::npos) << "memory has no limit\n" << table;
}

TEST(Table, RatioOfWhatIsBetterWhenLessIsTurnedAround) {
  Results results;
  results.rows = {{"latency/idle", "wgu", "latency_p50", "s", false, {100e-6}, Limit::kUnknown, ""},
                  {"latency/idle", "other", "latency_p50", "s", false, {250e-6}, Limit::kUnknown, "a note"}};
  const std::string table = format_table(results);
  EXPECT_NE(line_of(table, "other").find("2.50x"), std::string::npos) << table;
  EXPECT_NE(table.find("a note"), std::string::npos) << table;
}

}  // namespace
}  // namespace wgu::bench
