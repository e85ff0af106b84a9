// JSON by hand: names are our own, values are numbers, and the few texts from outside are escaped.
#include "telemetry/number_text.h"
#include "wgu/telemetry.h"

namespace wgu {
namespace {

using telemetry::append_number;

class Json {
 public:
  explicit Json(std::string& out) : out_(out) {}

  void open(char bracket) {
    separate();
    out_ += bracket;
    is_first_ = true;
  }
  void open(std::string_view key, char bracket) {
    name(key);
    out_ += bracket;
    is_first_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    is_first_ = false;
  }
  template <class Number>
  void number(std::string_view key, Number value) {
    name(key);
    append_number(out_, value);
  }
  template <class Number>
  void number(Number value) {
    separate();
    append_number(out_, value);
  }
  void text(std::string_view key, std::string_view value) {
    name(key);
    quote(value);
  }
  void text(std::string_view value) {
    separate();
    quote(value);
  }
  void nothing(std::string_view key) {
    name(key);
    out_ += "null";
  }

 private:
  void separate() {
    if (!is_first_) out_ += ',';
    is_first_ = false;
  }
  void name(std::string_view key) {
    separate();
    out_.append("\"").append(key).append("\":");
  }
  // RFC 8259, section 7.
  void quote(std::string_view value) {
    constexpr char kHex[] = "0123456789abcdef";
    out_ += '"';
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20) {
        out_.append("\\u00").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
        continue;
      }
      if (c == '"' || c == '\\') out_ += '\\';
      out_ += c;
    }
    out_ += '"';
  }

  std::string& out_;
  bool is_first_ = true;
};

std::string_view direction_name(Direction direction) { return direction == Direction::kOutbound ? "outbound" : "inbound"; }

void write_drops(Json& json, std::span<const std::uint64_t> drops) {
  json.open("dropped", '{');
  for (const Direction direction : {Direction::kOutbound, Direction::kInbound}) {
    json.open(direction_name(direction), '{');
    for (const DropInfo& row : drop_table()) {
      if (row.direction == direction) json.number(row.name, drops[static_cast<std::size_t>(row.drop)]);
    }
    json.close('}');
  }
  json.close('}');
}

void write_counters(Json& json, const Counters& counters) {
  for (const CounterInfo& row : counter_table()) json.number(row.key, counters.*row.member);
  json.open("rekeys", '{');
  for (const RekeyCauseInfo& row : rekey_cause_table()) json.number(row.name, counters.rekeyed(row.cause));
  json.close('}');
  write_drops(json, counters.drops);
  json.open("unexplained", '{');
  for (const Direction direction : {Direction::kOutbound, Direction::kInbound})
    json.number(direction_name(direction), counters.unexplained(direction));
  json.close('}');
}

// In the unit that was recorded: nanoseconds, bytes, packets. "Not measured" is not zero.
void write_measure(Json& json, const Histogram& values) {
  json.number("count", values.count());
  if (values.count() == 0) return;
  json.number("mean", values.mean());
  json.number("p50", values.percentile(50));
  json.number("p90", values.percentile(90));
  json.number("p99", values.percentile(99));
  json.number("p999", values.percentile(99.9));
  json.number("min", values.min());
  json.number("max", values.max());
  json.number("sum", values.sum());
  // For whoever wants a window: the difference of two of these.
  json.open("buckets", '[');
  for (std::size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    if (values.bucket_count(bucket) == 0) continue;
    json.open('[');
    json.number(Histogram::upper_bound(bucket));
    json.number(values.bucket_count(bucket));
    json.close(']');
  }
  json.close(']');
}

void write_host(Json& json, std::span<const HostReading> readings) {
  for (std::size_t i = 0; i < readings.size();) {
    const HostMetricInfo& info = info_of(readings[i].metric);
    json.open(info.name, '[');
    for (; i < readings.size() && &info_of(readings[i].metric) == &info; ++i) {
      json.open('{');
      for (std::size_t label = 0; label < kHostLabels; ++label) {
        if (!info.labels[label].empty()) json.text(info.labels[label], readings[i].labels[label]);
      }
      json.number("value", readings[i].value);
      json.close('}');
    }
    json.close(']');
  }
}

void write_peer(Json& json, const PeerSnapshot& peer) {
  json.text("public_key", peer.public_key.base64());
  peer.endpoint.is_set() ? json.text("endpoint", peer.endpoint.to_string()) : json.nothing("endpoint");
  json.open("allowed_ips", '[');
  for (const Prefix& prefix : peer.allowed_ips) json.text(prefix.to_string());
  json.close(']');
  peer.last_handshake == WallTime{} ? json.nothing("last_handshake") : json.number("last_handshake", peer.last_handshake.seconds);
  json.number("rx_bytes", peer.rx_bytes);
  json.number("tx_bytes", peer.tx_bytes);
  peer.path_mtu == 0 ? json.nothing("path_mtu") : json.number("path_mtu", peer.path_mtu);
  for (const PeerCounterInfo& row : peer_counter_table()) json.number(row.key, peer.counters.*row.member);
  if (!peer.drops.empty()) write_drops(json, peer.drops);
  if (peer.stages.empty()) return;
  json.open("stages", '{');
  for (std::size_t stage = 0; stage < peer.stages.size(); ++stage) {
    json.open(measure_table()[stage].key, '{');
    write_measure(json, peer.stages[stage]);
    json.close('}');
  }
  json.close('}');
}

}  // namespace

void append_json(const Snapshot& snapshot, std::string& out) {
  Json json(out);
  json.open('{');
  json.text("interface", snapshot.interface_name);
  snapshot.public_key == PublicKey{} ? json.nothing("public_key") : json.text("public_key", snapshot.public_key.base64());
  json.number("taken", snapshot.taken.seconds);
  json.text("telemetry", name_of(snapshot.level));
  Counters total;
  for (const Counters& worker : snapshot.workers) total += worker;
  json.open("total", '{');
  write_counters(json, total);
  json.close('}');
  json.open("workers", '[');
  for (const Counters& worker : snapshot.workers) {
    json.open('{');
    write_counters(json, worker);
    json.close('}');
  }
  json.close(']');
  json.open("peers", '[');
  for (const PeerSnapshot& peer : snapshot.peers) {
    json.open('{');
    write_peer(json, peer);
    json.close('}');
  }
  json.close(']');
  json.open("measures", '{');
  for (const MeasureInfo& row : measure_table()) {
    const auto index = static_cast<std::size_t>(row.measure);
    if (index >= snapshot.measures.size()) continue;
    json.open(row.key, '{');
    write_measure(json, snapshot.measures[index]);
    json.close('}');
  }
  json.close('}');
  json.open("host", '{');
  write_host(json, snapshot.host);
  json.close('}');
  json.close('}');
}

void append_json(const Event& event, std::string& out) {
  const EventInfo& row = event_table()[static_cast<std::size_t>(event.kind)];
  Json json(out);
  json.open('{');
  json.text("event", row.name);
  if (event.wall != WallTime{})
    json.number("time", static_cast<double>(event.wall.seconds) + static_cast<double>(event.wall.nanoseconds / 1000) * 1e-6);
  json.number("monotonic_nanoseconds", event.when.time_since_epoch().count());
  json.number("worker", unsigned{event.worker});
  if (event.peer != PublicKey{}) json.text("peer", event.peer.base64());
  if (event.endpoint.is_set()) json.text("endpoint", event.endpoint.to_string());
  if (row.says_role) json.text("role", event.is_initiator ? "initiator" : "responder");
  if (row.has_cause) json.text("cause", rekey_cause_table()[static_cast<std::size_t>(event.cause)].name);
  if (row.has_reason) json.text("reason", drop_table()[static_cast<std::size_t>(event.reason)].name);
  if (!row.value.empty()) json.number(row.value, event.value);
  if (event.held_back > 0) json.number("held_back", event.held_back);
  json.close('}');
}

}  // namespace wgu
