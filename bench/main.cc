// wgu-bench COMMAND: measures wgu, beside other implementations, on this machine. Each command stands in a file of its own.
// Exit status: 0; 1, it failed, or `compare` found a regression; 2, what was asked for is no command line of this program.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "bench/commands.h"

namespace {

constexpr int kFailed = 1, kUsage = 2;

}  // namespace

int main(int argc, char** argv) try {
  CLI::App program("wgu-bench measures wgu and what it is compared with on this machine.");
  program.name("wgu-bench");
  program.set_version_flag("--version", WGU_VERSION);
  program.require_subcommand(1);
  wgu::bench::Run run;
  wgu::bench::add_micro(program, run);
  wgu::bench::add_compare(program, run);
  wgu::bench::add_memory(program, run);
  wgu::bench::add_ndr(program, run);
  wgu::bench::add_tunnel(program, run);
  wgu::bench::add_sweep(program, run);
  wgu::bench::add_report(program, run);
  try {
    program.parse(argc, argv);
    return run();
  } catch (const CLI::ParseError& error) {
    // --help and --version come this way too. The library's own numbers begin at 100.
    return program.exit(error) == 0 ? 0 : kUsage;
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "wgu-bench: %s\n", error.what());
  return kFailed;
}
