// wgu-bench COMMAND: measures wgu, beside other implementations, on this machine. Each command stands in a file of its own.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "bench/commands.h"

int main(int argc, char** argv) try {
  CLI::App program("wgu-bench measures wgu and what it is compared with on this machine.");
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
  CLI11_PARSE(program, argc, argv);
  return run();
} catch (const std::exception& error) {
  std::fprintf(stderr, "wgu-bench: %s\n", error.what());
  return 1;
}
