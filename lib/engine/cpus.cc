#include "engine/cpus.h"

#include <sched.h>

#include <bitset>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string>

#include "values/quote_value.h"

namespace wgu::engine {
namespace {

// Reads a CPU number off the front of `text`; -1 when there is none.
int take_cpu(std::string_view& text) {
  int cpu = -1;
  if (text.empty() || text.front() < '0' || text.front() > '9') return -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
  if (error != std::errc() || cpu >= CPU_SETSIZE) return -1;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return cpu;
}

}  // namespace

Result<std::vector<int>> parse_cpu_list(std::string_view text) {
  const Error wrong{EINVAL, "CPU list " + quote_value(text) + " is not of the form 0-3,8 with CPUs below " + std::to_string(CPU_SETSIZE)};
  std::vector<int> cpus;
  std::bitset<CPU_SETSIZE> seen;  // a search in `cpus` would take minutes for a long list
  while (true) {
    const int first = take_cpu(text);
    int last = first;
    if (!text.empty() && text.front() == '-') {
      text.remove_prefix(1);
      last = take_cpu(text);
    }
    if (first < 0 || last < first) return wrong;
    for (int cpu = first; cpu <= last; ++cpu) {
      if (!seen.test(static_cast<std::size_t>(cpu))) cpus.push_back(cpu);
      seen.set(static_cast<std::size_t>(cpu));
    }
    if (text.empty()) return cpus;
    if (text.front() != ',') return wrong;
    text.remove_prefix(1);
  }
}

std::vector<int> affinity_of_this_thread() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;  // more CPUs than CPU_SETSIZE: the caller must name some
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

Result<void> pin_this_thread(int cpu) { return pin_thread(0, cpu); }

Result<void> pin_thread(int thread, int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu < 0 || cpu >= CPU_SETSIZE) return Error{EINVAL, "CPU " + std::to_string(cpu) + " does not exist"};
  CPU_SET(cpu, &set);
  if (sched_setaffinity(thread, sizeof set, &set) == 0) return {};
  return Error{errno, "pinning to CPU " + std::to_string(cpu) + ": " + std::strerror(errno)};
}

Result<void> run_this_thread_in_real_time() {
  const sched_param lowest{.sched_priority = sched_get_priority_min(SCHED_RR)};
  if (sched_setscheduler(0, SCHED_RR, &lowest) == 0) return {};
  return Error{errno, std::string("SCHED_RR: ") + std::strerror(errno)};
}

// The file holds three numbers: ns on a CPU, ns waiting for one, turns (Documentation/scheduler/sched-stats.rst).
std::optional<RunTimes> run_times(int thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/schedstat");
  std::int64_t running = 0;
  std::int64_t waiting = 0;
  if (!(file >> running >> waiting)) return std::nullopt;
  return RunTimes{std::chrono::nanoseconds(running), std::chrono::nanoseconds(waiting)};
}

}  // namespace wgu::engine
