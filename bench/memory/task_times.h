#pragma once
// What the threads of this process did, as the scheduler counts it: /proc/self/task/*/schedstat.

#include <sys/types.h>

#include <map>
#include <set>

#include "bench/memory/round.h"
#include "telemetry/host/tasks.h"

namespace wgu::bench {

using TaskTimes = std::map<pid_t, telemetry::TaskRun>;

[[nodiscard]] std::set<pid_t> threads_of_this_process();
// Of the threads that there are now; empty where the kernel does not tell.
[[nodiscard]] TaskTimes read_task_times();

// What `threads` did between two readings `seconds` apart. One that was not there at the first began at zero.
[[nodiscard]] ThreadUse use_of(const std::set<pid_t>& threads, const TaskTimes& before, const TaskTimes& after, double seconds);

}  // namespace wgu::bench
