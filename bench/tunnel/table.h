#pragma once
// The rows of a run as a table for people: one block a row, one line a subject, with its share of the limits (the bare wire, the null
// cipher) and wgu's ratio to it.

#include <string>

#include "bench/results.h"

namespace wgu::bench {

[[nodiscard]] std::string format_table(const Results& results);

// A value in the unit people say: "1.53 Gbit/s", "48.1 us", "12.3 MiB", "163 kpps", "0.21 %".
[[nodiscard]] std::string format_value(double value, std::string_view unit);

}  // namespace wgu::bench
