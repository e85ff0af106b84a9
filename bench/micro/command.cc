// `wgu-bench micro`: Google Benchmark over the layers. Its own flags (--benchmark_*) pass through; ours are the defaults below, set
// before them, so that whoever names one has the last word.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "bench/commands.h"
#include "bench/environment.h"
#include "bench/micro/aead_tables.h"
#include "bench/micro/reporter.h"
#include "bench/micro/rows.h"
#include "bench/progress.h"
#include "bench/whole_file.h"
#include "crypto/aead.h"

namespace wgu::bench {
namespace {

struct Options {
  bool is_interleaved = true;
  std::vector<std::string> benchmark_flags;
};

// Short and often: a disturbance spoils one repetition of a row, and comparing runs needs at least ten samples of each.
constexpr const char* kDefaults[] = {"--benchmark_repetitions=11", "--benchmark_min_time=0.02", "--benchmark_min_warmup_time=0.01"};

std::string joined(const std::vector<std::string>& names) { return names.empty() ? "none" : fmt::format("{}", fmt::join(names, " ")); }

Environment describe(const AeadTables& found) {
  Environment environment = read_environment();
#ifdef __OPTIMIZE__
  environment.insert(environment.begin(), {"wgu", WGU_VERSION " (" WGU_BUILD_TYPE ")"});
#else
  environment.insert(environment.begin(), {"wgu", WGU_VERSION " (" WGU_BUILD_TYPE "), not optimised: its numbers mean nothing"});
#endif
  std::vector<std::string> ours;
  for (const AeadTable& table : found.tables) {
    if (table.kernel != nullptr) ours.push_back(table.name);
  }
  environment.emplace_back("kernel_table", crypto::kernel_name());
  environment.emplace_back("kernels_run", joined(ours));
  environment.emplace_back("kernels_this_cpu_cannot_run", joined(found.kernels_left_out));
  for (const AeadTable& table : found.tables) {
    if (table.comparator != nullptr) environment.emplace_back(table.name, table.comparator->version());
  }
  for (const auto& [name, reason] : found.comparators_left_out) environment.emplace_back(name, "left out: " + reason);
  return environment;
}

// The value of the last "NAME=value" among the flags; it is the one that counts.
std::string* find_flag(std::vector<std::string>& flags, const std::string& name) {
  const auto last = std::find_if(flags.rbegin(), flags.rend(), [&](const std::string& flag) { return flag.starts_with(name + "="); });
  return last == flags.rend() ? nullptr : &*last;
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

int measure(const Options& options) {
  std::vector<std::string> flags(std::begin(kDefaults), std::end(kDefaults));
  flags.push_back(fmt::format("--benchmark_enable_random_interleaving={}", options.is_interleaved));
  flags.insert(flags.end(), options.benchmark_flags.begin(), options.benchmark_flags.end());
  const std::unique_ptr<WholeFile> file = redirect_output(flags);
  if (!initialize(flags)) return 2;

  const AeadTables found = find_aead_tables();
  const Environment environment = describe(found);
  for (const auto& [name, value] : environment) benchmark::AddCustomContext(name, value);
  Progress progress;
  const AddRow add = [&progress](const std::string& name, Measurement row) {
    benchmark::RegisterBenchmark(name.c_str(), [&progress, name, row = std::move(row)](benchmark::State& state) {
      progress.show(name);
      row(state);
    });
  };
  add_aead_rows(add, found);
  add_handshake_rows(add);
  add_lookup_rows(add);
  add_shard_rows(add);

  MicroReporter reporter(environment, found.comparators(), progress, other_format(flags));
  const std::size_t rows = benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  if (file && rows > 0) file->commit();
  return rows > 0 && !reporter.has_failures() ? 0 : 1;
}

}  // namespace

void add_micro(CLI::App& program, Run& run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("micro", "The layers one by one: cipher, handshake, look-ups, packet flows, in nanoseconds.");
  command->add_flag("--interleaved,!--no-interleaved", options->is_interleaved,
                    "Repetitions of all rows in a random order (the default), so that a drift of the machine meets all of them alike");
  command->allow_extras();
  command->footer(
      "Google Benchmark's own flags work, e.g. --benchmark_filter=aead/seal, --benchmark_list_tests,\n"
      "--benchmark_repetitions=N, --benchmark_out=FILE (JSON with every sample and the environment).");
  command->callback([command, options, &run] {
    options->benchmark_flags = command->remaining();
    run = [options] { return measure(*options); };
  });
}

}  // namespace wgu::bench
