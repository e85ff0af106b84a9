#pragma once
// One row of the table, before it is measured: how a testbed is loaded, and which figures come of it. One file a kind of load.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/lab/testbed.h"
#include "wgu/histogram.h"
#include "bench/results.h"
#include "bench/tunnel/options.h"
#include "wgu/result.h"

namespace wgu::bench {

struct Figure {
  std::string metric;
  std::string unit;
  bool higher_is_better = true;
  double value = 0;
  std::optional<Limit> limit{};  // where it is not that of the round
};

// What one round of one row of one subject gave.
struct Measured {
  std::vector<Figure> figures{};
  Limit limit = Limit::kUnknown;
  std::string note{};
  std::optional<Histogram> latency{};  // becomes a curve, of all rounds together
  std::vector<Curve> curves{};
};

struct Scenario {
  std::string name;
  // The testbed stands and carries traffic. \errors ECHILD: a daemon ended; others: this round could not be measured
  std::function<Result<Measured>(Testbed&)> measure{};
  bool needs_daemon = false;  // the bare wire has nothing to measure
  unsigned rounds = 0;        // instead of the run's; 0: those
  // Instead of measure(), all at once: for loads so long and so light that taking turns would only cost time. As many results as testbeds.
  std::function<std::vector<Result<Measured>>(const std::vector<Testbed*>&)> measure_all{};
};

using Scenarios = std::vector<Scenario>;

// What this profile measures, in the order of the table. `missing` gets what this machine lacks, and why.
using Missing = std::vector<std::pair<std::string, std::string>>;
void add_tcp_scenarios(Scenarios& scenarios, const TunnelOptions& options);                       // tcp_rows.cc
void add_udp_scenarios(Scenarios& scenarios, const TunnelOptions& options);                       // udp_rows.cc
void add_latency_scenarios(Scenarios& scenarios, const TunnelOptions& options);                   // latency_rows.cc
void add_iperf3_scenarios(Scenarios& scenarios, const TunnelOptions& options, Missing& missing);  // iperf3_rows.cc
void add_peers_scenarios(Scenarios& scenarios, const TunnelOptions& options);                     // peers_rows.cc
void add_hub_scenarios(Scenarios& scenarios, const TunnelOptions& options);                       // hub_rows.cc
void add_handshake_scenarios(Scenarios& scenarios, const TunnelOptions& options);                 // handshake_rows.cc
void add_flood_scenarios(Scenarios& scenarios, const TunnelOptions& options);                     // flood_rows.cc
void add_rekey_scenarios(Scenarios& scenarios, const TunnelOptions& options);                     // rekey_rows.cc

// What a stretch of load cost: the common part of all rows that carry payload.
struct Cost {
  double seconds = 0;
  double daemon_cpu = 0;    // s
  double daemon_busy = 0;   // share of the busiest thread
  double machine_busy = 0;  // share
};
[[nodiscard]] Cost cost_between(const Usage& before, const Usage& after);
// Throughput in bit/s, and, with daemons, CPU seconds per GB (10^9 bytes) and cores per Gbit/s, of `bytes` of payload.
void add_payload_figures(Measured& measured, const Cost& cost, double bytes, bool is_bare);

}  // namespace wgu::bench
