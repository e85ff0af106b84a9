#pragma once
// There and back through the tunnel, open loop: small requests at a fixed rate, each timed from when it was to leave.

#include "bench/lab/testbed.h"
#include "bench/traffic/echo.h"
#include "bench/tunnel/limit.h"
#include "wgu/result.h"

namespace wgu::bench {

struct RoundTrips {
  EchoMeasured measured{};
  LatencyEvidence evidence{};
};

// From the end A, of a server at B. \param warm_up, seconds  of requests that do not count, and that do
Result<RoundTrips> measure_round_trips(Testbed& testbed, double warm_up, double seconds);

}  // namespace wgu::bench
