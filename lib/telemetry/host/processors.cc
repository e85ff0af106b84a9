#include "telemetry/host/processors.h"

#include <filesystem>
#include <system_error>

#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {
namespace {

constexpr const char* kCpus = "/sys/devices/system/cpu/";

std::string cpu_folder(const std::string& root, std::uint32_t cpu) { return root + kCpus + "cpu" + std::to_string(cpu) + '/'; }

// The N of the entries "<prefix>N".
std::set<std::uint32_t> numbered(const std::string& folder, std::string_view prefix) {
  std::set<std::uint32_t> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!name.starts_with(prefix)) continue;
    if (const auto index = number<std::uint32_t>(std::string_view(name).substr(prefix.size()))) numbers.insert(*index);
  }
  return numbers;
}

// cpufreq tells kHz.
std::optional<std::uint64_t> read_hertz(const std::string& path) {
  constexpr std::uint64_t kHertzPerKilohertz = 1000;
  const auto line = read_line(path);
  const auto kilohertz = line ? number<std::uint32_t>(*line) : std::nullopt;
  return kilohertz ? std::optional(*kilohertz * kHertzPerKilohertz) : std::nullopt;
}

}  // namespace

std::set<std::uint32_t> read_cpus(const std::string& root) { return numbered(root + kCpus, "cpu"); }

CpuFrequency read_frequency(const std::string& root, std::uint32_t cpu) {
  const std::string folder = cpu_folder(root, cpu) + "cpufreq/";
  return {read_line(folder + "scaling_governor"), read_hertz(folder + "scaling_cur_freq"), read_hertz(folder + "cpuinfo_max_freq")};
}

std::optional<bool> boost_is_on(const std::string& root) {
  if (const auto no_turbo = read_line(root + kCpus + "intel_pstate/no_turbo")) return *no_turbo == "0";
  if (const auto boost = read_line(root + kCpus + "cpufreq/boost")) return *boost == "1";
  return std::nullopt;
}

std::optional<std::uint32_t> numa_node_of_cpu(const std::string& root, std::uint32_t cpu) {
  const std::set<std::uint32_t> nodes = numbered(cpu_folder(root, cpu), "node");
  return nodes.empty() ? std::nullopt : std::optional(*nodes.begin());
}

std::optional<std::uint32_t> numa_node_of_interface(const std::string& root, std::string_view interface_name) {
  if (!is_path_part(interface_name)) return std::nullopt;
  const auto line = read_line(root + "/sys/class/net/" + std::string(interface_name) + "/device/numa_node");
  return line ? number<std::uint32_t>(*line) : std::nullopt;  // "-1": the firmware does not tell
}

}  // namespace wgu::telemetry
