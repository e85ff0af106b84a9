#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "telemetry/snapshots.h"

namespace wgu::telemetry {
namespace {

nlohmann::json parsed(const Snapshot& snapshot) {
  std::string text;
  append_json(snapshot, text);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  return nlohmann::json::parse(text);
}

void expect_holds(const nlohmann::json& json, const Counters& counters) {
  for (const CounterInfo& row : counter_table()) EXPECT_EQ(json.at(std::string(row.key)), counters.*row.member) << row.key;
  for (const RekeyCauseInfo& row : rekey_cause_table()) EXPECT_EQ(json.at("rekeys").at(std::string(row.name)), counters.rekeyed(row.cause));
  for (const DropInfo& row : drop_table()) {
    const char* side = row.direction == Direction::kOutbound ? "outbound" : "inbound";
    EXPECT_EQ(json.at("dropped").at(side).at(std::string(row.name)), counters.dropped(row.drop)) << row.name;
  }
  EXPECT_EQ(json.at("unexplained").at("outbound"), counters.unexplained(Direction::kOutbound));
  EXPECT_EQ(json.at("unexplained").at("inbound"), counters.unexplained(Direction::kInbound));
  EXPECT_EQ(json.size(), counter_table().size() + 3);
}

TEST(Json, HoldsEveryCounterOfEveryWorkerAndTheirSum) {
  const Snapshot snapshot = snapshot_of(3, 0);
  const nlohmann::json json = parsed(snapshot);
  ASSERT_EQ(json.at("workers").size(), 3U);
  Counters total;
  for (std::size_t worker = 0; worker < 3; ++worker) {
    expect_holds(json.at("workers")[worker], snapshot.workers[worker]);
    total += snapshot.workers[worker];
  }
  expect_holds(json.at("total"), total);
}

TEST(Json, HoldsThePeersWithoutSecrets) {
  Snapshot snapshot = snapshot_of(1, 2);
  snapshot.peers[1].endpoint = {};
  snapshot.peers[1].last_handshake = {};
  snapshot.peers[1].path_mtu = 0;
  const nlohmann::json json = parsed(snapshot);
  ASSERT_EQ(json.at("peers").size(), 2U);
  const nlohmann::json& first = json.at("peers")[0];
  EXPECT_EQ(first.at("public_key"), snapshot.peers[0].public_key.base64());
  EXPECT_EQ(first.at("endpoint"), "192.0.2.1:51820");
  EXPECT_EQ(first.at("allowed_ips"), nlohmann::json::array({"10.0.0.1/32"}));
  EXPECT_EQ(first.at("last_handshake"), 1'800'000'001);
  EXPECT_EQ(first.at("rx_bytes"), 1001);
  EXPECT_EQ(first.at("tx_bytes"), 2001);
  EXPECT_EQ(first.at("path_mtu"), 1401);
  for (const PeerCounterInfo& row : peer_counter_table())
    EXPECT_EQ(first.at(std::string(row.key)), snapshot.peers[0].counters.*row.member) << row.key;
  EXPECT_TRUE(json.at("peers")[1].at("endpoint").is_null());
  EXPECT_TRUE(json.at("peers")[1].at("last_handshake").is_null()) << "never is not 1970";
  EXPECT_TRUE(json.at("peers")[1].at("path_mtu").is_null());
}

TEST(Json, EscapesWhatComesFromOutside) {
  Snapshot snapshot = snapshot_of(0, 0);
  snapshot.interface_name = "a\"b\\c\x01\x1f";
  EXPECT_EQ(parsed(snapshot).at("interface"), snapshot.interface_name);
  EXPECT_EQ(parsed(Snapshot()).at("interface"), "");
  EXPECT_TRUE(parsed(Snapshot()).at("public_key").is_null());
}

TEST(Json, SaysPercentilesAndNothingOfWhatWasNotMeasured) {
  Snapshot snapshot = snapshot_of(1, 0);
  EXPECT_TRUE(parsed(snapshot).at("measures").empty());
  snapshot.measures.resize(kMeasureCount);
  for (std::uint64_t value = 1; value <= 64; ++value) snapshot.measures[static_cast<std::size_t>(Measure::kBatchSizeIn)].record(value);
  const nlohmann::json measures = parsed(snapshot).at("measures");
  EXPECT_EQ(measures.size(), kMeasureCount);
  const nlohmann::json& batch = measures.at("batch_size_in");
  EXPECT_EQ(batch.at("count"), 64);
  EXPECT_EQ(batch.at("mean"), 32.5);
  EXPECT_EQ(batch.at("p50"), 32);
  EXPECT_EQ(batch.at("p99"), 64);
  EXPECT_EQ(batch.at("p999"), 64);
  EXPECT_EQ(batch.at("max"), 64);
  EXPECT_EQ(batch.at("min"), 1);
  EXPECT_EQ(batch.at("sum"), 2080);
  EXPECT_EQ(batch.at("buckets").size(), 64U);
  EXPECT_EQ(batch.at("buckets")[9], nlohmann::json::array({10, 1})) << "at most 10: one";
  EXPECT_EQ(measures.at("read_to_sealed").at("count"), 0);
  EXPECT_FALSE(measures.at("read_to_sealed").contains("p50"));
}

TEST(Json, SaysMoreOfWatchedPeers) {
  Snapshot snapshot = snapshot_of(1, 2);
  watch(snapshot.peers[1]);
  const nlohmann::json peers = parsed(snapshot).at("peers");
  EXPECT_FALSE(peers.at(0).contains("dropped"));
  EXPECT_FALSE(peers.at(0).contains("stages"));
  for (const DropInfo& row : drop_table()) {
    const char* direction = row.direction == Direction::kOutbound ? "outbound" : "inbound";
    EXPECT_EQ(peers.at(1).at("dropped").at(direction).at(std::string(row.name)), 500 + static_cast<std::size_t>(row.drop));
  }
  EXPECT_EQ(peers.at(1).at("stages").size(), kStageCount);
  EXPECT_EQ(peers.at(1).at("stages").at("read_to_sealed").at("count"), 1);
  EXPECT_EQ(peers.at(1).at("stages").at("opened_to_written").at("count"), 4);
}

TEST(Json, HoldsTheHostsReadingsUnderTheirNames) {
  Snapshot snapshot = snapshot_of(1, 0);
  EXPECT_TRUE(parsed(snapshot).at("host").empty()) << "not read is not zero";
  EXPECT_EQ(parsed(snapshot).at("telemetry"), "off");
  snapshot.level = TelemetryLevel::kAll;
  snapshot.host = {{HostMetric::kSoftnetDropped, {"0", ""}, 0},
                   {HostMetric::kSoftnetDropped, {"1", ""}, 7},
                   {HostMetric::kThreadCpu, {"12", "wgu/0"}, 1.5}};
  const nlohmann::json json = parsed(snapshot);
  EXPECT_EQ(json.at("telemetry"), "all");
  EXPECT_EQ(json.at("host"), nlohmann::json::parse(R"({"wgu_host_softnet_dropped": [{"cpu": "0", "value": 0.0}, {"cpu": "1", "value": 7.0}],
                                                       "wgu_host_thread_cpu_seconds": [{"thread": "12", "name": "wgu/0", "value": 1.5}]})"));
}

TEST(TelemetryLevel, HasANameThatLeadsBackToIt) {
  for (const TelemetryLevel level : {TelemetryLevel::kOff, TelemetryLevel::kEvents, TelemetryLevel::kSampled, TelemetryLevel::kAll}) {
    EXPECT_EQ(telemetry_level_named(name_of(level)), level);
  }
  EXPECT_FALSE(telemetry_level_named("").has_value());
  EXPECT_FALSE(telemetry_level_named("All").has_value());
}

TEST(EventJson, SaysWhatTheKindSaysAndNoMore) {
  const auto json_of = [](const Event& event) {
    std::string text;
    append_json(event, text);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    return nlohmann::json::parse(text);
  };
  Event begun{.kind = EventKind::kHandshakeBegun, .worker = 3, .cause = RekeyCause::kNoAnswer, .held_back = 7};
  begun.when = Instant(std::chrono::seconds(5));
  begun.wall = {1'800'000'000, 250'000'000};
  begun.peer = key_number(1);
  begun.endpoint = {IpAddress::v4(192, 0, 2, 1), 51820, 0};
  EXPECT_EQ(json_of(begun), nlohmann::json({{"event", "handshake_begun"},
                                            {"time", 1800000000.25},
                                            {"monotonic_nanoseconds", 5'000'000'000},
                                            {"worker", 3},
                                            {"peer", key_number(1).base64()},
                                            {"endpoint", "192.0.2.1:51820"},
                                            {"cause", "no_answer"},
                                            {"held_back", 7}}));
  EXPECT_EQ(json_of({.kind = EventKind::kHandshakeFailed, .reason = Drop::kInBadMac1}),
            nlohmann::json({{"event", "handshake_failed"}, {"monotonic_nanoseconds", 0}, {"worker", 0}, {"reason", "bad_mac1"}}));
  EXPECT_EQ(
      json_of({.kind = EventKind::kHandshakeCompleted, .is_initiator = true, .value = 9}),
      nlohmann::json(
          {{"event", "handshake_completed"}, {"monotonic_nanoseconds", 0}, {"worker", 0}, {"role", "initiator"}, {"nanoseconds", 9}}));
  for (const EventInfo& row : event_table()) EXPECT_EQ(json_of({.kind = row.kind}).at("event"), std::string(row.name));
}

}  // namespace
}  // namespace wgu::telemetry
