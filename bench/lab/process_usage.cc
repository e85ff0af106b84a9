#include "bench/lab/process_usage.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <string>

#include "io/system_error.h"
#include "telemetry/host/kernel_text.h"
#include "telemetry/host/system_stat.h"
#include "telemetry/host/tasks.h"

namespace wgu::bench {
namespace {

constexpr std::uint64_t kKib = 1024;

std::string contents(const std::string& path) { return telemetry::read_text(path).value_or(std::string()); }

CpuClaim claim_of(const telemetry::TaskRun& run) { return {static_cast<double>(run.ran) / 1e9, static_cast<double>(run.waited) / 1e9}; }

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

// The names in /proc that are numbers. Processes end while it is read.
std::vector<pid_t> processes() {
  std::vector<pid_t> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    if (const auto pid = telemetry::number<pid_t>(entry->path().filename().string())) found.push_back(*pid);
  }
  return found;
}

// Of one thread of a later reading.
CpuClaim claimed_since(const ThreadClaims& before, const ThreadClaims::value_type& thread) {
  const auto earlier = before.find(thread.first);
  const CpuClaim from = earlier == before.end() ? CpuClaim{} : earlier->second;
  return {thread.second.ran - from.ran, thread.second.waited - from.waited};
}
double awake_since(const ThreadClaims& before, const ThreadClaims::value_type& thread) {
  const CpuClaim claim = claimed_since(before, thread);
  return claim.ran + claim.waited;
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
  using enum telemetry::CpuState;
  const telemetry::CpuTicks ticks = telemetry::parse_system_stat(stat).all;
  MachineTime time;
  for (const auto state : {kUser, kNice, kSystem, kIrq, kSoftirq, kSteal, kIdle, kIowait}) {
    if (!ticks[state]) return std::nullopt;
    (state == kIdle || state == kIowait ? time.idle : time.busy) += *ticks[state];
  }
  return time;
}

double busiest_share(const ThreadClaims& before, const ThreadClaims& after, double seconds) {
  double most = 0;
  for (const auto& thread : after) most = std::max(most, awake_since(before, thread));
  return seconds > 0 ? most / seconds : 0;
}

double largest_part(const ThreadClaims& before, const ThreadClaims& after) {
  double most = 0;
  double all = 0;
  for (const auto& thread : after) {
    const double ran = claimed_since(before, thread).ran;
    most = std::max(most, ran);
    all += ran;
  }
  return all > 0 ? most / all : 0;
}

double awake_seconds(const ThreadClaims& before, const ThreadClaims& after) {
  double sum = 0;
  for (const auto& thread : after) sum += awake_since(before, thread);
  return sum;
}

bool is_running(pid_t pid) {
  const std::string stat = contents(fmt::format("/proc/{}/stat", pid));
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
  for (const auto& [thread, run] : telemetry::read_task_runs("", std::to_string(pid))) claims[thread] = claim_of(run);
  return claims;
}

Result<CpuClaim> own_claim() {
  const auto run = telemetry::parse_schedstat(contents("/proc/thread-self/schedstat"));
  if (!run) return Error{EOPNOTSUPP, "this kernel does not tell how long threads run and wait (CONFIG_SCHED_INFO)"};
  return claim_of(*run);
}

Result<Memory> memory(pid_t pid) {
  const auto found = parse_memory(contents(fmt::format("/proc/{}/status", pid)));
  if (!found) return Error{ESRCH, fmt::format("no memory figures of process {}", pid)};
  return *found;
}

Result<MachineTime> machine_time() {
  const auto found = parse_machine_time(contents("/proc/stat"));
  if (!found) return Error{EPROTO, "cannot read /proc/stat"};
  return *found;
}

std::vector<pid_t> processes_in(unsigned long network_namespace_inode) {
  std::vector<pid_t> found;
  for (const pid_t pid : processes()) {
    struct stat status {};
    if (::stat(fmt::format("/proc/{}/ns/net", pid).c_str(), &status) == 0 && status.st_ino == network_namespace_inode && is_running(pid)) {
      found.push_back(pid);
    }
  }
  return found;
}

}  // namespace wgu::bench
