// The families of a snapshot. A label set is written once for each worker and peer and copied into every line.
#include <algorithm>
#include <optional>

#include "telemetry/exposition.h"

namespace wgu {
namespace {

using telemetry::Exposition;
using telemetry::label;

std::string_view direction_name(Direction direction) { return direction == Direction::kOutbound ? "transmit" : "receive"; }

void write_workers(Exposition& text, const Snapshot& snapshot, const std::string& device) {
  std::vector<std::string> labels;
  for (std::size_t worker = 0; worker < snapshot.workers.size(); ++worker)
    labels.push_back(device + "," + label("worker", std::to_string(worker)));
  for (const CounterInfo& row : counter_table()) {
    text.begin(row.family);
    for (std::size_t worker = 0; worker < labels.size(); ++worker) {
      text.sample(labels[worker], row.label, snapshot.workers[worker].*row.member, row.scale);
    }
  }
  text.begin("wgu_dropped_packets", "counter", "", "Packets that ended here, by direction and reason.");
  for (const DropInfo& row : drop_table()) {
    for (std::size_t worker = 0; worker < labels.size(); ++worker) {
      text.sample(labels[worker] + "," + label("direction", direction_name(row.direction)), {"reason", row.name},
                  snapshot.workers[worker].dropped(row.drop));
    }
  }
  text.begin("wgu_rekeys", "counter", "", "Handshakes begun here, by cause.");
  for (const RekeyCauseInfo& row : rekey_cause_table()) {
    for (std::size_t worker = 0; worker < labels.size(); ++worker) {
      text.sample(labels[worker], {"cause", row.name}, snapshot.workers[worker].rekeyed(row.cause));
    }
  }
  text.begin("wgu_unexplained_packets", "gauge", "",
             "Packets that the counters do not account for; zero, but for packets under way between workers.");
  for (const Direction direction : {Direction::kOutbound, Direction::kInbound}) {
    for (std::size_t worker = 0; worker < labels.size(); ++worker) {
      text.sample(labels[worker], {"direction", direction_name(direction)},
                  static_cast<double>(snapshot.workers[worker].unexplained(direction)));
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
      text.sample(labels[i] + "," + label("allowed_ips", prefix.to_string()),
                  {"family", prefix.address.family == Family::kIpv4 ? "IPv4" : "IPv6"}, std::uint64_t{1});
    }
  }
  text.begin("wireguard_peer_receive_bytes", "counter", "bytes", "UDP payload received from the peer, handshakes and keepalives included.");
  for (std::size_t i = 0; i < peers.size(); ++i) text.sample(labels[i], {}, peers[i].rx_bytes);
  text.begin("wireguard_peer_transmit_bytes", "counter", "bytes", "UDP payload sent to the peer, handshakes and keepalives included.");
  for (std::size_t i = 0; i < peers.size(); ++i) text.sample(labels[i], {}, peers[i].tx_bytes);
  text.begin("wireguard_peer_last_handshake_seconds", "gauge", "seconds",
             "Unix time of the last handshake with the peer, 0 if there was none.");
  for (std::size_t i = 0; i < peers.size(); ++i) text.sample(labels[i], {}, seconds(peers[i].last_handshake));
  const auto knows_path = [](const PeerSnapshot& peer) { return peer.path_mtu != 0; };
  if (std::any_of(peers.begin(), peers.end(), knows_path)) {
    text.begin("wgu_peer_path_mtu_bytes", "gauge", "bytes",
               "The largest outer IP packet that the way to the peer takes, where it is known.");
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (knows_path(peers[i])) text.sample(labels[i], {}, std::uint64_t{peers[i].path_mtu});
    }
  }
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

// Each metric's readings stand together.
void write_host(Exposition& text, const std::vector<HostReading>& readings, const std::string& device) {
  for (const HostReading& reading : readings) {
    const HostMetricInfo& info = info_of(reading.metric);
    text.begin({info.name, info.unit, info.type, info.help});
    std::string labels = device;
    for (std::size_t i = 0; i < kHostLabels; ++i) {
      if (!info.labels[i].empty()) labels += "," + label(info.labels[i], reading.labels[i]);
    }
    text.sample(labels, {}, reading.value);
  }
}

}  // namespace

std::string_view content_type(MetricsFormat format) noexcept {
  return format == MetricsFormat::kOpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                               : "text/plain; version=0.0.4; charset=utf-8";
}

void telemetry::write(Exposition& text, const Snapshot& snapshot) {
  const std::string device = label("device", snapshot.interface_name);
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
  write_host(text, snapshot.host, device);
}

void append_metrics(const Snapshot& snapshot, MetricsFormat format, std::string& out) {
  Exposition text(format, out);
  telemetry::write(text, snapshot);
  text.end();
}

}  // namespace wgu
