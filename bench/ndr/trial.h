#pragma once
// One trial: so many datagrams a second for so long, and what became of them.

#include <functional>
#include <vector>

#include "bench/results.h"
#include "bench/traffic/udp_sender.h"
#include "bench/traffic/udp_sink.h"
#include "wgu/result.h"

namespace wgu::bench {

struct TrialLoad {
  std::vector<std::uint32_t> sizes = {64};  // UDP payloads, in turn
  unsigned segments = 1;                    // > 1: sent in trains
  Family family = Family::kIpv4;            // of loopback_trial(): a testbed has its own
};

struct TrialOutcome {
  UdpSent sent{};
  UdpReceived received{};
  bool has_daemons = false;
  double daemon_busy = 0;   // the busiest thread of the daemons, as a share of the trial
  double machine_busy = 0;  // share of all CPUs

  // Of what was to be sent: what the generator did not manage counts as lost, so that a rate nobody offered is never found.
  [[nodiscard]] double loss() const noexcept;
  // What kept more from arriving: the generator by the rule of traffic/self_test.h; the daemons' CPU when one of their threads or the whole
  // machine was busy (tunnel/limit.h says how busy); else a queue on the way. Between two ends without daemons it is always the generator.
  [[nodiscard]] Limit limit() const noexcept;
};

// Rate in datagrams a second. \errors of that trial; ECHILD: there will be no other
using Trial = std::function<Result<TrialOutcome>(double rate, double seconds)>;

// Over loopback, without a tunnel or privileges: what the generator itself reaches.
[[nodiscard]] Trial loopback_trial(TrialLoad load);

}  // namespace wgu::bench
