// `wgu-bench ndr`: for each load, first what the generator reaches by itself, which is the highest rate that is tried; then a search for
// each subject at once, trial by trial in turn. Rows: "ndr/LOAD" and "pdr/LOAD"; curves: "loss/LOAD".
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "bench/commands.h"
#include "bench/host_counters.h"
#include "bench/lab/sandbox.h"
#include "bench/ndr/find_rates.h"
#include "bench/ndr/loads.h"
#include "bench/ndr/tunnel_trial.h"
#include "bench/progress.h"
#include "bench/traffic/self_test.h"
#include "bench/tunnel/options.h"
#include "bench/tunnel/subjects.h"
#include "bench/tunnel/table.h"

namespace wgu::bench {
namespace {

constexpr double kPdrLoss = 0.005;
constexpr unsigned kSelfTests = 3;  // the best counts: it is to be an upper end

struct NdrOptions {
  std::vector<Subject> peers{};
  std::string wgu_tunnel{};
  bool is_loopback = false;
  std::vector<std::string> sizes = {"64", "max", "imix"};
  unsigned segments = 1;
  unsigned rounds = 1;
  double trial_seconds = 1;
  double duration_sum = Goal{}.duration_sum;
  double exceed_ratio = Goal{}.exceed_ratio;
  double width = Goal{}.width;
  std::uint64_t min_rate = 100;
  std::uint64_t max_rate = 0;  // 0: the generator's own
  TestbedOptions testbed{};
  std::string out{};
};

using Testbeds = std::vector<std::unique_ptr<Testbed>>;

SearchOptions search_options(const NdrOptions& options, std::uint64_t max_rate) {
  Goal ndr{.name = "ndr", .exceed_ratio = options.exceed_ratio, .duration_sum = options.duration_sum, .width = options.width};
  Goal pdr = ndr;
  pdr.name = "pdr";
  pdr.loss_ratio = kPdrLoss;
  return {.goals = {std::move(ndr), std::move(pdr)},
          .min_rate = std::min(options.min_rate, max_rate),
          .max_rate = max_rate,
          .trial_seconds = options.trial_seconds};
}

Settings settings_of(const NdrOptions& options) {
  Settings settings = {
      {"target", options.is_loopback ? "loopback" : "tunnel"},
      {"sizes", fmt::format("{}", fmt::join(options.sizes, ","))},
      {"gso", fmt::format("{}", options.segments)},
      {"rounds", fmt::format("{}", options.rounds)},
      {"trial_seconds", fmt::format("{}", options.trial_seconds)},
      {"duration_sum", fmt::format("{}", options.duration_sum)},
      {"exceed_ratio", fmt::format("{}", options.exceed_ratio)},
      {"width", fmt::format("{}", options.width)},
      {"min_rate", fmt::format("{}", options.min_rate)},
      {"max_rate", options.max_rate > 0 ? fmt::format("{}", options.max_rate) : "generator"},
  };
  if (options.is_loopback) return settings;
  settings["inner_mtu"] = fmt::format("{}", options.testbed.inner_mtu);
  settings["outer_mtu"] = fmt::format("{}", options.testbed.outer_mtu);
  settings["wire_gso"] = options.testbed.has_wire_gso ? "on" : "off";
  for (const Subject& peer : options.peers) settings["peer/" + peer.name] = peer.command;
  return settings;
}

std::vector<NamedLoad> loads_of(const NdrOptions& options) {
  std::vector<NamedLoad> loads;
  const std::uint32_t mtu = options.is_loopback ? 65535 : options.testbed.inner_mtu;
  for (const std::string& size : options.sizes) loads.push_back(parse_load(size, mtu, options.segments).value());
  return loads;
}

// The fastest of a few: what else runs can only make it slower.
SelfTest best_self_test(const TrialLoad& load) {
  std::optional<SelfTest> best;
  for (unsigned i = 0; i < kSelfTests; ++i) {
    SelfTest next = run_self_test({.sizes = load.sizes, .segments = load.segments}).value();
    if (!best || next.sent_rate() > best->sent_rate()) best = std::move(next);
  }
  return *best;
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

void search_load(const NdrOptions& options, const NamedLoad& named, const Testbeds& testbeds, Progress& progress, Results& results) {
  progress.show(named.name + ": what the generator reaches by itself");
  const SelfTest alone = best_self_test(named.load);
  progress.clear();
  fmt::print("{}: {}\n", named.name, alone.summary());
  results.environment.emplace_back("note/generator/" + named.name, alone.summary());
  const std::uint64_t max_rate =
      options.max_rate > 0 ? options.max_rate : std::max<std::uint64_t>(1, static_cast<std::uint64_t>(alone.sent_rate()));

  std::map<std::string, std::vector<RatesFound>> rounds;
  std::vector<Contender> contenders = contenders_of(testbeds, named.load);
  for (unsigned round = 0; round < options.rounds; ++round) {
    const auto found =
        find_rates(contenders, search_options(options, max_rate), [&](const std::string& subject, unsigned number, std::uint64_t rate) {
          progress.show(fmt::format("{}, round {} of {}: {}, trial {} at {} packets/s", named.name, round + 1, options.rounds, subject,
                                    number, rate));
        });
    for (const RatesFound& one : found) {
      rounds[one.subject].push_back(one);
      if (!one.failure.empty()) std::erase_if(contenders, [&](const Contender& contender) { return contender.subject == one.subject; });
    }
  }
  progress.clear();
  for (const Contender& contender : contenders_of(testbeds, named.load)) add_rows(results, named.name, rounds[contender.subject]);
}

int measure(const NdrOptions& options) {
  const auto begun = std::chrono::steady_clock::now();
  Results results;
  results.command = "ndr";
  results.begun = utc_now();
  results.configuration = settings_of(options);
  results.environment = read_environment();
  results.host_before = read_host_counters();
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
  if (options.is_loopback || !testbeds.empty()) {
    for (const NamedLoad& load : loads_of(options)) search_load(options, load, testbeds, progress, results);
  }

  results.host_after = read_host_counters();
  results.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  fmt::print("{}", format_table(results));
  if (!options.out.empty()) write_results(results, options.out).value();
  return results.rows.empty() ? 1 : 0;
}

int run_contained(NdrOptions options) {
  (void)loads_of(options);  // says what is wrong with --sizes before anything is set up
  if (!options.out.empty()) options.out = std::filesystem::absolute(options.out);
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
  auto peers = std::make_shared<std::vector<std::string>>();
  auto target = std::make_shared<std::string>("tunnel");
  CLI::App* command = program.add_subcommand("ndr", "The highest rates at which no packet is lost, and at most 0.5 %, by packet size.");
  command->add_option("--peer", *peers, "NAME='COMMAND': another daemon with the UAPI, searched in turns with wgu; as in `tunnel`")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--wgu-tunnel", options->wgu_tunnel, "The daemon to measure (default: the one that was built with this program)")
      ->check(CLI::ExistingFile);
  command->add_option("--target", *target, "tunnel, or loopback: the generator and sink alone, without privileges")
      ->check(CLI::IsMember({"tunnel", "loopback"}))
      ->capture_default_str();
  command->add_option("--sizes", options->sizes, "UDP payloads: bytes, max (what fits the MTU), imix")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--gso", options->segments, "Send in trains of up to so many that the kernel cuts; row names say so")
      ->check(CLI::Range(1U, 64U))
      ->capture_default_str();
  command->add_option("--rounds", options->rounds, "Searches of each row; comparing runs takes at least ten")
      ->check(CLI::Range(1U, 1000U))
      ->capture_default_str();
  command->add_option("--trial-seconds", options->trial_seconds, "Of one trial")->check(CLI::Range(0.01, 600.0))->capture_default_str();
  command->add_option("--duration-sum", options->duration_sum, "Seconds of trials at a rate until it is surely above or below")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  command->add_option("--exceed-ratio", options->exceed_ratio, "Share of these that may lose more than the goal: noise")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  command->add_option("--width", options->width, "Relative distance of the bounds at which a search ends")
      ->check(CLI::Range(0.0001, 0.5))
      ->capture_default_str();
  command->add_option("--min-rate", options->min_rate, "Packets a second below which a search gives up")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  command->add_option("--max-rate", options->max_rate, "... and above which none is tried (default: what the generator reaches by itself)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
  command->add_option("--mtu", options->testbed.inner_mtu, "MTU inside the tunnels")->check(CLI::Range(576, 9000))->capture_default_str();
  command->add_flag("!--no-wire-gso", options->testbed.has_wire_gso,
                    "A wire that does not pass UDP super-packets on whole, as most network cards: veth flatters who sends them");
  command->add_option("--out", options->out, "Write the results, with every sample, to this file (JSON)");
  command->footer(
      "Multiple Loss Ratio search (draft-ietf-bmwg-mlrsearch) with the parameters of FD.io CSIT; what is shown is the conditional "
      "throughput.\n"
      "A search takes a minute or two a subject and size. Quick: --trial-seconds 0.2 --duration-sum 1 --width 0.02. A datagram that the\n"
      "generator did not manage to send in time counts as lost; rows that were limited by it say so.");
  command->callback([options, peers, target, &run] {
    for (const std::string& text : *peers) {
      auto peer = parse_peer(text);
      if (!peer) throw CLI::ValidationError(peer.error().message);
      options->peers.push_back(std::move(*peer));
    }
    options->is_loopback = *target == "loopback";
    run = [options] { return run_contained(*options); };
  });
}

}  // namespace wgu::bench
