// The exposition, family by family: each family's lines stand together, as both formats demand. What differs between the formats:
//
//                   Prometheus 0.0.4                  OpenMetrics 1.0
//   TYPE, HELP of   the sample's name, with _total    the family's, without
//   UNIT            no                                where there is one
//   numbers of le   1                                 1.0
//   last line       any                               # EOF
//
// A label set is written once for each worker and peer and copied into every line.
#include <algorithm>
#include <optional>

#include "telemetry/number_text.h"
#include "wgu/telemetry.h"

namespace wgu {
namespace {

using telemetry::append_number;
using telemetry::append_scaled;

class Exposition {
 public:
  Exposition(MetricsFormat format, std::string& out) : is_open_metrics_(format == MetricsFormat::kOpenMetrics), out_(out) {}

  // The header of a family, once; samples of it follow.
  void begin(std::string_view name, std::string_view type, std::string_view unit, std::string_view help) {
    if (name == family_) return;
    family_ = name;
    is_counter_ = type == "counter";
    header("TYPE", type);
    if (is_open_metrics_ && !unit.empty()) header("UNIT", unit);
    header("HELP", help);
  }
  void begin(const MetricFamily& family) {
    begin(family.name, family.type == MetricType::kCounter ? "counter" : "gauge", family.unit, family.help);
  }

  // `labels` without braces, possibly followed by one more.
  template <class Number>
  void sample(std::string_view labels, const MetricLabel& label, Number value, double scale = 1, std::string_view suffix = "") {
    out_ += family_;
    out_ += is_counter_ ? "_total" : suffix;
    out_ += '{';
    out_ += labels;
    if (!label.name.empty()) append_label(label);
    out_ += "} ";
    if constexpr (std::is_floating_point_v<Number>) {
      append_number(out_, value);
    } else {
      append_scaled(out_, value, scale);
    }
    out_ += '\n';
  }

  void histogram(const MeasureInfo& info, const Histogram& values, std::string labels) {
    begin(info.family.name, "histogram", info.family.unit, info.family.help);
    if (!info.label.name.empty()) labels.append(",").append(info.label.name).append("=\"").append(info.label.value).append("\"");
    std::string bound;
    for (unsigned exponent = info.least_bound; exponent <= info.greatest_bound; ++exponent) {
      bound.clear();
      append_bound(bound, static_cast<double>(std::uint64_t{1} << exponent) * info.scale);
      sample(labels, {"le", bound}, values.count_up_to(std::uint64_t{1} << exponent), 1, "_bucket");
    }
    sample(labels, {"le", "+Inf"}, values.count(), 1, "_bucket");
    sample(labels, {}, values.sum(), info.scale, "_sum");
    sample(labels, {}, values.count(), 1, "_count");
  }

  void end() {
    if (is_open_metrics_) out_ += "# EOF\n";
  }

 private:
  void header(std::string_view what, std::string_view text) {
    out_.append("# ").append(what).append(" ").append(family_);
    if (is_counter_ && !is_open_metrics_) out_ += "_total";
    out_.append(" ").append(text).append("\n");  // our own words: nothing to escape
  }
  void append_label(const MetricLabel& label) { out_.append(",").append(label.name).append("=\"").append(label.value).append("\""); }
  void append_bound(std::string& text, double bound) const {
    append_number(text, bound);
    if (is_open_metrics_ && text.find_first_of(".e") == std::string::npos) text += ".0";
  }

  bool is_open_metrics_;
  bool is_counter_ = false;
  std::string_view family_;
  std::string& out_;
};

// Interface names may hold any byte but '/' and white space.
std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text;
}

std::string label(std::string_view name, std::string_view value) { return std::string(name) + "=\"" + escaped(value) + "\""; }

std::string_view direction_name(Direction direction) { return direction == Direction::kOutbound ? "transmit" : "receive"; }

void write_workers(Exposition& text, const Snapshot& snapshot, const std::string& device) {
  std::vector<std::string> labels;
  for (std::size_t worker = 0; worker < snapshot.workers.size(); ++worker) labels.push_back(device + "," + label("worker", std::to_string(worker)));
  for (const CounterInfo& row : counter_table()) {
    text.begin(row.family);
    for (std::size_t worker = 0; worker < labels.size(); ++worker) {
      text.sample(labels[worker], row.label, snapshot.workers[worker].*row.member, row.scale);
    }
  }
  text.begin("wgu_dropped_packets", "counter", "", "Packets that ended here, by direction and reason.");
  for (const DropInfo& row : drop_table()) {
    for (std::size_t worker = 0; worker < labels.size(); ++worker) {
      text.sample(labels[worker] + "," + label("direction", direction_name(row.direction)), {"reason", row.name}, snapshot.workers[worker].dropped(row.drop));
    }
  }
  text.begin("wgu_rekeys", "counter", "", "Handshakes begun here, by cause.");
  for (const RekeyCauseInfo& row : rekey_cause_table()) {
    for (std::size_t worker = 0; worker < labels.size(); ++worker) {
      text.sample(labels[worker], {"cause", row.name}, snapshot.workers[worker].rekeyed(row.cause));
    }
  }
  text.begin("wgu_unexplained_packets", "gauge", "", "Packets that the counters do not account for; zero, but for packets under way between workers.");
  for (const Direction direction : {Direction::kOutbound, Direction::kInbound}) {
    for (std::size_t worker = 0; worker < labels.size(); ++worker) {
      text.sample(labels[worker], {"direction", direction_name(direction)}, static_cast<double>(snapshot.workers[worker].unexplained(direction)));
    }
  }
}

double seconds(const WallTime& time) { return static_cast<double>(time.seconds) + static_cast<double>(time.nanoseconds) * 1e-9; }

void write_peers(Exposition& text, const Snapshot& snapshot, const std::string& device) {
  const std::vector<PeerSnapshot>& peers = snapshot.peers;
  std::vector<std::string> labels;
  labels.reserve(peers.size());
  for (const PeerSnapshot& peer : peers) labels.push_back(device + "," + label("public_key", peer.public_key.base64()));

  // What changes with roaming or configuration stands in series of its own, so that counters outlive it.
  text.begin("wireguard_peer_info", "gauge", "", "A peer and its endpoint, empty when not known.");
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const std::string endpoint = peers[i].endpoint.is_set() ? peers[i].endpoint.to_string() : std::string();
    text.sample(labels[i], {"endpoint", endpoint}, std::uint64_t{1});
  }
  text.begin("wireguard_peer_allowed_ips_info", "gauge", "", "The allowed IPs of a peer.");
  for (std::size_t i = 0; i < peers.size(); ++i) {
    for (const Prefix& prefix : peers[i].allowed_ips) {
      text.sample(labels[i] + "," + label("allowed_ips", prefix.to_string()), {"family", prefix.address.family == Family::kIpv4 ? "IPv4" : "IPv6"},
                  std::uint64_t{1});
    }
  }
  text.begin("wireguard_peer_receive_bytes", "counter", "bytes", "UDP payload received from the peer, handshakes and keepalives included.");
  for (std::size_t i = 0; i < peers.size(); ++i) text.sample(labels[i], {}, peers[i].rx_bytes);
  text.begin("wireguard_peer_transmit_bytes", "counter", "bytes", "UDP payload sent to the peer, handshakes and keepalives included.");
  for (std::size_t i = 0; i < peers.size(); ++i) text.sample(labels[i], {}, peers[i].tx_bytes);
  text.begin("wireguard_peer_last_handshake_seconds", "gauge", "seconds", "Unix time of the last handshake with the peer, 0 if there was none.");
  for (std::size_t i = 0; i < peers.size(); ++i) text.sample(labels[i], {}, seconds(peers[i].last_handshake));
  for (const PeerCounterInfo& row : peer_counter_table()) {
    text.begin(row.family);
    for (std::size_t i = 0; i < peers.size(); ++i) text.sample(labels[i], row.label, peers[i].counters.*row.member, row.scale);
  }
}

// Of watched peers only: a series for each reason and bound would be too many for all.
void write_watched_peers(Exposition& text, const Snapshot& snapshot, const std::string& device) {
  const auto labels_of = [&device](const PeerSnapshot& peer) { return device + "," + label("public_key", peer.public_key.base64()); };
  for (const PeerSnapshot& peer : snapshot.peers) {
    if (peer.drops.empty()) continue;
    text.begin("wgu_peer_dropped_packets", "counter", "", "Packets of a watched peer that ended here, by direction and reason.");
    for (const DropInfo& row : drop_table()) {
      text.sample(labels_of(peer) + "," + label("direction", direction_name(row.direction)), {"reason", row.name},
                  peer.drops[static_cast<std::size_t>(row.drop)]);
    }
  }
  for (const PeerSnapshot& peer : snapshot.peers) {
    for (std::size_t stage = 0; stage < peer.stages.size(); ++stage) {
      MeasureInfo row = measure_table()[stage];
      row.family = {"wgu_peer_stage_seconds", "seconds", MetricType::kCounter,
                    "How long packets of a watched peer took from one stage to another."};
      text.histogram(row, peer.stages[stage], labels_of(peer));
    }
  }
}

}  // namespace

std::string_view content_type(MetricsFormat format) noexcept {
  return format == MetricsFormat::kOpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                               : "text/plain; version=0.0.4; charset=utf-8";
}

void append_metrics(const Snapshot& snapshot, MetricsFormat format, std::string& out) {
  const std::string device = label("device", snapshot.interface_name);
  Exposition text(format, out);
  text.begin("wireguard_device_info", "gauge", "", "The device and its public key.");
  text.sample(device, {"public_key", snapshot.public_key.base64()}, std::uint64_t{1});
  write_workers(text, snapshot, device);
  for (const MeasureInfo& row : measure_table()) {
    if (const auto index = static_cast<std::size_t>(row.measure); index < snapshot.measures.size()) {
      text.histogram(row, snapshot.measures[index], device);
    }
  }
  write_peers(text, snapshot, device);
  write_watched_peers(text, snapshot, device);
  text.end();
}

}  // namespace wgu
