#include "bench/lab/process_usage.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "io/system_error.h"

namespace wgu::bench {
namespace {

constexpr std::uint64_t kKib = 1024;

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// "VmRSS:     1234 kB" of /proc/PID/status.
std::optional<std::uint64_t> size_field(std::string_view status, std::string_view name) {
  const std::string line_begin = "\n" + std::string(name) + ":";
  std::size_t at = status.find(line_begin);
  if (at == std::string_view::npos) return std::nullopt;
  at = status.find_first_not_of(" \t", at + line_begin.size());
  std::uint64_t value = 0;
  if (at == std::string_view::npos) return std::nullopt;
  const auto [end, error] = std::from_chars(status.data() + at, status.data() + status.size(), value);
  if (error != std::errc() || !std::string_view(end, status.data() + status.size()).starts_with(" kB")) return std::nullopt;
  return value * kKib;
}

// The names in a folder of /proc that are numbers. The folder may vanish while it is read.
std::vector<pid_t> numbers_in(const std::string& folder) {
  std::vector<pid_t> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    pid_t number = 0;
    const auto [rest, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (wrong == std::errc() && rest == name.data() + name.size()) numbers.push_back(number);
  }
  return numbers;
}

// Of one thread of a later reading.
double awake_since(const ThreadClaims& before, const ThreadClaims::value_type& thread) {
  const auto earlier = before.find(thread.first);
  const CpuClaim from = earlier == before.end() ? CpuClaim{} : earlier->second;
  return thread.second.ran - from.ran + thread.second.waited - from.waited;
}

}  // namespace

double MachineTime::busy_share_since(const MachineTime& before) const {
  const auto worked = static_cast<double>(busy - before.busy);
  const double all = worked + static_cast<double>(idle - before.idle);
  return all > 0 ? worked / all : 0;
}

std::optional<Memory> parse_memory(std::string_view status) {
  const auto resident = size_field(status, "VmRSS");
  const auto peak = size_field(status, "VmHWM");
  if (!resident || !peak) return std::nullopt;
  return Memory{*resident, *peak};
}

std::optional<MachineTime> parse_machine_time(std::string_view stat) {
  std::istringstream fields{std::string(stat.substr(0, stat.find('\n')))};
  std::string name;
  // user nice system idle iowait irq softirq steal; guest time, which follows, is part of user
  std::array<std::uint64_t, 8> ticks{};
  if (!(fields >> name) || name != "cpu") return std::nullopt;
  for (auto& value : ticks) {
    if (!(fields >> value)) return std::nullopt;
  }
  return MachineTime{ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7], ticks[3] + ticks[4]};
}

std::optional<CpuClaim> parse_schedstat(std::string_view schedstat) {
  std::istringstream fields{std::string(schedstat)};
  std::uint64_t ran = 0;
  std::uint64_t waited = 0;
  if (!(fields >> ran >> waited)) return std::nullopt;
  return CpuClaim{static_cast<double>(ran) / 1e9, static_cast<double>(waited) / 1e9};
}

double busiest_share(const ThreadClaims& before, const ThreadClaims& after, double seconds) {
  double most = 0;
  for (const auto& thread : after) most = std::max(most, awake_since(before, thread));
  return seconds > 0 ? most / seconds : 0;
}

double awake_seconds(const ThreadClaims& before, const ThreadClaims& after) {
  double sum = 0;
  for (const auto& thread : after) sum += awake_since(before, thread);
  return sum;
}

bool is_running(pid_t pid) {
  const std::string stat = read_text(fmt::format("/proc/{}/stat", pid));
  const std::size_t name_end = stat.rfind(')');  // the name may hold anything
  return name_end != std::string::npos && name_end + 2 < stat.size() && stat[name_end + 2] != 'Z' && stat[name_end + 2] != 'X';
}

Result<double> cpu_seconds(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (const int error = ::clock_getcpuclockid(pid, &clock); error != 0) return io::system_error(error, fmt::format("CPU time of {}", pid));
  if (::clock_gettime(clock, &time) != 0) return io::system_error(errno, fmt::format("CPU time of {}", pid));
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

ThreadClaims thread_claims(pid_t pid) {
  ThreadClaims claims;
  for (const pid_t thread : numbers_in(fmt::format("/proc/{}/task", pid))) {
    if (const auto claim = parse_schedstat(read_text(fmt::format("/proc/{}/task/{}/schedstat", pid, thread)))) claims[thread] = *claim;
  }
  return claims;
}

Result<CpuClaim> own_claim() {
  const auto claim = parse_schedstat(read_text("/proc/thread-self/schedstat"));
  if (!claim) return Error{EOPNOTSUPP, "this kernel does not tell how long threads run and wait (CONFIG_SCHED_INFO)"};
  return *claim;
}

Result<Memory> memory(pid_t pid) {
  const auto found = parse_memory(read_text(fmt::format("/proc/{}/status", pid)));
  if (!found) return Error{ESRCH, fmt::format("no memory figures of process {}", pid)};
  return *found;
}

Result<MachineTime> machine_time() {
  const auto found = parse_machine_time(read_text("/proc/stat"));
  if (!found) return Error{EPROTO, "cannot read /proc/stat"};
  return *found;
}

std::vector<pid_t> processes_in(unsigned long network_namespace_inode) {
  std::vector<pid_t> found;
  for (const pid_t pid : numbers_in("/proc")) {
    struct stat status {};
    if (::stat(fmt::format("/proc/{}/ns/net", pid).c_str(), &status) == 0 && status.st_ino == network_namespace_inode && is_running(pid)) {
      found.push_back(pid);
    }
  }
  return found;
}

}  // namespace wgu::bench
