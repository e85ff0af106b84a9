#pragma once
// What `wgu-bench tunnel` was asked for.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/lab/testbed.h"
#include "bench/results.h"
#include "bench/tunnel/result_files.h"
#include "wgu/result.h"

namespace wgu::bench {

inline constexpr const char* kBare = "veth";  // the yardsticks' names
inline constexpr const char* kNull = "null cipher";
inline constexpr const char* kWgu = "wgu";

struct TunnelOptions {
  std::vector<Subject> peers{};
  std::string wgu_tunnel{};  // path; empty: found beside wgu-bench
  std::string rows{};        // a regular expression that row names must match somewhere; empty: all of the profile
  unsigned rounds = 5;
  double seconds = 1;    // measured in each round of each row
  double warm_up = 0.3;  // seconds before that, dropped
  bool is_full = false;
  double rekey_seconds = 260;  // of the rekey run
  TestbedOptions testbed{};
  bool is_root = true;  // else in a user namespace: some socket options have other limits there
  ResultFiles files{};
};

// "NAME=COMMAND" of --peer. \errors EINVAL: no NAME, a name that a yardstick has, no COMMAND
Result<Subject> parse_peer(std::string_view text);
// As Results::configuration has them.
Settings settings_of(const TunnelOptions& options);
Settings settings_of(const TestbedOptions& options);  // the part of it that all commands with a testbed have

}  // namespace wgu::bench
