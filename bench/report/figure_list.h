#pragma once
// Rows that have nobody beside them: a bar from zero to itself would say nothing, so they are a list of figures.

#include <span>

#include "bench/report/groups.h"
#include "bench/report/html.h"

namespace wgu::bench {

[[nodiscard]] Html figure_list(std::span<const Row* const> rows);

}  // namespace wgu::bench
