// `wgu-bench sweep --vary KEY=V1,V2,... -- COMMAND...`: round by round, each value in turn, each in a process of its own. Its results come
// back through a file that has no name, so that nothing is left of a round that did not end.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "bench/commands.h"
#include "bench/compare/comparable.h"
#include "bench/compare/judgement.h"
#include "bench/compare/text.h"
#include "bench/progress.h"
#include "bench/subprocess.h"
#include "bench/sweep/variation.h"
#include "io/file_descriptor.h"

namespace wgu::bench {
namespace {

constexpr std::size_t kRounds = kLeastSamples;  // of commands that give a sample a run

struct Options {
  std::string vary;
  std::string prefix = "sweep";
  std::size_t rounds = kRounds;
  std::vector<std::string> command;
};

// One run of the command with that value.
Results measure(const std::vector<std::string>& command, const Variation& variation, const std::string& value) {
  const io::FileDescriptor file(::memfd_create("results", MFD_CLOEXEC));
  if (!file) throw std::system_error(errno, std::generic_category(), "memfd_create");
  Subprocess::Start start{command, variation.environment(value), file.get(), true};
  for (std::string& argument : variation.arguments(value)) start.arguments.push_back(std::move(argument));
  const std::string path = fmt::format("/proc/self/fd/{}", file.get());
  start.arguments.push_back("--out=" + path);
  Result<Subprocess> process = Subprocess::start(start);
  if (!process.ok()) throw BadResult(process.error());
  const int status = process->wait();
  // Some commands have results and something to complain about.
  if (::lseek(file.get(), 0, SEEK_END) <= 0) {
    throw std::runtime_error(
        fmt::format("with {}={}: {} ended with status {} and no results", variation.key(), value, command.front(), status));
  }
  return read_results(path).value();
}

std::vector<Results> measure_all(const Options& options, const Variation& variation) {
  const std::size_t values = variation.values.size();
  std::vector<std::optional<Results>> sums(values);
  Progress progress;
  for (std::size_t round = 0; round < options.rounds; ++round) {
    for (std::size_t place = 0; place < values; ++place) {
      const std::size_t i = turn(round, place, values);
      progress.show(fmt::format("round {} of {}: {}={}\n", round + 1, options.rounds, variation.key(), variation.values[i]));
      Results results = measure(options.command, variation, variation.values[i]);
      sums[i] ? add_round(*sums[i], results) : static_cast<void>(sums[i] = std::move(results));
    }
  }
  progress.clear();
  std::vector<Results> all;
  for (std::size_t i = 0; i < values; ++i) {
    Results& results = all.emplace_back(std::move(*sums[i]));
    results.configuration[variation.key()] = variation.values[i];
    results.configuration["sweep_rounds"] = std::to_string(options.rounds);
    results.configuration_hash = configuration_hash(results.configuration, results.environment);
  }
  return all;
}

// Whatever else differs in the configuration follows from the one value; on the machine nothing may.
void check_one_machine(Results base, Results next) {
  base.configuration.clear();
  next.configuration.clear();
  check_comparable(base, next, "").value();
}

int sweep(const Options& options) {
  const Result<Variation> parsed = parse_variation(options.vary);
  if (!parsed.ok()) throw CLI::ValidationError("--vary", parsed.error().message);
  const Variation& variation = *parsed;
  const std::vector<Results> all = measure_all(options, variation);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string path = variation.file_name(options.prefix, variation.values[i]);
    write_results(all[i], path).value();
    fmt::print("{}\n", path);
  }
  Criteria criteria;
  criteria.has_references = false;       // what varies may move them as well,
  criteria.least_effect = kLeastEffect;  // and interleaved rounds share what the machine does
  for (std::size_t i = 1; i < all.size(); ++i) {
    check_one_machine(all.front(), all[i]);
    fmt::print("\n--- {}: base {}, new {} ---\n", variation.key(), variation.values.front(), variation.values[i]);
    std::fputs(format_comparison(compare(all.front(), all[i], criteria), all.front(), all[i], criteria, Shown::kEveryRow).c_str(), stdout);
  }
  return 0;
}

}  // namespace

void add_sweep(CLI::App& program, Run& run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("sweep", "Measure with several values of one variable, interleaved, and compare them.");
  command
      ->add_option("--vary", options->vary, "The variable: an option of COMMAND, or ENV:NAME for an environment variable; and its values")
      ->type_name("KEY=V1,V2,...")
      ->required();
  command->add_option("--rounds", options->rounds, fmt::format("How often each value has its turn ({}; fewer cannot be compared)", kRounds))
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  command->add_option("--out", options->prefix, "The results go into PREFIX-KEY=VALUE.json, a file for each value (sweep)")
      ->type_name("PREFIX");
  command->add_option("COMMAND", options->command, "What to run: a command of wgu-bench that has --out, and its options, behind \"--\"")
      ->required();
  command->footer(
      "Each round runs the command once with each value, in turn; the samples of all rounds go into one results file a value. The first "
      "value\n"
      "is the base with which the others are compared, as `compare --varies KEY` would.\n"
      "\n"
      "  wgu-bench sweep --vary ENV:WGU_AEAD=avx2,portable -- micro --benchmark_filter=shard/ --benchmark_repetitions=1\n"
      "  wgu-bench sweep --vary benchmark_min_time=0.01,0.1 --rounds 12 -- micro --benchmark_filter=replay --benchmark_repetitions=1");
  command->callback([options, &run] { run = [options] { return sweep(*options); }; });
}

}  // namespace wgu::bench
