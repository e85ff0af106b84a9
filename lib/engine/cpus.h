#pragma once
// CPU lists as taskset(1) and the kernel write them, and pinning.

#include <string_view>
#include <vector>

#include "wgu/result.h"

namespace wgu::engine {

// "0-3,8,10-11" -> {0,1,2,3,8,10,11}, in the order written, each CPU once. \errors EINVAL
Result<std::vector<int>> parse_cpu_list(std::string_view text);
// The CPUs that the calling thread may run on, ascending.
std::vector<int> affinity_of_this_thread();
// \errors EINVAL (no such CPU, or not in the cpuset)
Result<void> pin_this_thread(int cpu);

}  // namespace wgu::engine
