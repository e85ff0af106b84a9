#pragma once
// CPU bandwidth control: a group that has used up its share of a period waits for the next, all its threads with it. Every group from
// the process's own upwards may have a limit, so each is told by itself.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wgu::telemetry {

struct Throttling {
  std::optional<std::uint64_t> periods;
  std::optional<std::uint64_t> throttled_periods;
  std::optional<std::uint64_t> throttled;  // ns, summed over CPUs
  friend bool operator==(const Throttling&, const Throttling&) = default;
};

// cpu.stat of cgroup v2 (throttled_usec) or v1 (throttled_time). None: it tells of no bandwidth control (v2's root).
[[nodiscard]] std::optional<Throttling> parse_cpu_stat(std::string_view text);

// Where /proc/PID/cgroup says the process is: v2's line, or of v1 the hierarchy that has the controller cpu.
struct CgroupPaths {
  std::optional<std::string> unified;
  std::optional<std::string> cpu;  // v1
  std::string cpu_mount;           // v1: "cpu,cpuacct", as the hierarchy is called below /sys/fs/cgroup
  friend bool operator==(const CgroupPaths&, const CgroupPaths&) = default;
};
[[nodiscard]] CgroupPaths parse_cgroup(std::string_view text);

struct GroupThrottling {
  std::string group;  // its path; "/" is the topmost that is visible here
  Throttling throttling;
  friend bool operator==(const GroupThrottling&, const GroupThrottling&) = default;
};

// Of this process's group and those above, own first; only those under bandwidth control. `root` holds proc/ and sys/.
[[nodiscard]] std::vector<GroupThrottling> read_throttling(const std::string& root);

}  // namespace wgu::telemetry
