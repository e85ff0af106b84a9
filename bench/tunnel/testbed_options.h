#pragma once
// The part of the command line that `tunnel` and `ndr` share: who is measured, in what, and where the results go.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "bench/lab/testbed.h"
#include "bench/tunnel/result_files.h"

namespace wgu::bench {

struct TestbedArguments {
  std::vector<Subject>& peers;
  std::string& wgu_tunnel;
  TestbedOptions& testbed;
  ResultFiles& files;
};

// What the arguments refer to lives as long as `command`.
void add_testbed_options(CLI::App& command, TestbedArguments into);
// What can only be said of all of them together. \throws CLI::ValidationError
void check_testbed_options(const TestbedOptions& options);
// settle(), from now on. \throws CLI::ValidationError
void settle_files(ResultFiles& files, const std::string& command);

}  // namespace wgu::bench
