#include "conservation.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

namespace wgu::status {
namespace {

constexpr std::array kDirections{Direction::kOutbound, Direction::kInbound};
constexpr std::size_t index(Direction direction) { return static_cast<std::size_t>(direction); }

Counters sum_of(const Snapshot& snapshot) {
  Counters sum;
  for (const Counters& worker : snapshot.workers) sum += worker;
  return sum;
}

// One direction of a worker, or of all.
struct Flow {
  std::uint64_t received, adopted, delivered, consumed, dropped, queued, forwarded;
};
Flow flow_of(const Counters& c, Direction direction) {
  if (direction == Direction::kOutbound) {
    return {c.device_packets_received, c.outbound_adopted, c.data_packets_sent, 0,
            c.dropped(direction),      c.outbound_queued,  c.outbound_forwarded};
  }
  return {c.datagrams_received, c.inbound_adopted,  c.device_packets_sent - c.icmp_sent, c.inbound_consumed, c.dropped(direction),
          c.inbound_queued,     c.inbound_forwarded};
}

std::string_view name_of(Direction direction) {
  return direction == Direction::kOutbound ? "outbound (device to network)" : "inbound (network to device)";
}

void append_flow(std::string& text, std::string_view who, const Flow& flow, std::int64_t unexplained) {
  fmt::format_to(std::back_inserter(text), "  {:<9} in {}{} = delivered {}{} + dropped {} + queued {}{}; unexplained {}\n", who,
                 flow.received, flow.adopted > 0 ? fmt::format(" + adopted {}", flow.adopted) : "", flow.delivered,
                 flow.consumed > 0 ? fmt::format(" + consumed {}", flow.consumed) : "", flow.dropped, flow.queued,
                 flow.forwarded > 0 ? fmt::format(" + forwarded {}", flow.forwarded) : "", unexplained);
}

std::string between_text(const Bounds& bounds) {
  if (bounds.is_exact()) return bounds.least == 0 ? "nothing lost between workers" : fmt::format("lost between workers: {}", bounds.least);
  return fmt::format("lost between workers: {} to {} (packets are on their way)", bounds.least, bounds.most);
}

}  // namespace

bool Conservation::holds() const noexcept {
  const bool is_each_explained =
      std::all_of(unexplained.begin(), unexplained.end(), [](const auto& worker) { return worker[0] == 0 && worker[1] == 0; });
  return is_each_explained && between_workers[0].holds_zero() && between_workers[1].holds_zero();
}

bool Conservation::is_settled() const noexcept { return !holds() || (between_workers[0].is_exact() && between_workers[1].is_exact()); }

Conservation judge(std::span<const Snapshot> snapshots) {
  Conservation result;
  result.last = snapshots.back();
  result.unexplained.resize(result.last.workers.size());
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (const Direction direction : kDirections) {
    for (const Snapshot& snapshot : snapshots) {
      for (std::size_t worker = 0; worker < std::min(result.unexplained.size(), snapshot.workers.size()); ++worker) {
        const std::int64_t here = snapshot.workers[worker].unexplained(direction);
        if (here != 0) result.unexplained[worker][index(direction)] = here;
      }
    }
    Bounds bounds{kLeast, kMost};
    for (std::size_t i = 0; i + 1 < snapshots.size(); ++i) {
      const Flow earlier = flow_of(sum_of(snapshots[i]), direction);
      const Flow later = flow_of(sum_of(snapshots[i + 1]), direction);
      bounds.least = std::max(bounds.least, static_cast<std::int64_t>(earlier.forwarded - later.adopted));
      bounds.most = std::min(bounds.most, static_cast<std::int64_t>(later.forwarded - earlier.adopted));
    }
    // A worker alone hands nothing over.
    if (result.last.workers.size() == 1) bounds = {0, 0};
    result.between_workers[index(direction)] = bounds;
  }
  return result;
}

std::string to_text(const Conservation& conservation) {
  std::string text;
  const Snapshot& last = conservation.last;
  const Counters sum = sum_of(last);
  for (const Direction direction : kDirections) {
    text += name_of(direction);
    text += '\n';
    std::int64_t all = 0;
    for (const auto& worker : conservation.unexplained) all += worker[index(direction)];
    append_flow(text, "all", flow_of(sum, direction), all);
    for (std::size_t worker = 0; last.workers.size() > 1 && worker < last.workers.size(); ++worker) {
      append_flow(text, fmt::format("worker {}", worker), flow_of(last.workers[worker], direction),
                  conservation.unexplained[worker][index(direction)]);
    }
    for (const DropInfo& row : drop_table()) {
      if (row.direction == direction && sum.dropped(row.drop) > 0)
        fmt::format_to(std::back_inserter(text), "  dropped   {} {}\n", row.name, sum.dropped(row.drop));
    }
    fmt::format_to(std::back_inserter(text), "  {}\n", between_text(conservation.between_workers[index(direction)]));
  }
  text += conservation.holds() ? "every packet is accounted for\n" : "PACKETS ARE NOT ACCOUNTED FOR\n";
  return text;
}

}  // namespace wgu::status
