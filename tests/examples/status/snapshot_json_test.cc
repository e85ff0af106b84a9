#include "status/snapshot_json.h"

#include <gtest/gtest.h>

#include "telemetry/snapshots.h"

namespace wgu::status {
namespace {

Snapshot full_snapshot() {
  Snapshot snapshot = telemetry::snapshot_of(3, 4);
  snapshot.interface_name = "wg\"0";
  snapshot.level = TelemetryLevel::kSampled;
  for (PeerSnapshot& peer : snapshot.peers) peer.last_handshake.nanoseconds = 0;  // whole seconds are told
  telemetry::watch(snapshot.peers[1]);
  snapshot.peers[2].endpoint = {};
  snapshot.peers[3].last_handshake = {};
  snapshot.peers[3].allowed_ips.clear();
  snapshot.measures.resize(kMeasureCount);
  for (std::uint64_t value = 1; value < 5'000'000'000'000; value = value * 3 + 1) snapshot.measures[2].record(value, value % 7 + 1);
  snapshot.host = {{HostMetric::kSoftnetDropped, {"3", ""}, 17}, {HostMetric::kThreadCpu, {"812", "wgu/0"}, 0.125}};
  return snapshot;
}

TEST(SnapshotJson, WhatIsWrittenIsReadBack) {
  const Snapshot before = full_snapshot();
  std::string text;
  append_json(before, text);
  const auto after = parse_snapshot(text);
  ASSERT_TRUE(after.ok()) << after.error().message;
  std::string again;
  append_json(*after, again);
  EXPECT_EQ(again, text);
  EXPECT_EQ(after->measures[2], before.measures[2]) << "each bucket, sum and extremes";
  EXPECT_EQ(after->peers[1].drops, before.peers[1].drops);
  EXPECT_EQ(after->peers[1].stages, before.peers[1].stages);
  EXPECT_EQ(after->host, before.host);
  EXPECT_EQ(after->level, TelemetryLevel::kSampled);
}

TEST(SnapshotJson, AWindowIsTheDifferenceOfTwo) {
  const auto told = [](const Histogram& values) {
    Snapshot snapshot;
    snapshot.measures.resize(kMeasureCount);
    snapshot.measures[0] = values;
    std::string text;
    append_json(snapshot, text);
    return parse_snapshot(text).value().measures[0];
  };
  Histogram values;
  values.record(1000, 99);
  const Histogram earlier = told(values);
  values.record(64000, 10);
  const Histogram window = told(values) - earlier;
  EXPECT_EQ(window.count(), 10U);
  EXPECT_NEAR(window.percentile(50), 64000, 64000.0 / 64);
}

TEST(SnapshotJson, BearsOlderAndNewerDaemons) {
  const auto snapshot = parse_snapshot(R"({"interface":"a","workers":[{"rounds":5,"of_tomorrow":1}],"peers":[],"more":{}})");
  ASSERT_TRUE(snapshot.ok()) << snapshot.error().message;
  EXPECT_EQ(snapshot->workers.at(0).rounds, 5U);
  EXPECT_EQ(snapshot->workers.at(0).datagrams_sent, 0U);
  EXPECT_TRUE(snapshot->host.empty());
}

TEST(SnapshotJson, RefusesWhatIsNone) {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"workers":[],"peers":[{"public_key":"short"}]})", R"({"workers":[{"rounds":"many"}],"peers":[]})",
        R"({"workers":[],"peers":[],"measures":{"batch_size_in":{"buckets":[[1]]}}})"}) {
    EXPECT_FALSE(parse_snapshot(text).ok()) << text;
  }
}

}  // namespace
}  // namespace wgu::status
