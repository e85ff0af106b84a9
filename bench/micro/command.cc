// `wgu-bench micro`: Google Benchmark over the layers. Its own flags (--benchmark_*) pass through; ours are the defaults below, set
// before them, so that whoever names one has the last word. Three ways through: a table of one process's repetitions; --out: rounds, each
// a process (rounds.h), into a results file; and --one-round, such a process.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>

#include "bench/commands.h"
#include "bench/environment.h"
#include "bench/micro/aead_tables.h"
#include "bench/micro/reporter.h"
#include "bench/micro/rounds.h"
#include "bench/micro/rows.h"
#include "bench/progress.h"
#include "bench/results.h"
#include "bench/whole_file.h"
#include "crypto/aead.h"

namespace wgu::bench {
namespace {

struct Options {
  bool is_interleaved = true;
  std::string out;
  double slow_down = 0;   // percent
  int round_output = -1;  // descriptor
  std::vector<std::string> benchmark_flags;
};

// Short and often: a disturbance spoils one repetition of a row, and comparing runs needs at least ten samples of each.
constexpr const char* kDefaults[] = {"--benchmark_min_time=0.02", "--benchmark_min_warmup_time=0.01"};
constexpr std::size_t kRepetitions = 11;
constexpr std::size_t kRounds = 15;  // more, since a results file is there to be compared
constexpr std::size_t kMostRounds = 1000;
constexpr std::size_t kTriesARound = 3;  // the least of which is the round's sample

std::string joined(const std::vector<std::string>& names) { return names.empty() ? "none" : fmt::format("{}", fmt::join(names, " ")); }

Environment describe(const AeadTables& found, double slow_down) {
  Environment environment = read_environment();
  if (slow_down > 0)
    environment.front().second += fmt::format(", its ciphers slowed down by {} %", slow_down);  // stands for a change of them
  std::vector<std::string> ours;
  for (const AeadTable& table : found.tables) {
    if (table.kernel != nullptr) ours.push_back(table.name);
  }
  environment.emplace_back("kernel_table", crypto::kernel_name());
  environment.emplace_back("kernels_run", joined(ours));
  environment.emplace_back("kernels_this_cpu_cannot_run", joined(found.kernels_left_out));
  for (const AeadTable& table : found.tables) {
    if (table.comparator != nullptr && table.comparator != &kLibsodium) environment.emplace_back(table.name, table.comparator->version());
  }
  for (const auto& [name, reason] : found.comparators_left_out) environment.emplace_back(name, "left out: " + reason);
  return environment;
}

// The value of the last "NAME=value" among the flags; it is the one that counts.
std::string* find_flag(std::vector<std::string>& flags, const std::string& name) {
  const auto last = std::find_if(flags.rbegin(), flags.rend(), [&](const std::string& flag) { return flag.starts_with(name + "="); });
  return last == flags.rend() ? nullptr : &*last;
}

std::string value_of_flag(std::vector<std::string>& flags, const std::string& name) {
  const std::string* flag = find_flag(flags, name);
  return flag == nullptr ? std::string() : flag->substr(name.size() + 1);
}

// Whoever asks for JSON or CSV on standard output gets the framework's.
benchmark::BenchmarkReporter* other_format(std::vector<std::string>& flags) {
  const std::string* format = find_flag(flags, "--benchmark_format");
  return format == nullptr || format->ends_with("=console") ? nullptr : benchmark::CreateDefaultDisplayReporter();
}

// Redirects the framework's file to one that gets its name when it is complete.
std::unique_ptr<WholeFile> redirect_output(std::vector<std::string>& flags) {
  constexpr std::string_view kFlag = "--benchmark_out";
  std::string* flag = find_flag(flags, std::string(kFlag));
  if (flag == nullptr || flag->size() == kFlag.size() + 1) return nullptr;
  auto file = std::make_unique<WholeFile>(flag->substr(kFlag.size() + 1));
  *flag = fmt::format("{}={}", kFlag, file->path_for_writing());
  return file;
}

// Google Benchmark takes an argv that it may rearrange. False: it does not know one of the flags.
bool initialize(const std::vector<std::string>& flags) {
  std::vector<char*> arguments = {const_cast<char*>("wgu-bench micro")};
  for (const std::string& flag : flags) arguments.push_back(const_cast<char*>(flag.c_str()));
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  return !benchmark::ReportUnrecognizedArguments(count, arguments.data());
}

std::vector<std::string> flags_of(const Options& options, std::size_t repetitions) {
  std::vector<std::string> flags(std::begin(kDefaults), std::end(kDefaults));
  flags.push_back(fmt::format("--benchmark_repetitions={}", repetitions));
  flags.push_back(fmt::format("--benchmark_enable_random_interleaving={}", options.is_interleaved));
  flags.insert(flags.end(), options.benchmark_flags.begin(), options.benchmark_flags.end());
  return flags;
}

void register_rows(const AeadTables& found, double slow_down, const std::function<void(const std::string& name)>& begins) {
  const AddRow add = [&begins](const std::string& name, Measurement row) {
    benchmark::RegisterBenchmark(name.c_str(), [begins, name, row = std::move(row)](benchmark::State& state) {
      begins(name);
      row(state);
    });
  };
  add_aead_rows(add, found, slow_down);
  add_handshake_rows(add);
  add_crowd_rows(add);
  add_configuration_rows(add);
  add_lookup_rows(add);
  add_offload_rows(add);
  add_telemetry_rows(add);
  add_shard_rows(add);
}

int print_table(const Options& options) {
  std::vector<std::string> flags = flags_of(options, kRepetitions);
  const std::unique_ptr<WholeFile> file = redirect_output(flags);
  if (!initialize(flags)) return 2;
  const AeadTables found = find_aead_tables();
  const Environment environment = describe(found, options.slow_down);
  for (const auto& [name, value] : environment) benchmark::AddCustomContext(name, value);
  Progress progress;
  register_rows(found, options.slow_down, [&progress](const std::string& name) { progress.show(name); });
  MicroReporter reporter(environment, found.comparators(), progress, other_format(flags));
  const std::size_t rows = benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  if (file && rows > 0) file->commit();
  return rows > 0 && !reporter.has_failures() ? 0 : 1;
}

int measure_one_round(const Options& options) {
  if (!initialize(flags_of(options, kTriesARound))) return 2;
  register_rows(find_aead_tables(), options.slow_down, [](const std::string&) {});
  bool is_written = true;
  RoundReporter reporter([&](const MeasuredRow& row) {
    const std::string line = format_line(row);
    is_written = is_written && ::write(options.round_output, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  });
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return is_written ? 0 : 1;
}

Settings configuration(const Options& options, std::size_t rounds) {
  std::vector<std::string> flags = flags_of(options, 1);
  Settings settings = {{"rounds", std::to_string(rounds)}, {"interleaved", options.is_interleaved ? "yes" : "no"}};
  for (const char* name : {"benchmark_filter", "benchmark_min_time", "benchmark_min_warmup_time"}) {
    settings[name] = value_of_flag(flags, std::string("--") + name);
  }
  return settings;
}

// How often, by --benchmark_repetitions, which the rounds take over.
std::size_t take_rounds(std::vector<std::string>& flags) {
  const std::string name = "--benchmark_repetitions";
  const std::string text = value_of_flag(flags, name);
  std::erase_if(flags, [&](const std::string& flag) { return flag.starts_with(name + "="); });
  if (text.empty()) return kRounds;
  std::size_t rounds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rounds);
  if (error == std::errc() && end == text.data() + text.size() && rounds >= 1 && rounds <= kMostRounds) return rounds;
  throw CLI::ValidationError(name, fmt::format("from 1 to {} rounds, not \"{}\"", kMostRounds, text));
}

// Into a results file.
int measure_rounds(Options options) {
  for (const char* taken : {"--benchmark_out", "--benchmark_format", "--benchmark_list_tests"}) {
    if (find_flag(options.benchmark_flags, taken) != nullptr) throw CLI::ValidationError(taken, "does not go with --out");
  }
  const std::size_t rounds = take_rounds(options.benchmark_flags);
  const auto begun = std::chrono::steady_clock::now();
  const AeadTables found = find_aead_tables();
  Results results;
  results.command = "micro";
  results.begun = utc_now();
  results.configuration = configuration(options, rounds);
  results.environment = describe(found, options.slow_down);
  results.configuration_hash = configuration_hash(results.configuration, results.environment);
  results.references = found.comparators();
  std::fputs(format_environment(results.environment).c_str(), stdout);
  std::fputs("\n", stdout);
  std::fflush(stdout);  // a fork would print it again

  std::vector<std::string> arguments = {"micro", fmt::format("--slow-down={}", options.slow_down),
                                        options.is_interleaved ? "--interleaved" : "--no-interleaved"};
  arguments.insert(arguments.end(), options.benchmark_flags.begin(), options.benchmark_flags.end());
  results.host_before = read_host_counters();
  Progress progress;
  const std::vector<MeasuredRow> rows = bench::measure_rounds(rounds, arguments, progress).value();
  results.host_after = read_host_counters();
  results.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  results.rows = result_rows(rows);
  results.left_out = rows_left_out(rows);
  if (rows.empty()) throw CLI::ValidationError("--benchmark_filter", "no row is called so");
  write_results(results, options.out).value();
  std::fputs(format_rows(rows, found.comparators()).c_str(), stdout);
  return results.left_out.empty() ? 0 : 1;
}

int measure(const Options& options) {
  if (options.round_output >= 0) return measure_one_round(options);
  return options.out.empty() ? print_table(options) : measure_rounds(options);
}

}  // namespace

void add_micro(CLI::App& program, Run& run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("micro", "The layers one by one: cipher, handshake, look-ups, packet flows, in nanoseconds.");
  command->add_flag("--interleaved,!--no-interleaved", options->is_interleaved,
                    "Repetitions of all rows in a random order (the default), so that a drift of the machine meets all of them alike");
  command
      ->add_option("--out", options->out,
                   "Write a results file, for `compare`, `report` and the history: every sample, each round in a process of its own, "
                   "the least of three tries a sample")
      ->type_name("FILE");
  command
      ->add_option("--slow-down", options->slow_down,
                   "Plant work into our kernels' rows: so much of their time more, to see `compare` find it")
      ->type_name("PERCENT")
      ->check(CLI::Range(0.0, 1000.0));
  command->add_option("--one-round", options->round_output)->group("");  // rounds.h
  command->allow_extras();
  command->footer(
      "Google Benchmark's own flags work, e.g. --benchmark_filter=aead/seal, --benchmark_list_tests,\n"
      "--benchmark_repetitions=N (with --out: rounds, 15 unless told; fewer than 10 cannot be compared),\n"
      "--benchmark_out=FILE (the framework's own JSON).");
  command->callback([command, options, &run] {
    options->benchmark_flags = command->remaining();
    run = [options] { return measure(*options); };
  });
}

}  // namespace wgu::bench
