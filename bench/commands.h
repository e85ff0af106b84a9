#pragma once
// The commands of wgu-bench: one file a command, one function each. It adds its subcommand and, once the command line turns out
// to name it, puts what is to be done into `run`.

#include <CLI/CLI.hpp>
#include <functional>

namespace wgu::bench {

using Run = std::function<int()>;  // returns the exit status

void add_micro(CLI::App& program, Run& run);  // micro/command.cc

}  // namespace wgu::bench
