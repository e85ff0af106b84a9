#include "bench/micro/measured_rows.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace wgu::bench {
namespace {

MeasuredRow measured(const std::string& name, std::vector<double> nanoseconds, std::uint64_t order = 0) {
  MeasuredRow row{name};
  row.nanoseconds = std::move(nanoseconds);
  row.order = order;
  return row;
}

TEST(ResultRows, AnAeadRowsSubjectIsItsTable) {
  const std::vector<Row> rows = result_rows(std::vector{measured("aead/seal/openssl/bytes:1424/batch:64", {500, 250})});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].name, "aead/seal/bytes:1424/batch:64");
  EXPECT_EQ(rows[0].subject, "openssl");
  EXPECT_EQ(rows[0].metric, "cpu_time");
  EXPECT_EQ(rows[0].unit, "s");
  EXPECT_FALSE(rows[0].higher_is_better);
  EXPECT_EQ(rows[0].samples, (std::vector{500e-9, 250e-9}));
  EXPECT_EQ(result_rows(std::vector{measured("aead/open/avx2/bytes:imix/batch:64", {1})})[0].name, "aead/open/bytes:imix/batch:64");
}

TEST(ResultRows, AllOthersAreOurs) {
  const std::vector<Row> rows = result_rows(std::vector{measured("replay/in_order", {2})});
  EXPECT_EQ(rows[0].name, "replay/in_order");
  EXPECT_EQ(rows[0].subject, "wgu");
}

TEST(ResultRows, WhatFailedIsLeftOutAndSaysWhy) {
  MeasuredRow failed = measured("b", {3});
  failed.error = "refused";
  const std::vector rows = {measured("a", {1}), failed, measured("c", {})};
  EXPECT_EQ(result_rows(rows).size(), 1U);
  EXPECT_EQ(rows_left_out(rows), (std::vector<std::pair<std::string, std::string>>{{"b", "refused"}, {"c", "was not measured"}}));
}

TEST(RoundLine, ComesBackAsItWas) {
  MeasuredRow row = measured("shard/x", {1.0 / 3}, (std::uint64_t{7} << 32) + 1);
  row.label = "avx2";
  row.bytes_per_item = 1424;
  const std::string line = format_line(row);
  ASSERT_EQ(line.back(), '\n');
  EXPECT_EQ(*parse_line(line.substr(0, line.size() - 1)), row);
}

TEST(RoundLine, OfAFailureHasNoSample) {
  MeasuredRow row{"a"};
  row.error = "two\nlines\tand a tab";
  const std::string line = format_line(row);
  const MeasuredRow read = *parse_line(line.substr(0, line.size() - 1));
  EXPECT_EQ(read.error, "two lines and a tab");
  EXPECT_TRUE(read.nanoseconds.empty());
}

TEST(RoundLine, AnythingElseIsRefused) {
  for (const char* line : {"", "a", "0\ta\t\t\t1", "0\ta\t\t\t1\t2\t3", "0\t\t\t\t1\t2", "x\ta\t\t\t1\t2", "0\ta\t\t\tnan\t2",
                           "0\ta\t\t\t1\t2x", "-1\ta\t\t\t1\t2"}) {
    EXPECT_EQ(parse_line(line).error().code, EINVAL) << line;
  }
}

TEST(Append, CollectsRoundsInTheOrderOfRegistration) {
  std::vector<MeasuredRow> rows;
  for (const auto& each :
       {measured("c", {1}, 3), measured("a", {2}, 1), measured("b", {3}, 2), measured("a", {4}, 1), measured("c", {5}, 3)}) {
    append(rows, each);
  }
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0], measured("a", {2, 4}, 1));
  EXPECT_EQ(rows[1], measured("b", {3}, 2));
  EXPECT_EQ(rows[2], measured("c", {1, 5}, 3));
}

TEST(Append, ARowThatFailedOnceStaysFailed) {
  std::vector<MeasuredRow> rows = {measured("a", {1})};
  MeasuredRow failed{"a"};
  failed.error = "refused";
  append(rows, failed);
  append(rows, measured("a", {2}));
  EXPECT_EQ(rows[0].error, "refused");
  EXPECT_TRUE(result_rows(rows).empty());
}

TEST(FormatRows, HasTheMedianAndTheRatios) {
  const std::vector rows = {measured("aead/seal/avx2/bytes:64/batch:1", {100, 120, 110}),
                            measured("aead/seal/libsodium/bytes:64/batch:1", {220, 220, 220})};
  const std::string text = format_rows(rows, std::vector<std::string>{"libsodium"});
  EXPECT_NE(text.find("110.0"), std::string::npos) << text;
  EXPECT_NE(text.find("100.0..120.0"), std::string::npos) << text;
  EXPECT_NE(text.find("2.00 (1.83..2.20)"), std::string::npos) << text;
}

}  // namespace
}  // namespace wgu::bench
