#pragma once
// Results to make pages of: as they come, and as nobody should have to expect them.

#include <string>
#include <vector>

#include "bench/results.h"

namespace wgu::bench::fixtures {

// A whole tunnel run beside five peers and two limits, with curves, left-out rows and host counters; the figures are made up.
[[nodiscard]] Results tunnel();
// Seal and open of every size and batch by three of our kernels and three libraries.
[[nodiscard]] Results micro();
// Ten earlier runs of `tunnel()`, slowly getting faster.
[[nodiscard]] std::vector<Results> earlier_tunnels();

// Markup, quotes, broken UTF-8 and endless names wherever a file can hold text; zero samples, one sample, infinities, negative, tiny
// and huge values.
[[nodiscard]] Results hostile();
[[nodiscard]] Results empty();

}  // namespace wgu::bench::fixtures
