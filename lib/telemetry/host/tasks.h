#pragma once
// What the threads of a process did, as the scheduler counts it: /proc/PID/task/TID/{stat,status,sched,schedstat}. Kernels differ in
// which of them they have (CONFIG_SCHED_INFO, CONFIG_SCHED_DEBUG).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace wgu::telemetry {

// A thread that always runs or waits for a CPU is what holds up others, however little it ran.
struct TaskRun {
  std::uint64_t ran = 0;     // ns
  std::uint64_t waited = 0;  // ns, runnable and without a CPU
  std::uint64_t turns = 0;   // times it got one
  friend bool operator==(const TaskRun&, const TaskRun&) = default;
};

struct TaskStat {
  std::string name;  // as shown by ps; 15 bytes at the most, any of them
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  std::optional<std::uint32_t> last_cpu;
  friend bool operator==(const TaskStat&, const TaskStat&) = default;
};

struct TaskSwitches {
  std::optional<std::uint64_t> voluntary;    // it waited for something
  std::optional<std::uint64_t> involuntary;  // it was made to give way
  friend bool operator==(const TaskSwitches&, const TaskSwitches&) = default;
};

[[nodiscard]] std::optional<TaskRun> parse_schedstat(std::string_view text);
[[nodiscard]] std::optional<TaskStat> parse_task_stat(std::string_view text);
[[nodiscard]] TaskSwitches parse_task_status(std::string_view text);
// From one CPU to another.
[[nodiscard]] std::optional<std::uint64_t> parse_migrations(std::string_view sched);

struct TaskReading {
  std::optional<TaskStat> stat;
  std::optional<TaskRun> run;
  TaskSwitches switches;
  std::optional<std::uint64_t> migrations;
};

// The threads that there are now, by id; of those that end meanwhile, what could still be read. `process`: an id, or "self".
[[nodiscard]] std::map<int, TaskReading> read_tasks(const std::string& root, std::string_view process);
// Only their schedstat, which is what a sampler wants often: one file a thread instead of four. Threads without are left out.
[[nodiscard]] std::map<int, TaskRun> read_task_runs(const std::string& root, std::string_view process);

}  // namespace wgu::telemetry
