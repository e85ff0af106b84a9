#include "bench/memory/round.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace wgu::bench {
namespace {

TEST(Round, OptionsComeBack) {
  const RoundOptions options{.sizes = {48, 1420},
                             .flows = 3,
                             .workers = 2,
                             .window = 64,
                             .is_relay = true,
                             .io = "epoll",
                             .sender_cpus = {0, 2},
                             .receiver_cpus = {1},
                             .warm_up = 0.25,
                             .seconds = 1.5};
  EXPECT_EQ(*parse_round_options(format_round(options)), options);
}

TEST(Round, ReportsComeBack) {
  const RoundReport report{.kernel = "avx2",
                           .io = "io_uring",
                           .seconds = 1.25,
                           .packets = 10,
                           .bytes = 640,
                           .has_thread_use = true,
                           .sender = {.cpu = 0.5, .waited = 0.125, .busiest = 0.75, .wakeups = 3},
                           .receiver = {},
                           .feeder = {},
                           .drain = {},
                           .sent = 12,
                           .arrived = {.packets = 11, .bytes = 704, .reordered = 2, .duplicates = 3, .corrupted = 4},
                           .drops = {{"inbound/bad_tag", 5}},
                           .unexplained = 6,
                           .batch = 31.5,
                           .metering = {.counters = 3, .events = 4, .sampled = 5, .all = 60}};
  EXPECT_EQ(*parse_round_report(format_round(report)), report);
}

TEST(Round, WhatIsNotOneIsRefused) {
  for (const char* text : {"", "{}", "[1]", "nonsense", R"({"sizes":[64]})", R"({"sizes":"64","flows":1,"workers":1,"window":1})"}) {
    EXPECT_FALSE(parse_round_options(text).ok()) << text;
    auto report = parse_round_report(text);
    ASSERT_FALSE(report.ok()) << text;
    EXPECT_EQ(report.error().code, EINVAL) << text;
  }
}

}  // namespace
}  // namespace wgu::bench
