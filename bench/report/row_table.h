#pragma once
// Every row of a run with all its samples: what the charts were drawn from.

#include <span>

#include "bench/report/groups.h"
#include "bench/report/html.h"

namespace wgu::bench {

[[nodiscard]] Html row_table(std::span<const MetricGroup> groups);

}  // namespace wgu::bench
