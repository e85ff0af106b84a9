#include "frame.h"

#include <fmt/format.h>

#include <utility>

#include "status/quantities.h"
#include "status/status_text.h"

namespace wgu::top {
namespace {

using status::age_text;
using status::bit_rate_text;
using status::bytes_text;
using status::count_text;

std::string percent(const std::optional<double>& share) { return share ? fmt::format("{:.0f} %", *share * 100) : "-"; }

std::string flow_text(const FlowRate& flow) {
  return fmt::format("{:>10}  {:>7}/s", bit_rate_text(flow.bytes * 8), count_text(flow.packets));
}

std::string handshake_text(const PeerSnapshot& peer, WallTime now) {
  return peer.last_handshake == WallTime{} ? "never" : age_text(now.seconds - peer.last_handshake.seconds);
}

void append_head(const Snapshot& snapshot, const Rates& rates, std::vector<std::string>& lines) {
  Counters sum;
  for (const Counters& worker : snapshot.workers) sum += worker;
  lines.push_back(fmt::format("{}: {} peer(s), telemetry {}, over {:.1f} s", snapshot.interface_name, snapshot.peers.size(),
                              name_of(snapshot.level), rates.seconds));
  lines.push_back(
      fmt::format("  out {}   queued {}, dropped {}", flow_text(rates.out), sum.outbound_queued, sum.dropped(Direction::kOutbound)));
  lines.push_back(
      fmt::format("  in  {}   queued {}, dropped {}", flow_text(rates.in), sum.inbound_queued, sum.dropped(Direction::kInbound)));
}

void append_workers(const Rates& rates, std::vector<std::string>& lines) {
  lines.push_back(fmt::format("{:<12}{:>8}{:>10}{:>10}{:>10}{:>10}", "worker", "cpu", "waiting", "out/s", "in/s", "rounds/s"));
  for (std::size_t i = 0; i < rates.workers.size(); ++i) {
    const WorkerRate& worker = rates.workers[i];
    lines.push_back(fmt::format("{:<12}{:>8}{:>10}{:>10}{:>10}{:>10}", i, percent(worker.cpu), percent(worker.waiting),
                                count_text(worker.packets_out), count_text(worker.packets_in), count_text(worker.rounds)));
  }
}

void append_measures(const Rates& rates, std::vector<std::string>& lines) {
  bool has_title = false;
  for (const MeasureInfo& row : measure_table()) {
    const auto index = static_cast<std::size_t>(row.measure);
    if (index >= rates.measures.size() || rates.measures[index].count() == 0) continue;
    if (!std::exchange(has_title, true))
      lines.push_back(fmt::format("{:<20}{:>10}{:>10}{:>10}{:>10}", "measured", "p50", "p90", "p99", "p99.9"));
    std::string line = fmt::format("{:<20}", row.key);
    for (const double percentile : {50.0, 90.0, 99.0, 99.9})
      line += fmt::format("{:>10}", status::value_text(row, rates.measures[index].percentile(percentile)));
    lines.push_back(std::move(line));
  }
}

void append_drops(const Rates& rates, std::vector<std::string>& lines) {
  if (rates.drops.empty()) return;
  lines.push_back(fmt::format("{:<30}{:>10}{:>12}", "dropped", "/s", "total"));
  for (const DropRate& drop : rates.drops) {
    const char* direction = drop.info->direction == Direction::kOutbound ? "out" : "in";
    lines.push_back(fmt::format("{:<30}{:>10}{:>12}", fmt::format("{} {}", direction, drop.info->name), count_text(drop.rate), drop.total));
  }
}

void append_peers(const Snapshot& snapshot, const Rates& rates, FrameSize size, std::vector<std::string>& lines) {
  if (rates.peers.empty()) return;
  lines.push_back(fmt::format("{:<12}{:>12}{:>12}{:>10}  {}", "peer", "out", "in", "handshake", "endpoint"));
  std::size_t shown = 0;
  for (const PeerRate& peer : rates.peers) {
    const std::size_t left = rates.peers.size() - shown;
    if (left > 1 && lines.size() + 1 >= size.rows) {
      lines.push_back(fmt::format("... and {} more peers", left));
      return;
    }
    lines.push_back(fmt::format("{:<12}{:>12}{:>12}{:>10}  {}", peer.now->public_key.base64().substr(0, 8) + "...",
                                bit_rate_text(peer.out.bytes * 8), bit_rate_text(peer.in.bytes * 8),
                                handshake_text(*peer.now, snapshot.taken),
                                peer.now->endpoint.is_set() ? peer.now->endpoint.to_string() : "unknown"));
    ++shown;
  }
}

}  // namespace

std::vector<std::string> frame(const Snapshot& later, const Rates& rates, FrameSize size) {
  std::vector<std::string> lines;
  append_head(later, rates, lines);
  append_workers(rates, lines);
  append_measures(rates, lines);
  append_drops(rates, lines);
  append_peers(later, rates, size, lines);
  if (lines.size() > size.rows) lines.resize(size.rows);
  for (std::string& line : lines) {
    line = status::printable(std::move(line));
    if (line.size() > size.columns) line.resize(size.columns);
  }
  return lines;
}

}  // namespace wgu::top
