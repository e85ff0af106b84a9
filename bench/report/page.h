#pragma once
// The page: one file that needs no other. No network (a content security policy forbids it), no fonts but the reader's; without
// scripts it lacks the theme's button and the quick hints, nothing else.

#include <span>
#include <string>

#include "bench/results.h"

namespace wgu::bench {

// \param runs     shown, in this order
// \param earlier  runs for the history; those that have nothing to do with the shown ones are passed over
[[nodiscard]] std::string page(std::span<const Results> runs, std::span<const Results> earlier = {});

}  // namespace wgu::bench
