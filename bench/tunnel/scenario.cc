#include "bench/tunnel/scenario.h"

namespace wgu::bench {

Cost cost_between(const Usage& before, const Usage& after) {
  Cost cost;
  cost.seconds = std::chrono::duration<double>(after.at - before.at).count();
  cost.daemon_cpu = after.daemons - before.daemons;
  cost.daemon_busy = busiest_share(before.threads, after.threads, cost.seconds);
  cost.machine_busy = after.machine.busy_share_since(before.machine);
  return cost;
}

void add_payload_figures(Measured& measured, const Cost& cost, double bytes, bool is_bare) {
  const double gigabits = bytes * 8 / 1e9;
  measured.figures.push_back({"throughput", "bit/s", true, bytes * 8 / cost.seconds});
  if (is_bare || gigabits <= 0) return;
  measured.figures.push_back({"cpu_seconds_per_gb", "s/GB", false, cost.daemon_cpu / (bytes / 1e9)});
  measured.figures.push_back({"cores_per_gbps", "core/(Gbit/s)", false, cost.daemon_cpu / gigabits});
}

}  // namespace wgu::bench
