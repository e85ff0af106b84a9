#include "bench/memory/rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace wgu::bench {
namespace {

// 1000 packets of 125 bytes in half a second: 2000 packets/s, 2 Mbit/s; 3 ms of CPU: 3 us a packet.
RoundReport round(std::uint64_t packets = 1000) {
  RoundReport report{.seconds = 0.5, .packets = packets, .bytes = packets * 125, .has_thread_use = true, .sent = 2000};
  report.arrived = {.packets = 1990, .bytes = 1990 * 125, .reordered = 4, .duplicates = 0, .corrupted = 0};
  report.sender = {.cpu = 0.002, .waited = 0, .busiest = 0.95, .wakeups = 30};
  report.receiver = {.cpu = 0.001, .waited = 0, .busiest = 0.5, .wakeups = 20};
  report.feeder.cpu = report.drain.cpu = 7;  // not the tunnel's
  return report;
}

TEST(MemoryRows, NamesTellTheCase) {
  EXPECT_EQ(memory_row_name("64", 1, 2), "memory/bytes:64/flows:1/workers:2");
  EXPECT_EQ(memory_row_name("imix", 16, 1), "memory/bytes:imix/flows:16/workers:1");
}

TEST(MemoryRows, MetricsByHand) {
  const std::map<std::string, double> expected = {{"throughput", 2e6},
                                                  {"packet_rate", 2000},
                                                  {"cpu_time_per_packet", 3e-6},
                                                  {"sender_cpu_time_per_packet", 2e-6},
                                                  {"receiver_cpu_time_per_packet", 1e-6},
                                                  {"wakeups_per_packet", 0.05},
                                                  {"cpu_seconds_per_gb", 24},  // 3 ms for 125 kB
                                                  {"cores_per_gbps", 3},       // 0.006 cores for 0.002 Gbit/s
                                                  {"loss", 0.005},
                                                  {"reordered_share", 0.002},
                                                  {"corrupted", 0}};
  const auto rows = memory_rows("n", "avx2", std::vector{round(), round()});
  ASSERT_EQ(rows.size(), expected.size());
  for (const Row& row : rows) {
    ASSERT_TRUE(expected.contains(row.metric)) << row.metric;
    ASSERT_EQ(row.samples.size(), 2U);
    EXPECT_NEAR(row.samples[0], expected.at(row.metric), expected.at(row.metric) * 1e-9) << row.metric;
    EXPECT_EQ(row.higher_is_better, row.metric == "throughput" || row.metric == "packet_rate") << row.metric;
    EXPECT_EQ(row.limit, Limit::kCpu);
    EXPECT_EQ(row.name, "n");
    EXPECT_EQ(row.subject, "avx2");
  }
}

TEST(MemoryRows, WithoutThreadUseThereIsNoCpuTime) {
  RoundReport blind = round();
  blind.has_thread_use = false;
  std::set<std::string> metrics;
  for (const Row& row : memory_rows("n", "avx2", std::vector{round(), blind})) metrics.insert(row.metric);
  EXPECT_EQ(metrics, (std::set<std::string>{"throughput", "packet_rate", "loss", "reordered_share", "corrupted"}));
}

TEST(MemoryRows, MeteringIsAShareOfThePacketsTime) {
  RoundReport metered = round();
  metered.batch = 30;
  metered.metering = {.counters = 6, .events = 7.5, .sampled = 12, .all = 90};  // of 3000 ns
  const auto rows = memory_rows("n", "avx2", std::vector{metered, metered});
  const std::map<std::string, double> expected = {{"counters_share_of_packet", 0.002},
                                                  {"events_share_of_packet", 0.0025},
                                                  {"sampled_share_of_packet", 0.004},
                                                  {"all_share_of_packet", 0.03}};
  std::size_t found = 0;
  for (const Row& row : rows) {
    if (!expected.contains(row.metric)) continue;
    ++found;
    EXPECT_NEAR(row.samples[1], expected.at(row.metric), 1e-12) << row.metric;
    EXPECT_FALSE(row.higher_is_better);
  }
  EXPECT_EQ(found, expected.size());
  const std::string table = format_metering_table(rows);
  EXPECT_NE(table.find("0.20 % (0.20..0.20)"), std::string::npos) << table;
  EXPECT_NE(table.find("3.00 % (3.00..3.00)"), std::string::npos) << table;
  EXPECT_EQ(format_metering_table(memory_rows("n", "relay", std::vector{round()})), "");
}

TEST(MemoryRows, TheTableShowsMedianSpreadAndShareOfTheNullCipher) {
  auto rows = memory_rows("case", "avx2", std::vector{round(1000), round(3000), round(2000)});
  for (Row& row : memory_rows("case", kNullCipher, std::vector{round(2000), round(6000), round(5000)})) rows.push_back(std::move(row));
  const std::string table = format_memory_table(rows);
  const auto line_of = [&](const std::string& subject) {
    const auto begin = table.find("  " + subject + " ");
    return table.substr(begin, table.find('\n', begin) - begin);
  };
  EXPECT_EQ(table.substr(0, 5), "case\n");
  for (const char* text : {" 4.0 ", " 2.0 .. 6.0 ", " 50 % ", " 0.005000 ", " 0.002000 "}) {
    EXPECT_NE(line_of("avx2").find(text), std::string::npos) << text << " in " << table;
  }
  EXPECT_NE(line_of(kNullCipher).find(" 100 % "), std::string::npos) << table;
}

TEST(MemoryRows, ATableWithoutTheNullCipherSaysNothingOfIt) {
  const std::string table = format_memory_table(memory_rows("case", "avx2", std::vector{round()}));
  EXPECT_EQ(table.find('%'), std::string::npos) << table;
}

}  // namespace
}  // namespace wgu::bench
