// `wgu-bench memory`: every kernel and the null cipher in every case, round by round, so that whatever else the machine does meets all of
// them alike. Each round is a process (round_process.h); an interrupt ends both, and nothing is left, since the file is written at the end.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>

#include "bench/commands.h"
#include "bench/memory/inner_packet.h"
#include "bench/memory/round_process.h"
#include "bench/memory/rows.h"
#include "bench/micro/imix.h"
#include "bench/progress.h"
#include "crypto/aead_kernels.h"
#include "engine/cpus.h"

namespace wgu::bench {
namespace {

constexpr std::size_t kImixTurn = 60;    // packets after which the sizes repeat: five times 7:4:1
constexpr const char* kNull = "null";    // as --aead names it
constexpr const char* kRelay = "relay";  // as well

struct Options {
  std::vector<std::string> sizes = {"64", "256", "576", "1420", "imix"};  // as many as it takes references to tell what the machine did
  std::vector<unsigned> flows = {1};
  std::vector<unsigned> workers = {1};
  std::vector<std::string> aead;  // empty: all that run here, the null cipher and the relay
  unsigned rounds = 5;
  double seconds = 1;
  double warm_up = 0.3;
  unsigned window = 128;
  std::string io = "auto";
  std::string sender_cpus, receiver_cpus;
  std::string out;
};

// What is compared.
struct Variant {
  std::string subject;
  std::string program;
  std::string kernel;  // of the relay: empty
};

struct Case {
  std::string name;
  RoundOptions options;
};

using LeftOut = std::vector<std::pair<std::string, std::string>>;

std::vector<std::uint32_t> packet_sizes(const std::string& size) {
  if (size == "imix") return imix_lengths(kImixTurn, 1);
  std::uint32_t bytes = 0;
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), bytes);
  if (error != std::errc() || end != size.data() + size.size() || bytes < kMinInnerPacket || bytes > kMaxInnerPacket) {
    throw CLI::ValidationError("--sizes",
                               fmt::format("\"{}\" is neither imix nor bytes in {}..{}", size, kMinInnerPacket, kMaxInnerPacket));
  }
  return {bytes};
}

std::vector<int> cpu_list(const char* option, const std::string& text) {
  if (text.empty()) return {};
  auto cpus = engine::parse_cpu_list(text);
  if (!cpus) throw CLI::ValidationError(option, cpus.error().message);
  return std::move(cpus).value();
}

std::vector<Case> cases(const Options& options) {
  std::vector<Case> all;
  for (const unsigned workers : options.workers) {
    for (const unsigned flows : options.flows) {
      for (const std::string& size : options.sizes) {
        all.push_back({memory_row_name(size, flows, workers),
                       {.sizes = packet_sizes(size),
                        .flows = flows,
                        .workers = workers,
                        .window = options.window,
                        .io = options.io,
                        .sender_cpus = cpu_list("--sender-cpus", options.sender_cpus),
                        .receiver_cpus = cpu_list("--receiver-cpus", options.receiver_cpus),
                        .warm_up = options.warm_up,
                        .seconds = options.seconds}});
      }
    }
  }
  return all;
}

std::vector<Variant> variants(const Options& options, LeftOut& left_out) {
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::string real = folder / "wgu-bench-memory-round";
  const std::string null = folder / "wgu-bench-memory-round-null";
  if (!std::filesystem::exists(real)) throw std::runtime_error(real + " is not there; it is built with wgu-bench, to lie beside it");
  std::vector<std::string> wanted = options.aead;
  std::map<std::string, bool> known = {{kNull, std::filesystem::exists(null)}, {kRelay, true}};  // by name: does it run here?
  for (const crypto::AeadKernel* kernel : crypto::kernels()) {
    known[kernel->name] = kernel->runs_here();
    if (options.aead.empty()) wanted.emplace_back(kernel->name);
  }
  if (options.aead.empty()) {
    wanted.emplace_back(kNull);
    wanted.emplace_back(kRelay);
  }
  std::vector<Variant> all;
  for (const std::string& name : wanted) {
    const auto found = known.find(name);
    if (found == known.end()) throw CLI::ValidationError("--aead", fmt::format("there is no \"{}\"", name));
    const bool is_null = name == kNull;
    const std::string subject = is_null ? kNullCipher : name;
    if (name == kRelay) {
      all.push_back({kRelaySubject, real, ""});
    } else if (found->second) {
      all.push_back({subject, is_null ? null : real, name});
    } else {
      left_out.emplace_back(subject, is_null ? null + " is not there" : "this CPU does not run it");
    }
  }
  if (all.empty()) {
    const auto& [subject, why] = left_out.front();
    throw std::runtime_error(fmt::format("nothing of what was asked for runs here: {}: {}", subject, why));
  }
  return all;
}

Settings configuration(const Options& options, const std::vector<Variant>& all) {
  std::vector<std::string> subjects;
  for (const Variant& variant : all) subjects.push_back(variant.subject);
  return {{"sizes", fmt::format("{}", fmt::join(options.sizes, ","))},
          {"flows", fmt::format("{}", fmt::join(options.flows, ","))},
          {"workers", fmt::format("{}", fmt::join(options.workers, ","))},
          {"subjects", fmt::format("{}", fmt::join(subjects, ","))},
          {"seconds", fmt::format("{}", options.seconds)},
          {"warm_up", fmt::format("{}", options.warm_up)},
          {"window", fmt::format("{}", options.window)},
          {"io", options.io},
          {"sender_cpus", options.sender_cpus.empty() ? "all" : options.sender_cpus},
          {"receiver_cpus", options.receiver_cpus.empty() ? "all" : options.receiver_cpus}};
}

using Rounds = std::map<std::pair<std::size_t, std::size_t>, std::vector<RoundReport>>;  // by the numbers of case and variant

// Who begins changes from round to round: to follow the heaviest each time would be a bias.
Rounds run_all(const Options& options, const std::vector<Case>& all_cases, const std::vector<Variant>& all_variants) {
  Rounds rounds;
  Progress progress;
  for (unsigned round = 0; round < options.rounds; ++round) {
    for (std::size_t c = 0; c < all_cases.size(); ++c) {
      for (std::size_t i = 0; i < all_variants.size(); ++i) {
        const std::size_t v = (i + round) % all_variants.size();
        const Variant& variant = all_variants[v];
        progress.show(fmt::format("round {} of {}: {}, {}", round + 1, options.rounds, all_cases[c].name, variant.subject));
        RoundOptions of_round = all_cases[c].options;
        of_round.is_relay = variant.subject == kRelaySubject;
        auto report = run_round(variant.program, variant.kernel, of_round);
        progress.clear();
        if (!report) throw std::runtime_error(fmt::format("{}, {}: {}", all_cases[c].name, variant.subject, report.error().message));
        rounds[{c, v}].push_back(std::move(report).value());
      }
    }
  }
  return rounds;
}

bool is_intact(const Rounds& rounds) {
  return std::all_of(rounds.begin(), rounds.end(), [](const auto& entry) {
    return std::all_of(entry.second.begin(), entry.second.end(),
                       [](const RoundReport& round) {
                         return round.arrived.corrupted == 0 && round.arrived.duplicates == 0 && round.unexplained == 0;
                       });
  });
}

int measure(const Options& options) {
  Results results{.command = "memory", .begun = utc_now()};
  const std::vector<Case> all_cases = cases(options);
  const std::vector<Variant> all_variants = variants(options, results.left_out);
  results.configuration = configuration(options, all_variants);
  for (const Variant& variant : all_variants) {
    if (variant.subject == kRelaySubject) results.references.emplace_back(kRelaySubject);
  }
  results.environment = read_environment();
  results.host_before = read_host_counters();
  const auto begun = std::chrono::steady_clock::now();
  const Rounds rounds = run_all(options, all_cases, all_variants);
  results.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  results.host_after = read_host_counters();
  const RoundReport& any = rounds.begin()->second.front();
  for (const auto& [numbers, reports] : rounds) {
    if (all_variants[numbers.second].subject == kRelaySubject) continue;
    results.environment.emplace_back("io_backend", reports.front().io);
    break;
  }
  if (!any.has_thread_use) results.left_out.emplace_back("CPU time", "this kernel has no /proc/PID/schedstat");
  results.configuration_hash = configuration_hash(results.configuration, results.environment);
  for (const auto& [numbers, reports] : rounds) {
    for (Row& row : memory_rows(all_cases[numbers.first].name, all_variants[numbers.second].subject, reports)) {
      results.rows.push_back(std::move(row));
    }
  }

  fmt::print("{} rounds of {} s, {}, window of {} packets; median of the rounds\n\n{}\n{}", options.rounds, options.seconds,
             value_of(results.environment, "io_backend"), options.window, format_memory_table(results.rows),
             format_metering_table(results.rows));
  for (const auto& [what, why] : results.left_out) fmt::print("left out: {}: {}\n", what, why);
  if (!options.out.empty()) write_results(results, options.out).value();
  if (is_intact(rounds)) return 0;
  fmt::print(stderr, "wgu-bench: packets came out twice or changed, or are unaccounted for: that is a fault of wgu, not a measurement\n");
  return 1;
}

}  // namespace

void add_memory(CLI::App& program, Run& run) {
  auto options = std::make_shared<Options>();
  Options& to = *options;
  CLI::App* command =
      program.add_subcommand("memory", "Engine to engine in one process, through socket pairs and 127.0.0.1: no root needed.");
  command->add_option("--sizes", to.sizes, fmt::format("Inner packets: bytes, {}..{}, or imix", kMinInnerPacket, kMaxInnerPacket))
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--flows", to.flows, "UDP flows inside the tunnel")
      ->delimiter(',')
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  command->add_option("--workers", to.workers, "Workers of each engine")->delimiter(',')->check(CLI::Range(1U, 64U))->capture_default_str();
  command
      ->add_option("--aead", to.aead,
                   "avx512, avx2, portable, null (the cipher replaced by a copy), relay (no tunnel); default: all that run here")
      ->delimiter(',');
  command->add_option("--rounds", to.rounds, "Samples of each row")->check(CLI::Range(1U, 1000U))->capture_default_str();
  command->add_option("--seconds", to.seconds, "Of a round")->check(CLI::Range(0.01, 3600.0))->capture_default_str();
  command->add_option("--warm-up", to.warm_up, "Seconds before it, not counted")->check(CLI::Range(0.0, 3600.0))->capture_default_str();
  command->add_option("--window", to.window, "Packets on their way at most; what the sockets cannot hold of it is lost")
      ->check(CLI::Range(1U, 65536U))
      ->capture_default_str();
  command->add_option("--io", to.io, "I/O backend")->check(CLI::IsMember({"auto", "uring", "epoll"}))->capture_default_str();
  command->add_option("--sender-cpus", to.sender_cpus, "For the workers of the engine that seals, e.g. 0-1 (default: all, from the first)");
  command->add_option("--receiver-cpus", to.receiver_cpus, "... of the engine that opens (default: the same)");
  command->add_option("--out", to.out, "Results as JSON, for `compare` and `report`");
  command->footer(
      "One way, closed loop: a feeder keeps a window of packets on their way, a drain checks every one. By default both engines'\n"
      "workers share the first CPUs, and feeder and drain have the others, so --workers 1,2 shows what a second core adds. Workers whose\n"
      "CPUs are not named change places where that helps them, which takes a second: --warm-up.");
  command->callback([options, &run] { run = [options] { return measure(*options); }; });
}

}  // namespace wgu::bench
