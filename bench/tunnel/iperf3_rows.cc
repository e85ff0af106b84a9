// iperf3/...: the same loads by another program, as a second opinion on the own generator. Its whole run counts, start and end included;
// what limited it is read from a stretch in its middle, while both its ends live.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/lab/child.h"
#include "bench/lab/socket_table.h"
#include "bench/pipe.h"
#include "bench/tunnel/iperf3_report.h"
#include "bench/tunnel/limit.h"
#include "bench/tunnel/scenario.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::uint16_t kIperfPort = 5201;
constexpr auto kPatience = 10s;
constexpr auto kEdge = 150ms;  // at both ends of a run, for starting and for its report

using Arguments = std::vector<std::string>;

bool is_installed() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((folder + "/iperf3").c_str(), X_OK) == 0) return true;
  }
  return false;
}

[[noreturn]] void become_iperf3(const Arguments& arguments, int output) {
  std::vector<char*> argv = {const_cast<char*>("iperf3")};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
  ::execvp("iperf3", argv.data());
  ::_exit(127);
}

std::string sockets_of(const NetworkNamespace& where, const char* protocol, Family family) {
  const Visit visit(where);
  std::ifstream file(fmt::format("/proc/thread-self/net/{}{}", protocol, family == Family::kIpv6 ? "6" : ""));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// One moment of a run: whose CPU time it was, and what the sink's socket had dropped by then.
struct Moment {
  Usage usage{};          // of the daemons
  ThreadClaims iperf3{};  // of both its ends
  std::uint64_t dropped = 0;
};

Result<Moment> moment_of(const Testbed& testbed, std::initializer_list<pid_t> ends) {
  auto usage = testbed.usage();
  if (!usage) return std::move(usage).error();
  Moment moment{std::move(*usage)};
  for (const pid_t end : ends) moment.iperf3.merge(thread_claims(end));
  moment.dropped = dropped_at(sockets_of(testbed.at(End::kB), "udp", testbed.options().family), kIperfPort);
  return moment;
}

struct Iperf3Run {
  Iperf3Report report{};
  Moment before{}, after{};
};

Result<Iperf3Run> run_iperf3(Testbed& testbed, const Arguments& load, double seconds) {
  const std::string address = testbed.inner(End::kB).to_string();
  const Family family = testbed.options().family;
  const io::FileDescriptor null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  auto server = Child::start(testbed.at(End::kB), [&]() -> int {
    become_iperf3({"-s", "-1", "-B", address, "-p", std::to_string(kIperfPort)}, null.get());
  });
  if (!server) return std::move(server).error();
  // Asked of the kernel: a connection that only looks would be taken for the one client.
  const auto is_listening = [&] { return is_listening_at(sockets_of(testbed.at(End::kB), "tcp", family), kIperfPort); };
  for (const auto deadline = steady_clock::now() + 2s; !is_listening(); std::this_thread::sleep_for(2ms)) {
    if (steady_clock::now() > deadline) return Error{ETIME, "iperf3 -s does not listen"};
  }
  // The report comes through a pipe of its own, as the client is exec'd.
  auto pipe = make_pipe();
  if (!pipe) return std::move(pipe).error();
  const auto length = std::chrono::seconds(std::max(1, static_cast<int>(seconds + 0.5)));
  Arguments arguments = {"-c", address, "-p", std::to_string(kIperfPort), "-t", std::to_string(length.count()), "--json"};
  arguments.insert(arguments.end(), load.begin(), load.end());
  const auto begin = steady_clock::now();
  auto client = Child::start(testbed.at(End::kA), [&]() -> int { become_iperf3(arguments, pipe->writing.get()); });
  if (!client) return std::move(client).error();
  pipe->writing.reset();
  std::this_thread::sleep_until(begin + kEdge);
  auto before = moment_of(testbed, {server->pid(), client->pid()});
  std::this_thread::sleep_until(begin + length - kEdge);
  auto after = moment_of(testbed, {server->pid(), client->pid()});
  auto text = read_until_end(pipe->reading.get(), begin + length + kPatience);
  if (!text) return std::move(text).error();
  client->wait(steady_clock::now() + 1s);
  const auto report = parse_iperf3(*text);
  for (const Error* error : {report ? nullptr : &report.error(), before ? nullptr : &before.error(), after ? nullptr : &after.error()}) {
    if (error != nullptr) return *error;
  }
  return Iperf3Run{*report, std::move(*before), std::move(*after)};
}

Evidence evidence_of(const Iperf3Run& run, bool is_bare) {
  const Cost cost = cost_between(run.before.usage, run.after.usage);
  const Iperf3Report& report = run.report;
  Evidence evidence;
  evidence.is_bare = is_bare;
  evidence.is_open_loop = report.packets + report.lost > 0;
  evidence.seconds = cost.seconds;
  evidence.generator_busy = busiest_share(run.before.iperf3, run.after.iperf3, cost.seconds);
  evidence.generator_cpu = awake_seconds(run.before.iperf3, run.after.iperf3);
  evidence.daemon_busy = cost.daemon_busy;
  evidence.daemon_cpu = awake_seconds(run.before.usage.threads, run.after.usage.threads);
  evidence.machine_busy = cost.machine_busy;
  if (evidence.is_open_loop) evidence.loss = report.lost / (report.packets + report.lost);
  // What was dropped in the stretch, as if all of the run had been like it.
  const auto dropped = static_cast<double>(run.after.dropped - std::min(run.before.dropped, run.after.dropped));
  if (report.lost > 0) evidence.sink_loss = dropped * report.seconds / cost.seconds / report.lost;
  return evidence;
}

Result<Measured> measure(Testbed& testbed, const Arguments& load, double seconds) {
  const auto before = testbed.usage();
  if (!before) return before.error();
  const auto run = run_iperf3(testbed, load, seconds);
  if (!run) return run.error();
  const auto after = testbed.usage();
  if (!after) return after.error();
  const Iperf3Report& report = run->report;
  const bool is_bare = testbed.subject().is_bare();
  Measured measured;
  Cost cost = cost_between(*before, *after);
  cost.seconds = report.seconds;
  if (report.packets + report.lost > 0) {
    measured.figures.push_back({"packet_rate", "packet/s", true, report.packets / report.seconds});
    measured.figures.push_back({"loss", "1", false, report.lost / (report.packets + report.lost)});
  }
  add_payload_figures(measured, cost, report.bytes, is_bare);
  measured.limit = limit_of(evidence_of(*run, is_bare));
  return measured;
}

}  // namespace

void add_iperf3_scenarios(Scenarios& scenarios, const TunnelOptions& options, Missing& missing) {
  if (!is_installed()) {
    missing.emplace_back("iperf3/*", "iperf3 is not installed");
    return;
  }
  const auto add = [&](const std::string& name, const Arguments& load) {
    scenarios.push_back({name, [load, seconds = options.seconds](Testbed& testbed) { return measure(testbed, load, seconds); }});
  };
  add("iperf3/tcp/streams:1/forward", {});
  add("iperf3/udp/bytes:64/forward", {"-u", "-b", "0", "-l", "64"});
}

}  // namespace wgu::bench
