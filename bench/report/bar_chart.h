#pragma once
// One panel of horizontal bars: what was done, by everybody who did it. A bar ends at the median and begins at zero; a whisker goes from
// the least to the greatest sample, each sample is a dot. Beside it the median in words and its share of the limits.

#include "bench/report/groups.h"
#include "bench/report/html.h"

namespace wgu::bench {

// `metric` is for the accessible description: "Throughput".
[[nodiscard]] Html bar_chart(const Panel& panel, const std::string& metric, const Subjects& subjects);

}  // namespace wgu::bench
