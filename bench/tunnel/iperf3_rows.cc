// iperf3/...: the same loads by another program, as a second opinion on the own generator. Its whole run counts, start and end included.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/lab/child.h"
#include "bench/tunnel/iperf3_report.h"
#include "bench/tunnel/scenario.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::uint16_t kIperfPort = 5201;
constexpr auto kPatience = 10s;

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

// Asked of the kernel: a connection that only looks would be taken for the one client.
bool is_listening(const NetworkNamespace& where) {
  const Visit visit(where);
  std::ifstream sockets("/proc/thread-self/net/tcp");
  const std::string port = fmt::format(":{:04X} 00000000:0000 0A ", kIperfPort);
  for (std::string line; std::getline(sockets, line);) {
    if (line.find(port) != std::string::npos) return true;
  }
  return false;
}

Result<Iperf3Report> run_iperf3(Testbed& testbed, const Arguments& load, double seconds) {
  const std::string address = testbed.inner(End::kB).to_string();
  const io::FileDescriptor null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  auto server = Child::start(testbed.at(End::kB), [&]() -> int {
    become_iperf3({"-s", "-1", "-B", address, "-p", std::to_string(kIperfPort)}, null.get());
  });
  if (!server) return std::move(server).error();
  for (const auto deadline = steady_clock::now() + 2s; !is_listening(testbed.at(End::kB)); std::this_thread::sleep_for(2ms)) {
    if (steady_clock::now() > deadline) return Error{ETIME, "iperf3 -s does not listen"};
  }
  // The report comes through a pipe of its own, as the client is exec'd.
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return io::system_error(errno, "make a pipe");
  const io::FileDescriptor read(ends[0]);
  io::FileDescriptor write(ends[1]);
  Arguments arguments = {
      "-c", address, "-p", std::to_string(kIperfPort), "-t", fmt::format("{}", std::max(1, static_cast<int>(seconds + 0.5))), "--json"};
  arguments.insert(arguments.end(), load.begin(), load.end());
  auto client = Child::start(testbed.at(End::kA), [&]() -> int { become_iperf3(arguments, write.get()); });
  if (!client) return std::move(client).error();
  write.reset();
  auto text = read_until_end(read.get(), steady_clock::now() + std::chrono::milliseconds(static_cast<int>(seconds * 1e3)) + kPatience);
  if (!text) return std::move(text).error();
  client->wait(steady_clock::now() + 1s);
  return parse_iperf3(*text);
}

Result<Measured> measure(Testbed& testbed, const Arguments& load, double seconds) {
  const auto before = testbed.usage();
  if (!before) return before.error();
  const auto report = run_iperf3(testbed, load, seconds);
  if (!report) return report.error();
  const auto after = testbed.usage();
  if (!after) return after.error();
  Measured measured;
  Cost cost = cost_between(*before, *after);
  cost.seconds = report->seconds;
  if (report->packets + report->lost > 0) {
    measured.figures.push_back({"packet_rate", "packet/s", true, report->packets / report->seconds});
    measured.figures.push_back({"loss", "1", false, report->lost / (report->packets + report->lost)});
  }
  add_payload_figures(measured, cost, report->bytes, testbed.subject().is_bare());
  measured.note = "the limit is not known: iperf3's own use of the CPUs is not measured";
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
