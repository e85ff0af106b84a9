#include "bench/traffic/self_test.h"

#include <gtest/gtest.h>

namespace wgu::bench {
namespace {

UdpSent sent_of(std::uint64_t sent, std::uint64_t unsent = 0, std::uint64_t failed = 0) {
  UdpSent result;
  result.sent = sent;
  result.unsent = unsent;
  result.failed = failed;
  result.intended = sent + unsent + failed;
  return result;
}

UdpReceived received_of(std::uint64_t received, std::uint64_t overflowed = 0) {
  UdpReceived result;
  result.received = received;
  result.overflowed = overflowed;
  return result;
}

// The rule of self_test.h, row by row. Rate 0: as fast as possible.
TEST(IsGeneratorLimited, FollowsItsRule) {
  const struct {
    const char* what;
    UdpSent sent;
    UdpReceived received;
    double rate;
    bool expected;
  } rows[] = {
      {"all went well", sent_of(10'000), received_of(10'000), 1000, false},
      {"lost on the way", sent_of(10'000), received_of(9000), 1000, false},
      {"unsent, nothing lost", sent_of(9900, 100), received_of(9900), 1000, true},
      {"failed in the kernel, nothing lost", sent_of(9900, 0, 100), received_of(9900), 1000, true},
      {"unsent, but within a thousandth", sent_of(9990, 10), received_of(9990), 1000, false},
      {"unsent, more lost on the way", sent_of(9900, 100), received_of(9000), 1000, false},
      {"as fast as possible, all arrived", sent_of(10'000), received_of(9990), 0, true},
      {"as fast as possible, some lost", sent_of(10'000), received_of(9900), 0, false},
      {"the sink overflowed", sent_of(10'000), received_of(9000, 800), 1000, true},
      {"the sink overflowed, as fast as possible", sent_of(10'000), received_of(5000, 5000), 0, true},
      {"the sink overflowed a little", sent_of(10'000), received_of(9000, 300), 0, false},
      {"drops of others at the sink", sent_of(10'000), received_of(10'000, 50), 1000, false},
  };
  for (const auto& row : rows) EXPECT_EQ(is_generator_limited(row.sent, row.received, row.rate), row.expected) << row.what;
}

TEST(SelfTest, MeasuresBothEndsOverLoopback) {
  const SelfTest result = run_self_test({.duration = kSecond / 10}).value();
  EXPECT_GT(result.sent.sent, 1000U);
  EXPECT_EQ(result.received.received + result.received.overflowed, result.sent.sent);
  EXPECT_GT(result.sent_rate(), 10'000);
  EXPECT_GE(result.sent_rate(), result.received_rate());
  EXPECT_GT(result.sent.time.busy_share(), 0);
  EXPECT_GT(result.received.time.busy_share(), 0);
  EXPECT_NE(result.summary().find("64 B"), std::string::npos) << result.summary();
  EXPECT_TRUE(is_generator_limited(result.sent, result.received, 0));  // there is nothing else in between
}

TEST(SelfTest, MeasuresIPv6AsWell) {
  const SelfTest result = best_self_test({.duration = kSecond / 50, .family = Family::kIpv6}).value();
  EXPECT_GT(result.received.received, 0U);
  EXPECT_NE(result.summary().find("IPv6, 64 B"), std::string::npos) << result.summary();
}

TEST(SelfTest, SendsTrainsWhenAsked) {
  const SelfTest result = run_self_test({.sizes = {1000}, .segments = 32, .duration = kSecond / 10}).value();
  EXPECT_EQ(result.sent.sent % 32, 0U);
  EXPECT_GT(result.received.received, 0U);
  EXPECT_LT(result.received.receives, result.received.received);
}

}  // namespace
}  // namespace wgu::bench
