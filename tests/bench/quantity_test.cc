#include "bench/quantity.h"

#include <gtest/gtest.h>

#include <cmath>

namespace wgu::bench {
namespace {

// With ordinary spaces instead of the narrow and the unbreakable.
std::string plain(std::string text) {
  for (const std::string_view space : {"\u202F", "\u00A0"}) {
    for (std::size_t at; (at = text.find(space)) != std::string::npos;) text.replace(at, space.size(), " ");
  }
  return text;
}

TEST(FormatNumber, HasThreeDigitsThatMeanSomething) {
  const std::pair<double, const char*> rows[] = {{0, "0"},
                                                 {1, "1.00"},
                                                 {9.214, "9.21"},
                                                 {9.996, "10.0"},
                                                 {99.96, "100"},
                                                 {163.4, "163"},
                                                 {999.4, "999"},
                                                 {999.6, "1 000"},
                                                 {1234, "1 230"},
                                                 {12345, "12 300"},
                                                 {1234567, "1 230 000"},
                                                 {0.5, "0.500"},
                                                 {0.00123, "0.00123"},
                                                 {0.000123, "0.000123"},
                                                 {1.234e-5, "1.23×10⁻⁵"},
                                                 {1e-300, "1.00×10⁻³⁰⁰"},
                                                 {2.5e12, "2.50×10¹²"},
                                                 {1.7e308, "1.70×10³⁰⁸"},
                                                 {-42.04, "-42.0"},
                                                 {-12345, "-12 300"}};
  for (const auto& [value, expected] : rows) EXPECT_EQ(plain(format_number(value)), expected) << value;
  EXPECT_EQ(format_number(std::nan("")), "not a number");
}

TEST(FormatQuantity, ChoosesTheUnit) {
  struct Case {
    double value;
    const char* unit;
    const char* expected;
  };
  const Case cases[] = {{9.21e9, "bit/s", "9.21 Gbit/s"},
                        {999.7e3, "bit/s", "1.00 Mbit/s"},
                        {5, "bit/s", "5.00 bit/s"},
                        {163e3, "packet/s", "163 kpps"},
                        {96.4e-6, "s", "96.4 µs"},
                        {430e-9, "s", "430 ns"},
                        {0.0033, "s", "3.30 ms"},
                        {7200, "s", "7 200 s"},
                        {5e-12, "s", "0.00500 ns"},
                        {33554432, "B", "32.0 MiB"},
                        {512, "B", "512 B"},
                        {0.58, "s/GB", "0.580 s/GB"},
                        {12300, "handshake/s", "12.3 k handshake/s"},
                        {3, "handshake/s", "3.00 handshake/s"},
                        {0.0123, "fraction", "1.23 %"},
                        {1.5, "1", "1.50"},
                        {2, "<b>", "2.00 <b>"},
                        {-2e9, "bit/s", "-2.00 Gbit/s"},
                        {0, "s", "0 s"}};
  for (const Case& each : cases) EXPECT_EQ(plain(format_quantity(each.value, each.unit)), each.expected);
}

TEST(FormatPlainly, IsAscii) {
  EXPECT_EQ(format_plainly(1.53e9, "bit/s"), "1.53 Gbit/s");
  EXPECT_EQ(format_plainly(48.1e-6, "s"), "48.1 us");
  EXPECT_EQ(format_plainly(12.5 * 1024 * 1024, "B"), "12.5 MiB");
  EXPECT_EQ(format_plainly(12345, "s/GB"), "12 300 s/GB");
  EXPECT_EQ(format_plainly(0, "B"), "0 B");
  EXPECT_EQ(format_plainly(0.0021, kFraction), "0.210 %");
  for (const double value : {1e-300, 2.5e-5, 1.7e308, -3e15}) {
    for (const char c : format_plainly(value, "core")) EXPECT_TRUE(c >= ' ' && c <= '~') << format_plainly(value, "core");
  }
}

TEST(FormatQuantity, KeepsOneUnitForAChart) {
  const DisplayUnit unit = display_unit("bit/s", 9.2e9);
  EXPECT_EQ(plain(format_quantity(196e6, unit)), "0.196 Gbit/s");
}

TEST(FormatShare, IsAWholePerCentWhereThatIsEnough) {
  EXPECT_EQ(plain(format_share(0.61)), "61 %");
  EXPECT_EQ(plain(format_share(0.021)), "2.1 %");
  EXPECT_EQ(plain(format_share(2.28)), "228 %");
  EXPECT_EQ(plain(format_share(0.00012)), "0.0120 %");
  EXPECT_EQ(plain(format_share(0)), "0 %");
}

TEST(FormatDuration, IsInWordsOfAClock) {
  EXPECT_EQ(plain(format_duration(4.25)), "4.25 s");
  EXPECT_EQ(plain(format_duration(498)), "8 min 18 s");
  EXPECT_EQ(plain(format_duration(3600 * 5 + 119)), "5 h 1 min");
  EXPECT_EQ(plain(format_duration(std::nan(""))), "an unknown time");
  EXPECT_EQ(plain(format_duration(1e300)).substr(0, 4), "2.78");
}

TEST(UnitOf, ReadsLossesAsPerCent) {
  EXPECT_EQ(unit_of("1", "loss"), kFraction);
  EXPECT_EQ(unit_of("1", "reordered_share"), kFraction);
  EXPECT_EQ(unit_of("1", "retransmits"), kFraction);
  EXPECT_EQ(unit_of("1", "data_kept"), kFraction);
  EXPECT_EQ(unit_of("1", "wakeups_per_packet"), "1");
  EXPECT_EQ(unit_of("s", "loss_duration"), "s");
}

TEST(Titles, AreForPeople) {
  EXPECT_EQ(metric_title("cpu_seconds_per_gb"), "CPU time per gigabyte");
  EXPECT_EQ(metric_title("latency_p99.9"), "Latency, p99.9");
  EXPECT_EQ(metric_title("made_up_metric"), "Made up metric");
  EXPECT_EQ(metric_title(""), "");
  EXPECT_EQ(name_title("tcp/streams:1/forward"), "tcp · streams 1 · forward");
  EXPECT_EQ(limit_title(Limit::kUnknown), "");
  for (std::size_t i = 1; i < kLimits; ++i) EXPECT_NE(limit_title(static_cast<Limit>(i)), "") << i;
}

}  // namespace
}  // namespace wgu::bench
