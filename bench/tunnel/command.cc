// `wgu-bench tunnel`: options; into the sandbox; testbeds; rows in rounds; table and file. Whatever ends this process takes the sandbox,
// and all in it, along.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <regex>

#include "bench/commands.h"
#include "bench/host_counters.h"
#include "bench/lab/sandbox.h"
#include "bench/traffic/self_test.h"
#include "bench/tunnel/runner.h"
#include "bench/tunnel/subjects.h"
#include "bench/tunnel/table.h"
#include "bench/tunnel/testbed_options.h"

namespace wgu::bench {
namespace {

constexpr std::uint32_t kSmallestLoad = 64;  // bytes of payload

bool is_wanted(const std::string& row, const TunnelOptions& options) {
  return options.rows.empty() || std::regex_search(row, std::regex(options.rows));
}

Scenarios scenarios_of(const TunnelOptions& options, Missing& missing) {
  Scenarios all;
  add_tcp_scenarios(all, options);
  add_iperf3_scenarios(all, options, missing);
  add_udp_scenarios(all, options);
  add_latency_scenarios(all, options);
  add_peers_scenarios(all, options);
  add_hub_scenarios(all, options);
  add_handshake_scenarios(all, options);
  add_flood_scenarios(all, options);
  add_rekey_scenarios(all, options);
  std::erase_if(all, [&](const Scenario& scenario) { return !is_wanted(scenario.name, options); });
  return all;
}

std::vector<std::string> ndr_loads_of(const TunnelOptions& options) {
  std::vector<std::string> loads;
  for (const char* name : kNdrLoads) {
    if (is_wanted(std::string("ndr/") + name, options)) loads.emplace_back(name);
  }
  return loads;
}

// What the run is like, so that a result explains itself. The wires of all testbeds are alike.
Environment describe(Environment environment, const std::vector<Subject>& subjects, const Runner& runner) {
  const Environment offloads = runner.wire_offloads();
  environment.insert(environment.end(), offloads.begin(), offloads.end());
  for (const Subject& subject : subjects) {
    if (!subject.is_bare()) environment.emplace_back("note/command/" + subject.name, subject.command);
  }
  return environment;
}

// What the generator reaches with nothing in between, to read the rows by.
void test_generator(const TunnelOptions& options, Results& results) {
  const Family family = options.testbed.family;
  for (const std::uint32_t size : {kSmallestLoad, options.testbed.inner_mtu - udp_headers(family)}) {
    const auto alone = best_self_test({.sizes = {size}, .family = family});
    if (!alone) {
      results.left_out.emplace_back(fmt::format("the generator's self-test, {} bytes", size), alone.error().message);
      continue;
    }
    fmt::print("{}\n", alone->summary());
    results.environment.emplace_back(fmt::format("note/self_test/bytes:{}", size), alone->summary());
  }
  std::fflush(stdout);
}

int measure(const TunnelOptions& options, const Environment& host) {
  const auto begun = std::chrono::steady_clock::now();
  Results results;
  results.command = "tunnel";
  results.begun = utc_now();
  results.configuration = settings_of(options);
  const auto subjects = subjects_of(options.wgu_tunnel, options.peers, results.left_out);
  for (const Subject& subject : subjects) {
    if (subject.name != kWgu && subject.name != kNull) results.references.push_back(subject.name);
  }
  test_generator(options, results);
  const Scenarios scenarios = scenarios_of(options, results.left_out);
  Runner runner(subjects, options, results);
  runner.set_up();
  const Environment described = describe(host, subjects, runner);
  results.environment.insert(results.environment.begin(), described.begin(), described.end());
  results.configuration_hash = configuration_hash(results.configuration, results.environment);
  results.host_before = runner.host_counters();
  runner.run(scenarios);
  if (is_wanted(kMemoryAfterLoad, options)) runner.record_memory();
  if (options.is_full) runner.search_rates(ndr_loads_of(options));

  results.host_after = runner.host_counters();
  results.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  fmt::print("{}", format_table(results));
  if (results.rows.empty()) {
    fmt::print(stderr, "wgu-bench tunnel: nothing was measured\n");
    return 1;
  }
  write_files(results, options.files).value();
  return 0;
}

int run_contained(TunnelOptions options) {
  settle_files(options.files, "tunnel");
  options.is_root = ::geteuid() == 0;           // everyone is, in there
  const Environment host = read_environment();  // most sysctls of the network are not to be seen in there
  const auto status = run_in_sandbox([&] { return measure(options, host); });
  if (status) return *status;
  fmt::print(stderr, "wgu-bench tunnel: {}\nWithout namespaces there is `wgu-bench memory`, and `wgu-bench micro`.\n",
             status.error().message);
  return 1;
}

}  // namespace

void add_tunnel(CLI::App& program, Run& run) {
  auto options = std::make_shared<TunnelOptions>();
  CLI::App* command =
      program.add_subcommand("tunnel", "Whole tunnels end to end, in network namespaces of their own, beside other daemons.");
  add_testbed_options(*command, {options->peers, options->wgu_tunnel, options->testbed, options->files});
  command->add_flag(
      "--full", options->is_full,
      "Also all frame sizes, latency under load, a hub, handshakes and floods, 10,000 peers, a run across rekeys, rates without loss (ndr)");
  command->add_option("--rows", options->rows, "Only rows whose name matches this regular expression, e.g. 'tcp/streams:1/'")
      ->check([](const std::string& text) -> std::string {
        try {
          static_cast<void>(std::regex(text));
          return "";
        } catch (const std::regex_error& error) {
          return "not a regular expression: " + text;
        }
      });
  command->add_option("--rounds", options->rounds, "Samples of each row (default 5)")->check(CLI::Range(1, 1000));
  command->add_option("--seconds", options->seconds, "Measured time of a round, after the warm-up (default 1)")
      ->check(CLI::Range(0.05, 600.0));
  command->add_option("--warm-up", options->warm_up, "Seconds of load before that, not counted (default 0.3)")
      ->check(CLI::Range(0.0, 60.0));
  command->add_option("--rekey-seconds", options->rekey_seconds, "Length of the run across rekeys (default 260: two rekeys)")
      ->check(CLI::Range(125.0, 3600.0));
  command->footer(
      "UDP rows name the payload's bytes; packets leave one by one unless the row's name says gso. Each row shows the median of its "
      "rounds,\n"
      "least and most, its share of the bare wire and of wgu with a cipher that only copies, and what limited it:\n"
      "generator, cpu (the daemons'), network (a queue on the way), protocol (TCP waiting for itself), wake-ups (who is to carry a packet\n"
      "sleeps until it comes), or nothing (a size; a load of a set rate that all arrived). The table goes to standard output, the results "
      "to\n"
      "a file, their page to another (--out, --page, --no-files). Two ways to run the same daemon are two subjects; what a second worker\n"
      "gives a hub with 16 peers, on 2 CPUs, stands under \"wgu is\":\n"
      "  wgu-bench tunnel --full --rows '^hub/' --peer '1 worker=wgu-tunnel -f --workers 1'");
  command->callback([options, &run] {
    check_testbed_options(options->testbed);
    run = [options] { return run_contained(*options); };
  });
}

}  // namespace wgu::bench
