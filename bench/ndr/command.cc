// `wgu-bench ndr`: options; into the sandbox; testbeds; a search for each load (search_load.h).
#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "bench/commands.h"
#include "bench/host_counters.h"
#include "bench/lab/sandbox.h"
#include "bench/ndr/search_load.h"
#include "bench/ndr/tunnel_trial.h"
#include "bench/progress.h"
#include "bench/tunnel/options.h"
#include "bench/tunnel/subjects.h"
#include "bench/tunnel/table.h"
#include "bench/tunnel/testbed_options.h"

namespace wgu::bench {
namespace {

struct NdrOptions {
  std::vector<Subject> peers{};
  std::string wgu_tunnel{};
  bool is_loopback = false;
  std::vector<std::string> sizes = {"64", "max", "imix"};
  unsigned segments = 1;
  LoadSearch search{};
  TestbedOptions testbed{};
  ResultFiles files{};
};

using Testbeds = std::vector<std::unique_ptr<Testbed>>;

Settings settings_of(const NdrOptions& options) {
  Settings settings = {
      {"target", options.is_loopback ? "loopback" : "tunnel"},
      {"sizes", fmt::format("{}", fmt::join(options.sizes, ","))},
      {"gso", fmt::format("{}", options.segments)},
      {"rounds", fmt::format("{}", options.search.rounds)},
      {"trial_seconds", fmt::format("{}", options.search.trial_seconds)},
      {"duration_sum", fmt::format("{}", options.search.duration_sum)},
      {"exceed_ratio", fmt::format("{}", options.search.exceed_ratio)},
      {"width", fmt::format("{}", options.search.width)},
      {"min_rate", fmt::format("{}", options.search.min_rate)},
      {"max_rate", options.search.max_rate > 0 ? fmt::format("{}", options.search.max_rate) : "generator"},
  };
  if (options.is_loopback) {
    settings["ip"] = fmt::format("{}", static_cast<int>(options.testbed.family));
    return settings;
  }
  settings.merge(bench::settings_of(options.testbed));
  for (const Subject& peer : options.peers) settings["peer/" + peer.name] = peer.command;
  return settings;
}

std::vector<NamedLoad> loads_of(const NdrOptions& options) {
  std::vector<NamedLoad> loads;
  const std::uint32_t mtu = options.is_loopback ? 65535 : options.testbed.inner_mtu;
  for (const std::string& size : options.sizes) {
    auto load = parse_load(size, mtu, options.segments, options.testbed.family);
    if (!load) throw CLI::ValidationError("--sizes", load.error().message);
    loads.push_back(std::move(*load));
  }
  return loads;
}

Testbeds set_up(const std::vector<Subject>& subjects, const TestbedOptions& options, Progress& progress, Missing& missing) {
  Testbeds testbeds;
  for (const Subject& subject : subjects) {
    progress.show("set up " + subject.name);
    auto testbed = Testbed::create(subject, options);
    auto ready = testbed ? testbed->await_traffic() : Result<void>(testbed.error());
    if (ready) {
      testbeds.push_back(std::make_unique<Testbed>(std::move(*testbed)));
    } else {
      missing.emplace_back(subject.name, ready.error().message);
    }
  }
  return testbeds;
}

std::vector<Contender> contenders_of(const Testbeds& testbeds, const TrialLoad& load) {
  if (testbeds.empty()) return {{"loopback", loopback_trial(load)}};
  std::vector<Contender> contenders;
  for (const auto& testbed : testbeds) contenders.push_back({testbed->subject().name, tunnel_trial(*testbed, load)});
  return contenders;
}

HostCounters host_counters(const Testbeds& testbeds) {
  HostCounters counters = read_host_counters();
  for (const auto& testbed : testbeds) add(counters, testbed->udp_counters());
  return counters;
}

int measure(const NdrOptions& options) {
  const auto begun = std::chrono::steady_clock::now();
  Results results;
  results.command = "ndr";
  results.begun = utc_now();
  results.configuration = settings_of(options);
  results.environment = read_environment();
  Progress progress;
  Testbeds testbeds;
  if (!options.is_loopback) {
    const auto subjects = subjects_of(options.wgu_tunnel, options.peers, results.left_out);
    for (const Subject& subject : subjects) {
      if (!subject.is_bare()) results.environment.emplace_back("note/command/" + subject.name, subject.command);
      if (subject.name != kWgu && subject.name != kNull) results.references.push_back(subject.name);
    }
    testbeds = set_up(subjects, options.testbed, progress, results.left_out);
    progress.clear();
  }
  results.configuration_hash = configuration_hash(results.configuration, results.environment);
  results.host_before = host_counters(testbeds);
  if (options.is_loopback || !testbeds.empty()) {
    for (const NamedLoad& load : loads_of(options))
      search_load(options.search, load, contenders_of(testbeds, load.load), progress, results);
  }

  results.host_after = host_counters(testbeds);
  results.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  fmt::print("{}", format_table(results));
  if (results.rows.empty()) {
    fmt::print(stderr, "wgu-bench ndr: nothing was measured\n");
    return 1;
  }
  write_files(results, options.files).value();
  return 0;
}

int run_contained(NdrOptions options) {
  (void)loads_of(options);  // says what is wrong with --sizes before anything is set up
  settle_files(options.files, "ndr");
  if (options.is_loopback) return measure(options);
  const auto status = run_in_sandbox([&] { return measure(options); });
  if (status) return *status;
  fmt::print(stderr, "wgu-bench ndr: {}\nWithout namespaces there is `wgu-bench ndr --target loopback`: what the generator reaches.\n",
             status.error().message);
  return 1;
}

}  // namespace

void add_ndr(CLI::App& program, Run& run) {
  auto options = std::make_shared<NdrOptions>();
  auto target = std::make_shared<std::string>("tunnel");
  CLI::App* command = program.add_subcommand("ndr", "The highest rates at which no packet is lost, and at most 0.5 %, by packet size.");
  add_testbed_options(*command, {options->peers, options->wgu_tunnel, options->testbed, options->files});
  command->add_option("--target", *target, "tunnel, or loopback: the generator and sink alone, without privileges")
      ->check(CLI::IsMember({"tunnel", "loopback"}))
      ->capture_default_str();
  command->add_option("--sizes", options->sizes, "UDP payloads: bytes, max (what fits the MTU), imix")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--gso", options->segments, "Send in trains of up to so many that the kernel cuts; row names say so")
      ->check(CLI::Range(1U, 64U))
      ->capture_default_str();
  command->add_option("--rounds", options->search.rounds, "Searches of each row; comparing runs takes at least ten")
      ->check(CLI::Range(1U, 1000U))
      ->capture_default_str();
  command->add_option("--trial-seconds", options->search.trial_seconds, "Of one trial")
      ->check(CLI::Range(0.01, 600.0))
      ->capture_default_str();
  command->add_option("--duration-sum", options->search.duration_sum, "Seconds of trials at a rate until it is surely above or below")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  command->add_option("--exceed-ratio", options->search.exceed_ratio, "Share of these that may lose more than the goal: noise")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  command->add_option("--width", options->search.width, "Relative distance of the bounds at which a search ends")
      ->check(CLI::Range(0.0001, 0.5))
      ->capture_default_str();
  command->add_option("--min-rate", options->search.min_rate, "Packets a second below which a search gives up")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  command
      ->add_option("--max-rate", options->search.max_rate,
                   "... and above which none is tried (default: what the generator reaches by itself)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
  command->footer(
      "Multiple Loss Ratio search (draft-ietf-bmwg-mlrsearch) with the parameters of FD.io CSIT; what is shown is the conditional "
      "throughput.\n"
      "A search takes a minute or two a subject and size. Quick: --trial-seconds 0.2 --duration-sum 1 --width 0.02. A datagram that the\n"
      "generator did not manage to send in time counts as lost; rows that were limited by it say so.");
  command->callback([options, target, &run] {
    options->is_loopback = *target == "loopback";
    check_testbed_options(options->testbed);
    run = [options] { return run_contained(*options); };
  });
}

}  // namespace wgu::bench
