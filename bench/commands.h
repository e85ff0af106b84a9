#pragma once
// The commands of wgu-bench: one file a command, one function each. It adds its subcommand and, once the command line turns out
// to name it, puts what is to be done into `run`.

#include <CLI/CLI.hpp>
#include <functional>

namespace wgu::bench {

// Returns the exit status. What turns out to be wrong with the command line only now is a CLI::ValidationError as before.
using Run = std::function<int()>;

void add_memory(CLI::App& program, Run& run);   // memory/command.cc
void add_micro(CLI::App& program, Run& run);    // micro/command.cc
void add_compare(CLI::App& program, Run& run);  // compare/command.cc
void add_ndr(CLI::App& program, Run& run);      // ndr/command.cc
void add_report(CLI::App& program, Run& run);   // report/command.cc
void add_tunnel(CLI::App& program, Run& run);   // tunnel/command.cc
void add_sweep(CLI::App& program, Run& run);    // sweep/command.cc

}  // namespace wgu::bench
