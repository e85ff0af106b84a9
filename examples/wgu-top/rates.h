#pragma once
// What happened between two snapshots of one device.

#include <optional>
#include <vector>

#include "wgu/telemetry.h"

namespace wgu::top {

// A second.
struct FlowRate {
  double packets = 0, bytes = 0;  // inner packets: goodput
};

struct WorkerRate {
  std::optional<double> cpu;      // share of one CPU that its thread had; none: the kernel does not tell
  std::optional<double> waiting;  // ... of the time, in which it could have run and had none
  double packets_out = 0, packets_in = 0, rounds = 0;
};

struct DropRate {
  const DropInfo* info = nullptr;
  double rate = 0;
  std::uint64_t total = 0;
};

struct PeerRate {
  const PeerSnapshot* now = nullptr;  // of the later snapshot
  FlowRate out, in;
};

struct Rates {
  double seconds = 0;
  FlowRate out, in;
  std::vector<WorkerRate> workers;
  std::vector<DropRate> drops;      // those that ever happened, the most frequent first
  std::vector<Histogram> measures;  // by Measure, of the window
  std::vector<PeerRate> peers;      // the busiest first, then in the device's order
};

// Refers to `later`. None: the counters went back, so this is another device than it was. \pre seconds > 0
[[nodiscard]] std::optional<Rates> rates_between(const Snapshot& earlier, const Snapshot& later, double seconds);

}  // namespace wgu::top
