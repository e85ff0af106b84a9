// v2 alone is mounted at /sys/fs/cgroup; beside v1 (hybrid) at /sys/fs/cgroup/unified, and then the controller cpu is v1's. A container
// without a cgroup namespace of its own reads its path as the host sees it, but finds its group mounted at the top.
#include "telemetry/host/cgroup.h"

#include <algorithm>

#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {
namespace {

constexpr std::uint64_t kNanosecondsPerMicrosecond = 1000;

bool leaves_the_mount(std::string_view path) {
  const auto parts = split(path, "/");
  return std::find(parts.begin(), parts.end(), "..") != parts.end();
}

std::vector<GroupThrottling> walk_up(const std::string& mount, std::string path) {
  std::vector<GroupThrottling> groups;
  if (leaves_the_mount(path)) return groups;  // of a group outside our namespace nothing can be read
  while (true) {
    const bool is_top = path.find_first_not_of('/') == std::string::npos;
    const auto text = read_text(mount + (is_top ? "" : path) + "/cpu.stat");
    if (const auto throttling = text ? parse_cpu_stat(*text) : std::nullopt) groups.push_back({is_top ? "/" : path, *throttling});
    if (is_top) return groups;
    path.resize(path.rfind('/'));
  }
}

}  // namespace

std::optional<Throttling> parse_cpu_stat(std::string_view text) {
  Throttling throttling;
  for (const std::string_view line : lines_of(text)) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() != 2) continue;
    const auto value = number<std::uint64_t>(words[1]);
    if (words[0] == "nr_periods") throttling.periods = value;
    if (words[0] == "nr_throttled") throttling.throttled_periods = value;
    if (words[0] == "throttled_time") throttling.throttled = value;
    if (words[0] == "throttled_usec" && value && *value <= UINT64_MAX / kNanosecondsPerMicrosecond) {
      throttling.throttled = *value * kNanosecondsPerMicrosecond;
    }
  }
  return throttling == Throttling{} ? std::nullopt : std::optional(throttling);
}

CgroupPaths parse_cgroup(std::string_view text) {
  CgroupPaths paths;
  for (const std::string_view line : lines_of(text)) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos || !line.substr(second + 1).starts_with('/')) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string path(line.substr(second + 1));
    if (line.substr(0, first) == "0" && controllers.empty()) paths.unified = path;
    const auto names = split(controllers, ",");
    if (std::find(names.begin(), names.end(), "cpu") != names.end()) {
      paths.cpu = path;
      paths.cpu_mount = controllers;
    }
  }
  return paths;
}

std::vector<GroupThrottling> read_throttling(const std::string& root) {
  const std::string mounts = root + "/sys/fs/cgroup";
  const auto text = read_text(root + "/proc/self/cgroup");
  if (!text) return {};
  const CgroupPaths paths = parse_cgroup(*text);
  if (!paths.cpu) return paths.unified ? walk_up(mounts, *paths.unified) : std::vector<GroupThrottling>{};
  if (!is_path_part(paths.cpu_mount)) return {};
  return walk_up(mounts + '/' + paths.cpu_mount, *paths.cpu);
}

}  // namespace wgu::telemetry
