#pragma once
// Trials through a testbed, generator and sink each in a child process at its end.

#include "bench/lab/testbed.h"
#include "bench/ndr/trial.h"

namespace wgu::bench {

// From end a to end b. The testbed outlives what is returned.
[[nodiscard]] Trial tunnel_trial(Testbed& testbed, TrialLoad load);

}  // namespace wgu::bench
