#include "bench/ndr/trial.h"

#include <algorithm>
#include <cmath>

#include "bench/traffic/self_test.h"
#include "bench/tunnel/limit.h"

namespace wgu::bench {

double TrialOutcome::loss() const noexcept {
  if (sent.intended == 0) return 1;
  return static_cast<double>(received.lost(sent.intended)) / static_cast<double>(sent.intended);
}

Limit TrialOutcome::limit() const noexcept {
  constexpr double kPaced = 1;  // whatever the rate: there was one
  if (!has_daemons || is_generator_limited(sent, received, kPaced)) return Limit::kGenerator;
  return daemon_busy >= kSaturated || machine_busy >= kMachineFull ? Limit::kCpu : Limit::kNetwork;
}

Trial loopback_trial(TrialLoad load) {
  return [load = std::move(load)](double rate, double seconds) -> Result<TrialOutcome> {
    const auto ends = run_self_test({.sizes = load.sizes,
                                     .segments = load.segments,
                                     .rate = rate,
                                     .duration = std::llround(seconds * static_cast<double>(kSecond)),
                                     .family = load.family});
    if (!ends) return ends.error();
    return TrialOutcome{.sent = ends->sent, .received = ends->received};
  };
}

}  // namespace wgu::bench
