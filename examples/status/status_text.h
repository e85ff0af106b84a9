#pragma once
// What `wgu-tunnel --status` prints of a snapshot.

#include <string>

#include "wgu/telemetry.h"

namespace wgu::status {

// The device, where its packets went, times and sizes as far as they were measured, and the peers.
[[nodiscard]] std::string status_text(const Snapshot& snapshot);

// The table of measures alone: "stage  p50 p90 p99 p99.9 max  packets". Empty when nothing was measured.
[[nodiscard]] std::string measures_text(const Snapshot& snapshot);

// A line as a terminal may have it: what could steer it (an interface's name may hold that, or what a stranger answers) becomes '?'.
[[nodiscard]] std::string printable(std::string line);

// A value of `measure`, which recorded it, in its unit.
[[nodiscard]] std::string value_text(const MeasureInfo& measure, double value);

}  // namespace wgu::status
