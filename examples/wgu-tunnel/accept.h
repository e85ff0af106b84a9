#pragma once
// Content negotiation of a scrape: which text format the Accept header asks for (RFC 9110, section 12.5.1).

#include <string_view>

#include "wgu/telemetry.h"

// `accept`: the field's value, several fields joined by commas; empty: none came. The format with the greatest weight; where they
// weigh the same, and where none is acceptable, Prometheus 0.0.4, which everything reads.
[[nodiscard]] wgu::MetricsFormat preferred_format(std::string_view accept);
