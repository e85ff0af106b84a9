#include "bench/tunnel/limit.h"

#include <fmt/format.h>

#include <algorithm>

namespace wgu::bench {

Limit limit_of(const Evidence& e) {
  const bool generator_is_saturated = e.generator_busy >= kSaturated;
  const bool daemons_are_saturated = !e.is_bare && e.daemon_busy >= kSaturated;
  const bool machine_is_full = e.machine_busy >= kMachineFull;
  if (e.is_open_loop) {
    if (e.loss < kNextToNothing || e.sink_loss > 0.5) return Limit::kGenerator;
    return daemons_are_saturated || machine_is_full ? Limit::kCpu : Limit::kNetwork;
  }
  if (e.is_bare) return generator_is_saturated || machine_is_full ? Limit::kGenerator : Limit::kProtocol;
  if (daemons_are_saturated && !generator_is_saturated) return Limit::kCpu;
  if (generator_is_saturated && !daemons_are_saturated) return Limit::kGenerator;
  if (generator_is_saturated || machine_is_full) return e.generator_cpu > e.daemon_cpu ? Limit::kGenerator : Limit::kCpu;
  return Limit::kProtocol;
}

Limit limit_of_latency(const LatencyEvidence& e) {
  constexpr double kHalf = 0.5;
  if (e.unsent > 0) return Limit::kGenerator;
  if (e.daemon_busy >= kSaturated || e.machine_busy >= kMachineFull) return Limit::kCpu;
  const bool is_mostly_awake = e.is_loaded ? e.daemon_busy >= kHalf : e.median > 0 && e.awake >= kHalf * e.median;
  return is_mostly_awake ? Limit::kCpu : Limit::kWakeUps;
}

Limit limit_of_set_rate(const Evidence& e, double at_rekeys) {
  if (e.loss < kNextToNothing && at_rekeys <= 0.5) return Limit::kNothing;
  if (e.sink_loss > 0.5) return Limit::kGenerator;
  if (e.daemon_busy >= kSaturated || e.machine_busy >= kMachineFull) return Limit::kCpu;
  return at_rekeys > 0.5 ? Limit::kProtocol : Limit::kNetwork;
}

Limit limit_of_wait(double daemon_busy) { return daemon_busy >= kSaturated ? Limit::kCpu : Limit::kProtocol; }

CommonLimit common_limit(const std::vector<Limit>& limits) {
  CommonLimit common;
  std::ptrdiff_t most = 0;
  for (const Limit limit : limits) {
    const auto count = std::count(limits.begin(), limits.end(), limit);
    if (count <= most) continue;
    common.limit = limit;
    most = count;
  }
  if (most > 0 && static_cast<std::size_t>(most) < limits.size()) {
    common.note = fmt::format("limited by {} in {} of {} rounds", limit_name(common.limit), most, limits.size());
  }
  return common;
}

}  // namespace wgu::bench
