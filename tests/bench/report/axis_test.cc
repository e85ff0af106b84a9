#include "bench/report/axis.h"

#include <gtest/gtest.h>

#include <cmath>

namespace wgu::bench {
namespace {

using Labels = std::vector<std::string>;

TEST(ValueAxis, IsInOneUnitFromZero) {
  const double values[] = {1.2e9, 9.2e9};
  const Axis axis = value_axis(values, "bit/s", "Throughput");
  EXPECT_EQ(axis.title, "Throughput, Gbit/s");
  EXPECT_EQ(axis.labels, (Labels{"0", "2", "4", "6", "8", "10"}));
  EXPECT_DOUBLE_EQ(axis.position(5e9), 0.5);
}

TEST(ValueAxis, IsLogarithmicWhereValuesAreFarApartAndSaysSo) {
  const double values[] = {25e-6, 4e-3};
  const Axis axis = value_axis(values, "s", "Latency");
  EXPECT_EQ(axis.title, "Latency (logarithmic)");
  EXPECT_EQ(axis.labels,
            (Labels{"20\u00A0µs", "50\u00A0µs", "100\u00A0µs", "200\u00A0µs", "500\u00A0µs", "1\u00A0ms", "2\u00A0ms", "5\u00A0ms"}));
  EXPECT_NEAR(axis.position(20e-6), 0, 1e-9);
  EXPECT_NEAR(axis.position(5e-3), 1, 1e-9);
}

TEST(ValueAxis, NamesAUnitThatAllTicksShareOnce) {
  const double values[] = {0.25, 40};
  const Axis axis = value_axis(values, "s/GB", "CPU time");
  EXPECT_EQ(axis.title, "CPU time, s/GB (logarithmic)");
  EXPECT_EQ(axis.labels, (Labels{"0.2", "0.5", "1", "2", "5", "10", "20", "50"}));
}

TEST(ValueAxis, IsLinearWithAZeroAmongTheValues) {
  const double values[] = {0, 1e-9, 1};
  EXPECT_EQ(value_axis(values, "s", "Latency").labels.front(), "0");
}

TEST(LossAxis, TellsNoLossFromLittle) {
  const double values[] = {0, 0.0002, 0.3};
  const Axis axis = loss_axis(values, "Packets lost");
  EXPECT_EQ(axis.labels, (Labels{"0", "0.01", "0.1", "1", "10", "100"}));
  EXPECT_DOUBLE_EQ(axis.position(0), 0);
  EXPECT_GT(axis.position(0.0002), 0.2);
  const double none[] = {0, 0};
  EXPECT_EQ(loss_axis(none, "Packets lost").labels.front(), "0");
}

TEST(PercentileAxis, NamesPercentiles) {
  const double values[] = {50, 99.9, 100};
  EXPECT_EQ(percentile_axis(values).labels, (Labels{"p50", "p90", "p99", "p99.9", "max"}));
  const double only_maximum[] = {100};
  EXPECT_EQ(percentile_axis(only_maximum).labels.back(), "max");
}

TEST(ParameterAxis, NamesTheValuesThemselves) {
  const double values[] = {1424, 64, 64, 256};
  EXPECT_EQ(parameter_axis(values, "bytes").labels, (Labels{"64", "256", "1424"}));
}

TEST(SequenceAxis, NamesRuns) {
  const std::string days[] = {"a", "b", "c"};
  EXPECT_EQ(sequence_axis(days).labels, (Labels{"a", "b", "c"}));
}

TEST(Axes, HaveALabelForEachTickAndNoNonsenseForNothing) {
  for (const Axis& axis : {value_axis({}, "s", "x"), loss_axis({}, "x"), percentile_axis({}), parameter_axis({}, "x"), sequence_axis({})}) {
    EXPECT_EQ(axis.labels.size(), axis.scale.ticks().size());
    for (const std::string& label : axis.labels) EXPECT_EQ(label.find("nan"), std::string::npos);
    EXPECT_TRUE(std::isfinite(axis.position(1)));
  }
}

}  // namespace
}  // namespace wgu::bench
