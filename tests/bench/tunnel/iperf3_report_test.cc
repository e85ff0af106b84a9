// Texts as iperf3 3.12 writes them, cut to what matters.
#include "bench/tunnel/iperf3_report.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace wgu::bench {
namespace {

TEST(Iperf3Report, TcpCountsWhatArrived) {
  const auto report = parse_iperf3(R"({"start":{},"end":{"sum_sent":{"seconds":1.0,"bytes":2000},
      "sum_received":{"start":0,"seconds":1.25,"bytes":1000,"bits_per_second":6400}}})");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(*report, (Iperf3Report{1.25, 1000, 0, 0}));
}

TEST(Iperf3Report, UdpSubtractsWhatWasLost) {
  const auto report = parse_iperf3(R"({"end":{"sum":{"seconds":2.0,"bytes":6400,"packets":100,"lost_packets":25,"lost_percent":25}}})");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(*report, (Iperf3Report{2, 4800, 75, 25}));
}

TEST(Iperf3Report, FailureIsAnErrorInItsOwnWords) {
  const auto report = parse_iperf3(R"({"start":{},"end":{},"error":"unable to connect to server"})");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, EIO);
  EXPECT_NE(report.error().message.find("unable to connect"), std::string::npos);
  EXPECT_EQ(parse_iperf3("").error().code, EINVAL);
  EXPECT_EQ(parse_iperf3("[]").error().code, EINVAL);
  EXPECT_EQ(parse_iperf3(R"({"end":{"sum_received":{"seconds":"x"}}})").error().code, EINVAL);
}

}  // namespace
}  // namespace wgu::bench
