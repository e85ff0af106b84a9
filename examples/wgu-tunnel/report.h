#pragma once
// Where every packet went: the counters as one line of JSON.

#include <string>
#include <vector>

#include "wgu/stats.h"

// {"total": {...}, "workers": [{...}, ...]}; "unexplained" is zero in each when every packet is accounted for.
std::string report_counters(const std::vector<wgu::Counters>& workers);
