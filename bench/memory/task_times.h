#pragma once
// What the threads of this process did, as the scheduler counts it: /proc/self/task/*/schedstat.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "bench/memory/round.h"

namespace wgu::bench {

struct TaskTime {
  std::uint64_t ran = 0;      // ns
  std::uint64_t waited = 0;   // ns, runnable and without a CPU
  std::uint64_t wakeups = 0;  // times it got one
  friend bool operator==(const TaskTime&, const TaskTime&) = default;
};
using TaskTimes = std::map<pid_t, TaskTime>;

// "RAN WAITED TIMES\n". None: not that.
[[nodiscard]] std::optional<TaskTime> parse_task_schedstat(std::string_view text);

[[nodiscard]] std::set<pid_t> threads_of_this_process();
// Of the threads that there are now; empty where the kernel does not tell.
[[nodiscard]] TaskTimes read_task_times();

// What `threads` did between two readings `seconds` apart. One that was not there at the first began at zero.
[[nodiscard]] ThreadUse use_of(const std::set<pid_t>& threads, const TaskTimes& before, const TaskTimes& after, double seconds);

}  // namespace wgu::bench
