#include "status_text.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <span>

#include "quantities.h"

namespace wgu::status {
namespace {

template <class... Arguments>
void append(std::string& text, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Arguments>(arguments)...);
}

void append_drops(std::string& text, std::span<const std::uint64_t> drops, Direction direction) {
  for (const DropInfo& row : drop_table()) {
    const std::uint64_t count = drops[static_cast<std::size_t>(row.drop)];
    if (row.direction == direction && count > 0) append(text, "    {:>12}  {}: {}\n", count, row.name, row.help);
  }
}

// The rows of `measures`, which stand in the order of the table and may be fewer.
std::string table_of(std::span<const Histogram> measures) {
  std::string text;
  for (const MeasureInfo& row : measure_table()) {
    const auto index = static_cast<std::size_t>(row.measure);
    if (index >= measures.size() || measures[index].count() == 0) continue;
    const Histogram& values = measures[index];
    if (text.empty())
      append(text, "  {:<21}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}\n", "measured", "p50", "p90", "p99", "p99.9", "most", "times");
    append(text, "  {:<21}", row.key);
    for (const double percent : {50.0, 90.0, 99.0, 99.9}) append(text, "{:>10}", value_text(row, values.percentile(percent)));
    append(text, "{:>10}{:>10}\n", value_text(row, static_cast<double>(values.max())), count_text(static_cast<double>(values.count())));
  }
  return text;
}

void append_flows(std::string& text, const Counters& sum) {
  append(text, "  out  {} packets, {} from the device; {} packets, {} sent; {} queued, {} dropped\n", sum.device_packets_received,
         bytes_text(static_cast<double>(sum.device_bytes_received)), sum.data_packets_sent,
         bytes_text(static_cast<double>(sum.data_bytes_sent)), sum.outbound_queued, sum.dropped(Direction::kOutbound));
  append_drops(text, sum.drops, Direction::kOutbound);
  append(text, "  in   {} datagrams, {} from the network; {} packets, {} delivered; {} handshakes and keepalives, {} queued, {} dropped\n",
         sum.datagrams_received, bytes_text(static_cast<double>(sum.datagram_bytes_received)), sum.device_packets_sent,
         bytes_text(static_cast<double>(sum.device_bytes_sent)), sum.inbound_consumed, sum.inbound_queued,
         sum.dropped(Direction::kInbound));
  append_drops(text, sum.drops, Direction::kInbound);
}

void append_peer(std::string& text, const PeerSnapshot& peer, WallTime now) {
  const bool is_known = peer.last_handshake != WallTime{};
  append(text, "  peer {}\n    {}, handshake {}, received {}, sent {}\n    allowed", peer.public_key.base64(),
         peer.endpoint.is_set() ? peer.endpoint.to_string() : "no endpoint",
         is_known ? age_text(now.seconds - peer.last_handshake.seconds) + " ago" : "never", bytes_text(static_cast<double>(peer.rx_bytes)),
         bytes_text(static_cast<double>(peer.tx_bytes)));
  for (const Prefix& prefix : peer.allowed_ips) append(text, " {}", prefix.to_string());
  text += peer.allowed_ips.empty() ? " nothing\n" : "\n";
  if (peer.path_mtu != 0) append(text, "    path takes packets of {} bytes\n", peer.path_mtu);
  if (peer.drops.empty()) return;  // it is not watched
  for (const Direction direction : {Direction::kOutbound, Direction::kInbound}) append_drops(text, peer.drops, direction);
  text += table_of(peer.stages);
}

}  // namespace

std::string printable(std::string line) {
  for (char& c : line) c = c >= ' ' && c < 0x7f ? c : '?';
  return line;
}

std::string value_text(const MeasureInfo& measure, double value) {
  if (measure.family.unit == "seconds") return duration_text(value);  // recorded in nanoseconds
  if (measure.family.unit == "bytes") return bytes_text(value);
  return count_text(value);
}

std::string measures_text(const Snapshot& snapshot) { return table_of(snapshot.measures); }

std::string status_text(const Snapshot& snapshot) {
  Counters sum;
  for (const Counters& worker : snapshot.workers) sum += worker;
  std::string text;
  append(text, "{}: {} worker(s), {} peer(s), telemetry {}\n", printable(snapshot.interface_name), snapshot.workers.size(),
         snapshot.peers.size(), name_of(snapshot.level));
  append(text, "  public key {}\n", snapshot.public_key == PublicKey{} ? "(none)" : snapshot.public_key.base64());
  append_flows(text, sum);
  append(text, "  handshakes {} completed ({} as initiator), {} given up\n",
         sum.handshakes_completed_as_initiator + sum.handshakes_completed_as_responder, sum.handshakes_completed_as_initiator,
         sum.handshakes_given_up);
  text += measures_text(snapshot);
  for (const PeerSnapshot& peer : snapshot.peers) append_peer(text, peer, snapshot.taken);
  return text;
}

}  // namespace wgu::status
