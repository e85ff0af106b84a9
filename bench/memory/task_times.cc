#include "bench/memory/task_times.h"

#include <algorithm>
#include <filesystem>

namespace wgu::bench {

std::set<pid_t> threads_of_this_process() {
  std::set<pid_t> threads;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    threads.insert(static_cast<pid_t>(std::stol(task.path().filename().string())));
  }
  return threads;
}

TaskTimes read_task_times() { return telemetry::read_task_runs("", "self"); }

ThreadUse use_of(const std::set<pid_t>& threads, const TaskTimes& before, const TaskTimes& after, double seconds) {
  ThreadUse use;
  for (const pid_t thread : threads) {
    const auto end = after.find(thread);
    if (end == after.end()) continue;
    const auto begin = before.find(thread);
    const telemetry::TaskRun from = begin == before.end() ? telemetry::TaskRun{} : begin->second;
    const double ran = static_cast<double>(end->second.ran - from.ran) / 1e9;
    const double waited = static_cast<double>(end->second.waited - from.waited) / 1e9;
    use.cpu += ran;
    use.waited += waited;
    use.busiest = std::max(use.busiest, (ran + waited) / seconds);
    use.wakeups += end->second.turns - from.turns;
  }
  return use;
}

}  // namespace wgu::bench
