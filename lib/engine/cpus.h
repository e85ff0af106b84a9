#pragma once
// CPU lists as taskset(1) and the kernel write them, pinning, and who runs first.

#include <optional>
#include <string_view>
#include <vector>

#include "engine/placement.h"
#include "wgu/result.h"

namespace wgu::engine {

// "0-3,8,10-11" -> {0,1,2,3,8,10,11}, in the order written, each CPU once. \errors EINVAL
Result<std::vector<int>> parse_cpu_list(std::string_view text);
// The CPUs that the calling thread may run on, ascending.
std::vector<int> affinity_of_this_thread();
// \errors EINVAL (no such CPU, or not in the cpuset)
Result<void> pin_this_thread(int cpu);
// A thread of this process, by its number (gettid(2)). \errors likewise, ESRCH
Result<void> pin_thread(int thread, int cpu);
// Runs before all threads without a real-time policy (SCHED_RR, lowest priority), and so do the threads that this one starts.
// \errors EPERM (neither CAP_SYS_NICE nor RLIMIT_RTPRIO)
Result<void> run_this_thread_in_real_time();
// How long a thread of this process has run, and has waited for a CPU; nothing where the kernel does not tell (no /proc, or no
// CONFIG_SCHED_INFO).
std::optional<RunTimes> run_times(int thread);

}  // namespace wgu::engine
