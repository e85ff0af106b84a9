// Which counters a loop's report moves; that the loop reports, and the engine counts it once, stands in causes_test.cc.
#include "engine/arrival_counts.h"

#include <gtest/gtest.h>

namespace wgu::engine {
namespace {

TEST(ArrivalCounts, WhatIsLostBeforeAnyoneSawItHasArrivedAndIsDropped) {
  io::Arrivals arrivals;
  arrivals.truncated_device_packets = 1;
  arrivals.unplaced_device_packets = 2;
  arrivals.malformed_device_reads = 4;
  arrivals.truncated_datagrams = 8;
  arrivals.unplaced_datagrams = 16;
  Counters counters;
  for (std::uint64_t times = 1; times <= 2; ++times) {
    count_arrivals(arrivals, counters);
    EXPECT_EQ(counters.device_packets_received, 7 * times);
    EXPECT_EQ(counters.datagrams_received, 24 * times);
    EXPECT_EQ(counters.dropped(Drop::kOutTooLong), 1 * times);
    EXPECT_EQ(counters.dropped(Drop::kOutPoolExhausted), 2 * times);
    EXPECT_EQ(counters.dropped(Drop::kOutMalformed), 4 * times);
    EXPECT_EQ(counters.dropped(Drop::kInTruncated), 8 * times);
    EXPECT_EQ(counters.dropped(Drop::kInPoolExhausted), 16 * times);
    EXPECT_EQ(counters.dropped(Direction::kOutbound), 7 * times);
    EXPECT_EQ(counters.dropped(Direction::kInbound), 24 * times);
  }
}

TEST(ArrivalCounts, WhatTheDeviceRefusedIsTakenBack) {
  Counters counters;
  counters.device_packets_sent = 10;
  counters.device_bytes_sent = 1000;
  io::Arrivals arrivals;
  arrivals.write_failures = 3;
  arrivals.write_failure_bytes = 300;
  count_arrivals(arrivals, counters);
  EXPECT_EQ(counters.device_packets_sent, 7U);
  EXPECT_EQ(counters.device_bytes_sent, 700U);
  EXPECT_EQ(counters.dropped(Drop::kInDeviceWriteFailed), 3U);
}

TEST(ArrivalCounts, EachOperationHasItsOwn) {
  io::Arrivals arrivals;
  arrivals.device_reads = 1;
  arrivals.device_writes = 2;
  arrivals.super_packets_read = 3;
  arrivals.super_packets_written = 4;
  arrivals.socket_receives = 5;
  arrivals.socket_sends = 6;
  arrivals.trains_received = 7;
  arrivals.trains_sent = 8;
  arrivals.refused_trains = 9;
  arrivals.starved_device_reads = 10;
  arrivals.starved_socket_reads = 11;
  Counters counters;
  count_arrivals(arrivals, counters);
  EXPECT_EQ(counters.device_reads, 1U);
  EXPECT_EQ(counters.device_writes, 2U);
  EXPECT_EQ(counters.super_packets_read, 3U);
  EXPECT_EQ(counters.super_packets_written, 4U);
  EXPECT_EQ(counters.socket_receives, 5U);
  EXPECT_EQ(counters.socket_sends, 6U);
  EXPECT_EQ(counters.trains_received, 7U);
  EXPECT_EQ(counters.trains_sent, 8U);
  EXPECT_EQ(counters.trains_refused, 9U);
  EXPECT_EQ(counters.device_reads_starved, 10U);
  EXPECT_EQ(counters.socket_reads_starved, 11U);
}

TEST(ArrivalCounts, ThePeakOfBuffersStays) {
  Counters counters;
  for (const std::size_t in_use : {3U, 9U, 4U}) count_buffers(in_use, counters);
  EXPECT_EQ(counters.buffers_in_use, 4U);
  EXPECT_EQ(counters.buffers_in_use_peak, 9U);
}

}  // namespace
}  // namespace wgu::engine
