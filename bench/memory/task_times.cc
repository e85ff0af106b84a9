#include "bench/memory/task_times.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace wgu::bench {
namespace {

constexpr const char* kTasks = "/proc/self/task";

}  // namespace

std::optional<TaskTime> parse_task_schedstat(std::string_view text) {
  std::array<std::uint64_t, 3> numbers{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::uint64_t& number : numbers) {
    while (at != end && *at == ' ') ++at;
    const auto [stopped, error] = std::from_chars(at, end, number);
    if (error != std::errc()) return std::nullopt;
    at = stopped;
  }
  if (std::string_view(at, static_cast<std::size_t>(end - at)) != "\n") return std::nullopt;
  return TaskTime{numbers[0], numbers[1], numbers[2]};
}

std::set<pid_t> threads_of_this_process() {
  std::set<pid_t> threads;
  for (const auto& task : std::filesystem::directory_iterator(kTasks)) {
    threads.insert(static_cast<pid_t>(std::stol(task.path().filename().string())));
  }
  return threads;
}

TaskTimes read_task_times() {
  TaskTimes times;
  for (const pid_t thread : threads_of_this_process()) {
    std::ifstream file(std::string(kTasks) + '/' + std::to_string(thread) + "/schedstat");
    std::ostringstream text;
    text << file.rdbuf();
    if (const auto time = parse_task_schedstat(text.str())) times.emplace(thread, *time);
  }
  return times;
}

ThreadUse use_of(const std::set<pid_t>& threads, const TaskTimes& before, const TaskTimes& after, double seconds) {
  ThreadUse use;
  for (const pid_t thread : threads) {
    const auto end = after.find(thread);
    if (end == after.end()) continue;
    const auto begin = before.find(thread);
    const TaskTime from = begin == before.end() ? TaskTime{} : begin->second;
    const double ran = static_cast<double>(end->second.ran - from.ran) / 1e9;
    const double waited = static_cast<double>(end->second.waited - from.waited) / 1e9;
    use.cpu += ran;
    use.waited += waited;
    use.busiest = std::max(use.busiest, (ran + waited) / seconds);
    use.wakeups += end->second.wakeups - from.wakeups;
  }
  return use;
}

}  // namespace wgu::bench
