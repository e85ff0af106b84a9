#pragma once
// The part of the command line that `tunnel` and `ndr` share: who is measured, in what, and where the results go.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "bench/lab/testbed.h"
#include "wgu/result.h"

namespace wgu::bench {

struct TestbedArguments {
  std::vector<Subject>& peers;
  std::string& wgu_tunnel;
  TestbedOptions& testbed;
  std::string& out;
};

// What the arguments refer to lives as long as `command`.
void add_testbed_options(CLI::App& command, TestbedArguments into);

// The file as the sandbox sees it, absolute. \errors EINVAL: below /run, of which the sandbox has its own, so that it would vanish with it
Result<std::string> file_outside_sandbox(const std::string& out);

}  // namespace wgu::bench
