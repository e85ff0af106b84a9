#include "telemetry/host/tasks.h"

#include <array>
#include <filesystem>
#include <set>
#include <system_error>

#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {
namespace {

// The value of a line "name : value", which sched and status have, padded differently.
std::optional<std::uint64_t> field(std::string_view text, std::string_view name) {
  for (const std::string_view line : lines_of(text)) {
    const std::vector<std::string_view> words = split(line, " \t:");
    if (words.size() == 2 && words[0] == name) return number<std::uint64_t>(words[1]);
  }
  return std::nullopt;
}

std::set<int> threads_in(const std::string& folder) {
  std::set<int> threads;
  std::error_code error;  // the process may end while its folder is read
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (const auto thread = number<int>(entry->path().filename().string())) threads.insert(*thread);
  }
  return threads;
}

}  // namespace

std::optional<TaskRun> parse_schedstat(std::string_view text) {
  const std::vector<std::string_view> words = split(text, " \n");
  if (words.size() != 3) return std::nullopt;
  const auto ran = number<std::uint64_t>(words[0]);
  const auto waited = number<std::uint64_t>(words[1]);
  const auto turns = number<std::uint64_t>(words[2]);
  return ran && waited && turns ? std::optional(TaskRun{*ran, *waited, *turns}) : std::nullopt;
}

std::optional<TaskStat> parse_task_stat(std::string_view text) {
  // Counted from the field behind the name, which is the third of proc_pid_stat(5): utime is its 14th, processor its 39th.
  constexpr std::size_t kUserTicks = 14 - 3;
  constexpr std::size_t kSystemTicks = 15 - 3;
  constexpr std::size_t kProcessor = 39 - 3;
  const std::size_t name_begin = text.find('(');
  const std::size_t name_end = text.rfind(')');  // the name may hold parentheses and spaces
  if (name_begin == std::string_view::npos || name_end == std::string_view::npos || name_end < name_begin) return std::nullopt;
  const std::vector<std::string_view> fields = split(text.substr(name_end + 1), " \n");
  if (fields.size() <= kSystemTicks) return std::nullopt;
  const auto user = number<std::uint64_t>(fields[kUserTicks]);
  const auto system = number<std::uint64_t>(fields[kSystemTicks]);
  if (!user || !system) return std::nullopt;
  return TaskStat{std::string(text.substr(name_begin + 1, name_end - name_begin - 1)), *user, *system,
                  fields.size() > kProcessor ? number<std::uint32_t>(fields[kProcessor]) : std::nullopt};
}

TaskSwitches parse_task_status(std::string_view text) {
  return {field(text, "voluntary_ctxt_switches"), field(text, "nonvoluntary_ctxt_switches")};
}

std::optional<std::uint64_t> parse_migrations(std::string_view sched) { return field(sched, "se.nr_migrations"); }

std::map<int, TaskReading> read_tasks(const std::string& root, std::string_view process) {
  std::map<int, TaskReading> tasks;
  if (!is_path_part(process)) return tasks;
  const std::string folder = root + "/proc/" + std::string(process) + "/task";
  for (const int thread : threads_in(folder)) {
    const std::string task = folder + '/' + std::to_string(thread);
    TaskReading& reading = tasks[thread];
    if (const auto text = read_text(task + "/stat")) reading.stat = parse_task_stat(*text);
    if (const auto text = read_text(task + "/schedstat")) reading.run = parse_schedstat(*text);
    if (const auto text = read_text(task + "/status")) reading.switches = parse_task_status(*text);
    if (const auto text = read_text(task + "/sched")) reading.migrations = parse_migrations(*text);
  }
  return tasks;
}

std::map<int, TaskRun> read_task_runs(const std::string& root, std::string_view process) {
  std::map<int, TaskRun> runs;
  if (!is_path_part(process)) return runs;
  const std::string folder = root + "/proc/" + std::string(process) + "/task";
  for (const int thread : threads_in(folder)) {
    const auto text = read_text(folder + '/' + std::to_string(thread) + "/schedstat");
    if (const auto run = text ? parse_schedstat(*text) : std::nullopt) runs.emplace(thread, *run);
  }
  return runs;
}

}  // namespace wgu::telemetry
