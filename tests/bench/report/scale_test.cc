#include "bench/report/scale.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace wgu::bench {
namespace {

using Ticks = std::vector<double>;

void expect_ticks(const Scale& scale, const Ticks& expected) {
  ASSERT_EQ(scale.ticks().size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(scale.ticks()[i], expected[i], std::abs(expected[i]) * 1e-9);
}

TEST(FromZero, EndsAtRoundNumbersAndBeginsAtZero) {
  expect_ticks(Scale::from_zero(0, 9.2), {0, 2, 4, 6, 8, 10});
  expect_ticks(Scale::from_zero(3, 9.2), {0, 2, 4, 6, 8, 10});
  expect_ticks(Scale::from_zero(0, 10), {0, 2, 4, 6, 8, 10});
  expect_ticks(Scale::from_zero(0, 0.3), {0, 0.1, 0.2, 0.3});
  expect_ticks(Scale::from_zero(0, 101), {0, 50, 100, 150});
  const Scale scale = Scale::from_zero(0, 9.2);
  EXPECT_DOUBLE_EQ(scale.position(0), 0);
  EXPECT_DOUBLE_EQ(scale.position(5), 0.5);
  EXPECT_DOUBLE_EQ(scale.position(10), 1);
}

TEST(FromZero, HasRoomForNegativeValues) {
  const Scale scale = Scale::from_zero(-3, 5);
  expect_ticks(scale, {-4, -2, 0, 2, 4, 6});
  EXPECT_DOUBLE_EQ(scale.position(0), 0.4);
}

TEST(FromZero, TakesWhateverANumberCanBe) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  const std::pair<double, double> ranges[] = {{0, 0},         {1e-320, 1e-310}, {0, 1e-300}, {0, 1.7e308}, {-1.7e308, 1.7e308},
                                              {0, kInfinite}, {std::nan(""), 1}};
  for (const auto& [least, greatest] : ranges) {
    const Scale scale = Scale::from_zero(least, greatest);
    EXPECT_GE(scale.ticks().size(), 2u);
    EXPECT_LE(scale.ticks().size(), 12u);
    for (const double value : {least, greatest, 0.0, kInfinite, -kInfinite, std::nan("")}) {
      EXPECT_GE(scale.position(value), 0);
      EXPECT_LE(scale.position(value), 1);
    }
  }
}

TEST(Logarithmic, EndsAtOneTwoFive) {
  expect_ticks(Scale::logarithmic(19, 480), {10, 20, 50, 100, 200, 500});
  expect_ticks(Scale::logarithmic(20, 500), {20, 50, 100, 200, 500});
  const Scale wide = Scale::logarithmic(3, 3e5);
  expect_ticks(wide, {10, 100, 1000, 10000, 100000});
  EXPECT_NEAR(wide.position(2), 0, 1e-12);
  EXPECT_NEAR(wide.position(5e5), 1, 1e-12);
  EXPECT_NEAR(wide.position(1000), 0.5, 1e-12);
  EXPECT_NEAR(Scale::logarithmic(1, 100).position(10), 0.5, 1e-12);
  EXPECT_EQ(Scale::logarithmic(1, 100).position(0), 0);
  EXPECT_EQ(Scale::logarithmic(1, 100).position(-1), 0);
}

TEST(Logarithmic, HasFewTicksHoweverFarItGoes) {
  const Scale scale = Scale::logarithmic(1e-300, 1e300);
  EXPECT_LE(scale.ticks().size(), 10u);
  EXPECT_GE(scale.ticks().size(), 3u);
}

TEST(LogarithmicWithZero, GivesZeroAPlaceBelowTheLowestDecade) {
  const Scale scale = Scale::logarithmic_with_zero(0.002, 80);
  expect_ticks(scale, {0, 0.001, 0.01, 0.1, 1, 10, 100});
  EXPECT_DOUBLE_EQ(scale.position(0), 0);
  EXPECT_NEAR(scale.position(0.001), 1.0 / 6, 1e-12);
  EXPECT_NEAR(scale.position(100), 1, 1e-12);
  EXPECT_LT(scale.position(0.0005), scale.position(0.001));
  EXPECT_GT(scale.position(0.0005), 0);
}

TEST(Percentile, GivesEachNineTheSameRoom) {
  const Scale scale = Scale::percentile(0, 99.9, false);
  expect_ticks(scale, {0, 50, 90, 99, 99.9});
  EXPECT_NEAR(scale.position(90), 1.0 / 3, 1e-9);
  EXPECT_NEAR(scale.position(99), 2.0 / 3, 1e-9);
  EXPECT_NEAR(scale.position(99.9), 1, 1e-9);
}

TEST(Percentile, HasAPlaceForTheMaximum) {
  const Scale scale = Scale::percentile(50, 99.99, true);
  expect_ticks(scale, {50, 90, 99, 99.9, 99.99, 100});
  EXPECT_DOUBLE_EQ(scale.position(100), 1);
  EXPECT_LT(scale.position(99.99), 0.95);
  EXPECT_NEAR(scale.position(99.9999), scale.position(99.99), 1e-12) << "beyond what it was made for";
}

TEST(Percentile, IsFineWithOneValue) {
  const Scale scale = Scale::percentile(50, 50, false);
  EXPECT_DOUBLE_EQ(scale.position(50), 0);
}

TEST(Through, NamesTheValuesThatHaveRoom) {
  const double sizes[] = {64, 128, 256, 512, 1024, 1424, 8192};
  const Scale scale = Scale::through(sizes);
  expect_ticks(scale, {64, 128, 256, 512, 1024, 8192});
  EXPECT_NEAR(scale.position(512) - scale.position(256), scale.position(128) - scale.position(64), 1e-12) << "logarithmic";
  const double streams[] = {1, 2, 3, 4};
  EXPECT_NEAR(Scale::through(streams).position(2), 1.0 / 3, 1e-12) << "linear: not far apart";
  const double one[] = {7};
  expect_ticks(Scale::through(one), {7});
}

TEST(Sequence, HasAMarginAndFewTicksWithTheLastAmongThem) {
  const Scale two = Scale::sequence(2);
  EXPECT_DOUBLE_EQ(two.position(0), 0.25);
  EXPECT_DOUBLE_EQ(two.position(1), 0.75);
  const Scale many = Scale::sequence(1000);
  EXPECT_LE(many.ticks().size(), 5u);
  EXPECT_EQ(many.ticks().back(), 999);
  EXPECT_LE(Scale::sequence(0).ticks().size(), 1u);
}

TEST(Every, IsMonotone) {
  const double sizes[] = {1, 10, 100};
  for (const Scale& scale : {Scale::from_zero(0, 100), Scale::logarithmic(1, 100), Scale::logarithmic_with_zero(0.01, 100),
                             Scale::percentile(0, 99.9, true), Scale::through(sizes), Scale::sequence(100)}) {
    double before = -1;
    for (const double value : {0.0, 0.005, 1.0, 2.0, 50.0, 90.0, 99.0, 100.0}) {
      EXPECT_GE(scale.position(value), before) << value;
      before = scale.position(value);
    }
  }
}

}  // namespace
}  // namespace wgu::bench
