// Tables name the members here as they do where the text is written, so that nothing is listed twice.
#include "snapshot_json.h"

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

namespace wgu::status {
namespace {

using nlohmann::json;

std::uint64_t number(const json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() ? 0 : found->get<std::uint64_t>();
}

std::string text(const json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? std::string() : found->get<std::string>();
}

const json& part(const json& object, std::string_view key) {
  static const json kNothing = json::object();
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

PublicKey key(const std::string& base64) { return base64.empty() ? PublicKey{} : PublicKey::from_base64(base64).value(); }

void read_drops(const json& dropped, std::span<std::uint64_t> drops) {
  for (const DropInfo& row : drop_table()) {
    const char* side = row.direction == Direction::kOutbound ? "outbound" : "inbound";
    drops[static_cast<std::size_t>(row.drop)] = number(part(dropped, side), row.name);
  }
}

Counters read_counters(const json& object) {
  Counters counters;
  for (const CounterInfo& row : counter_table()) counters.*row.member = number(object, row.key);
  for (const RekeyCauseInfo& row : rekey_cause_table()) {
    counters.rekeys[static_cast<std::size_t>(row.cause)] = number(part(object, "rekeys"), row.name);
  }
  read_drops(part(object, "dropped"), counters.drops);
  return counters;
}

Histogram read_histogram(const json& object) {
  std::vector<Histogram::Bucket> buckets;
  for (const json& bucket : part(object, "buckets"))
    buckets.push_back({bucket.at(0).get<std::uint64_t>(), bucket.at(1).get<std::uint64_t>()});
  return Histogram::restored(buckets, number(object, "sum"), number(object, "min"), number(object, "max"));
}

PeerSnapshot read_peer(const json& object) {
  PeerSnapshot peer;
  peer.public_key = key(text(object, "public_key"));
  if (const std::string endpoint = text(object, "endpoint"); !endpoint.empty()) peer.endpoint = Endpoint::parse(endpoint).value();
  for (const json& prefix : part(object, "allowed_ips")) peer.allowed_ips.push_back(Prefix::parse(prefix.get<std::string>()).value());
  if (const json& last = part(object, "last_handshake"); last.is_number()) peer.last_handshake.seconds = last.get<std::int64_t>();
  peer.rx_bytes = number(object, "rx_bytes");
  peer.tx_bytes = number(object, "tx_bytes");
  if (const json& mtu = part(object, "path_mtu"); mtu.is_number()) peer.path_mtu = mtu.get<std::uint16_t>();
  for (const PeerCounterInfo& row : peer_counter_table()) peer.counters.*row.member = number(object, row.key);
  if (object.contains("dropped")) {
    peer.drops.resize(kDropCount);
    read_drops(object.at("dropped"), peer.drops);
  }
  if (!object.contains("stages")) return peer;
  for (const MeasureInfo& row : measure_table().first(kStageCount)) {
    peer.stages.push_back(read_histogram(part(object.at("stages"), row.key)));
  }
  return peer;
}

std::vector<HostReading> read_readings(const json& host) {
  std::vector<HostReading> readings;
  for (const HostMetricInfo& info : host_metric_table()) {
    for (const json& object : part(host, info.name)) {
      HostReading reading{info.metric, {}, object.at("value").get<double>()};
      for (std::size_t i = 0; i < kHostLabels; ++i) {
        if (!info.labels[i].empty()) reading.labels[i] = text(object, info.labels[i]);
      }
      readings.push_back(std::move(reading));
    }
  }
  return readings;
}

Snapshot read_snapshot(const json& object) {
  Snapshot snapshot;
  snapshot.interface_name = text(object, "interface");
  snapshot.public_key = key(text(object, "public_key"));
  snapshot.taken.seconds = static_cast<std::int64_t>(number(object, "taken"));
  snapshot.level = telemetry_level_named(text(object, "telemetry")).value_or(TelemetryLevel::kOff);
  for (const json& worker : object.at("workers")) snapshot.workers.push_back(read_counters(worker));
  for (const json& peer : object.at("peers")) snapshot.peers.push_back(read_peer(peer));
  for (const MeasureInfo& row : measure_table()) snapshot.measures.push_back(read_histogram(part(part(object, "measures"), row.key)));
  snapshot.host = read_readings(part(object, "host"));
  return snapshot;
}

}  // namespace

Result<Snapshot> parse_snapshot(std::string_view text) {
  try {
    return read_snapshot(json::parse(text));
  } catch (const std::exception& failure) {  // of the text, or of a value in it
    return Error{EPROTO, std::string("this is no snapshot: ") + failure.what()};
  }
}

}  // namespace wgu::status
