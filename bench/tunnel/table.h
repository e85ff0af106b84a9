#pragma once
// The rows of a run as a table for people: one block a row, one line a subject, with its share of the limits (the bare wire, the null
// cipher) and wgu's ratio to it.

#include <string>

#include "bench/results.h"

namespace wgu::bench {

[[nodiscard]] std::string format_table(const Results& results);

}  // namespace wgu::bench
