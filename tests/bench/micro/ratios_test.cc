#include "bench/micro/ratios.h"

#include <gtest/gtest.h>

namespace wgu::bench {
namespace {

AeadRow row(const std::string& table, Operation operation = Operation::kSeal, std::uint32_t bytes = 64, std::uint32_t batch = 64) {
  return {operation, bytes, batch, table};
}

const std::vector<std::string> kComparators = {"libsodium", "openssl"};

TEST(Ratios, CompareTheKernelWithTheLeastMedian) {
  const AeadSamples samples = {
      {row("portable"), {300, 310, 290}},
      {row("avx2"), {80, 50, 500}},  // median 80: one bad repetition does not decide
      {row("avx512"), {90, 90, 90}},
      {row("libsodium"), {320, 300, 1000}},
  };
  const auto table = ratios(samples, kComparators);
  ASSERT_EQ(table.size(), 1U);
  EXPECT_EQ(table[0].ours, row("avx2"));
  EXPECT_EQ(table[0].nanoseconds, 80);
  ASSERT_EQ(table[0].faster_than.size(), 1U);
  EXPECT_EQ(table[0].faster_than.at("libsodium"), (Spread{4, 2, 6}));  // 320/80, 300/50, 1000/500
}

TEST(Ratios, KeepOperationsLengthsAndBatchesApart) {
  const AeadSamples samples = {
      {row("avx2"), {10}},
      {row("openssl"), {20}},
      {row("avx2", Operation::kOpen), {10}},
      {row("openssl", Operation::kOpen), {30}},
      {row("avx2", Operation::kSeal, 128), {10}},
      {row("openssl", Operation::kSeal, 128), {40}},
      {row("avx2", Operation::kSeal, 64, 1), {10}},
      {row("openssl", Operation::kSeal, 64, 1), {50}},
  };
  const auto table = ratios(samples, kComparators);
  ASSERT_EQ(table.size(), 4U);
  EXPECT_EQ(table[0].faster_than.at("openssl").median, 5);  // seal 64 batch 1
  EXPECT_EQ(table[1].faster_than.at("openssl").median, 2);  // seal 64 batch 64
  EXPECT_EQ(table[2].faster_than.at("openssl").median, 4);  // seal 128 batch 64
  EXPECT_EQ(table[3].faster_than.at("openssl").median, 3);  // open
}

TEST(Ratios, LeaveOutWhatDidNotRun) {
  EXPECT_TRUE(ratios({{row("libsodium"), {100}}}, kComparators).empty());
  EXPECT_TRUE(ratios({{row("avx2"), {}}, {row("libsodium"), {100}}}, kComparators).empty());
  const auto alone = ratios({{row("avx2"), {10}}, {row("openssl"), {}}}, kComparators);
  ASSERT_EQ(alone.size(), 1U);
  EXPECT_TRUE(alone[0].faster_than.empty());
}

TEST(Ratios, ArePrintedWithADashWhereAComparatorIsMissing) {
  const AeadSamples samples = {{row("avx2", Operation::kSeal, kImix), {70.04}}, {row("libsodium", Operation::kSeal, kImix), {280.16}}};
  const std::string text = format_ratios(ratios(samples, kComparators), kComparators);
  EXPECT_EQ(text,
            "      bytes batch  ours      ns/packet             libsodium               openssl\n"
            "seal   imix    64  avx2           70.0     4.00 (4.00..4.00)                     -\n");
}

}  // namespace
}  // namespace wgu::bench
