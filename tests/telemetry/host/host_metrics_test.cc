#include "wgu/host_metrics.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "telemetry/fixture.h"
#include "telemetry/host/system_stat.h"

namespace wgu::telemetry {
namespace {

using enum HostMetric;

std::optional<double> value_of(const std::vector<HostReading>& readings, HostMetric metric, const std::string& first = "",
                               const std::string& second = "") {
  for (const HostReading& reading : readings) {
    if (reading.metric == metric && reading.labels[0] == first && reading.labels[1] == second) return reading.value;
  }
  return std::nullopt;
}

TEST(HostMetricTable, NamesFollowPrometheussRules) {
  std::set<std::string_view> names;
  for (const HostMetricInfo& info : host_metric_table()) {
    EXPECT_TRUE(info.name.starts_with("wgu_host_")) << info.name;
    EXPECT_EQ(info.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string_view::npos) << info.name;
    for (const char* suffix : {"_total", "_bucket", "_count", "_sum"})
      EXPECT_FALSE(info.name.ends_with(suffix)) << info.name << ": samples have it";
    EXPECT_TRUE(names.insert(info.name).second) << info.name << " stands there twice";
    EXPECT_TRUE(info.help.ends_with('.')) << info.name;
    EXPECT_FALSE(info.labels[0].empty()) << info.name << ": nothing here is of the whole machine";
    EXPECT_TRUE(info.name.ends_with(info.unit)) << info.name;
  }
}

TEST(NetworkCards, AreTheInterfacesWithADevice) {
  EXPECT_EQ(network_cards(test::fixture("nic_server")), std::vector<std::string>{"eth0"});
  EXPECT_TRUE(network_cards("/nowhere").empty());
}

TEST(HostMetricTable, IsFoundByTheMetric) {
  EXPECT_EQ(info_of(kSoftnetDropped).name, "wgu_host_softnet_dropped");
  EXPECT_EQ(info_of(kInterfaceNumaNode).name, "wgu_host_interface_numa_node");
}

// One row a metric, each with the value that only its own source in the fixture has.
TEST(ReadHost, EveryFileOfTheMachineArrivesUnderItsName) {
  const auto readings = read_host({.root = test::fixture("nic_server"), .interfaces = {"eth0", "wg0"}, .sockets = {}});
  const double tick = 1 / static_cast<double>(ticks_per_second().value());
  const struct {
    HostMetric metric;
    const char *first, *second;
    double value;
  } rows[] = {
      {kSoftnetProcessed, "1", "", 0xffffffff},
      {kSoftnetDropped, "1", "", 7},
      {kSoftnetTimeSqueeze, "0", "", 17},
      {kSoftnetReceivedRps, "1", "", 16},
      {kSoftnetFlowLimit, "1", "", 2},
      {kSoftnetBacklog, "1", "", 12},
      {kUdpReceiveErrors, "ipv4", "", 240},
      {kUdpReceiveBufferErrors, "ipv4", "", 193},
      {kUdpReceiveBufferErrors, "ipv6", "", 8},
      {kUdpSendBufferErrors, "ipv4", "", 11},
      {kUdpMemoryErrors, "ipv4", "", 7},
      {kUdpChecksumErrors, "ipv4", "", 40},
      {kIpReassemblyRequests, "ipv6", "", 44},
      {kIpReassemblyFailures, "ipv4", "", 5},
      {kIpFragmentsCreated, "ipv4", "", 16},
      {kIpFragmentFailures, "ipv4", "", 21},
      {kSoftirqs, "0", "NET_RX", 120859030},
      {kSoftirqs, "3", "NET_TX", 7},
      {kInterrupts, "1", "42", 47179},
      {kInterfacePackets, "wg0", "transmit", 60},
      {kInterfaceBytes, "wg0", "receive", 5000},
      {kInterfaceErrors, "eth0", "receive", 1005},
      {kInterfaceDropped, "wg0", "transmit", 31},
      {kInterfaceFifoErrors, "eth0", "transmit", 1010},
      {kInterfaceMissedErrors, "eth0", "receive", 1011},
      {kThreadCpu, "4711", "wgu-tunnel", 40.123456789},
      {kThreadCpu, "4712", "a ) (b", 16 * tick},
      {kThreadWaiting, "4711", "wgu-tunnel", 0.001},
      {kThreadVoluntarySwitches, "4711", "wgu-tunnel", 5000},
      {kThreadInvoluntarySwitches, "4711", "wgu-tunnel", 600},
      {kThreadMigrations, "4711", "wgu-tunnel", 12},
      {kThreadLastCpu, "4712", "a ) (b", 3},
      {kCgroupPeriods, "/system.slice", "", 900},
      {kCgroupThrottledPeriods, "/system.slice", "", 30},
      {kCgroupThrottled, "/system.slice", "", 4.5},
      {kCpuTime, "1", "steal", 1215 * tick},
      {kCpuFrequency, "3", "", 2.400003e9},
      {kCpuFrequencyHighest, "0", "", 3.9e9},
      {kCpuGovernor, "0", "schedutil", 1},
      {kCpuNumaNode, "2", "", 1},
      {kInterfaceNumaNode, "eth0", "", 1},
  };
  for (const auto& row : rows) {
    const auto value = value_of(readings, row.metric, row.first, row.second);
    ASSERT_TRUE(value) << info_of(row.metric).name << ' ' << row.first << ' ' << row.second;
    EXPECT_DOUBLE_EQ(*value, row.value) << info_of(row.metric).name;
  }
}

TEST(ReadHost, ReadingsOfAMetricStandTogetherAndNoneTwice) {
  const auto readings = read_host({.root = test::fixture("nic_server"), .interfaces = {"eth0", "wg0"}, .sockets = {}});
  EXPECT_TRUE(std::is_sorted(readings.begin(), readings.end(), [](const auto& a, const auto& b) { return a.metric < b.metric; }));
  std::set<std::pair<HostMetric, std::array<std::string, kHostLabels>>> seen;
  for (const HostReading& reading : readings) {
    EXPECT_TRUE(seen.emplace(reading.metric, reading.labels).second) << info_of(reading.metric).name << ' ' << reading.labels[0];
    EXPECT_FALSE(reading.labels[0].empty()) << info_of(reading.metric).name;
  }
}

TEST(ReadHost, WhatWasNotMeasuredHasNoReading) {
  EXPECT_TRUE(read_host({.root = test::fixture("bare"), .interfaces = {"no such one"}, .sockets = {{"0", -1}}}).empty());
  const auto guest = read_host({.root = test::fixture("guest_v1"), .interfaces = {}, .sockets = {}});
  EXPECT_EQ(value_of(guest, kUdpReceiveErrors, "ipv4"), 1);
  EXPECT_EQ(value_of(guest, kUdpReceiveBufferErrors, "ipv4"), std::nullopt) << "a kernel without the counter";
  EXPECT_EQ(value_of(guest, kSoftnetBacklog, "0"), std::nullopt) << "a narrow table";
  EXPECT_EQ(value_of(guest, kCgroupThrottledPeriods, "/"), 5);
}

TEST(ReadHost, SocketsAreTheOnesGiven) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto readings = read_host({.root = test::fixture("bare"), .interfaces = {}, .sockets = {{"worker 1", fd}}});
  ::close(fd);
  EXPECT_EQ(readings.size(), 5U);
  EXPECT_EQ(value_of(readings, kSocketDropped, "worker 1"), 0);
  EXPECT_GT(value_of(readings, kSocketReceiveLimit, "worker 1").value_or(0), 0);
}

}  // namespace
}  // namespace wgu::telemetry
