#pragma once
// The CPUs and where things are: frequency, governor, boost, NUMA nodes. `root` holds sys/. Virtual machines have little of it.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace wgu::telemetry {

[[nodiscard]] std::set<std::uint32_t> read_cpus(const std::string& root);  // the present ones; offline ones included

struct CpuFrequency {
  std::optional<std::string> governor;
  std::optional<std::uint64_t> hertz;          // now
  std::optional<std::uint64_t> highest_hertz;  // what the hardware can
};
[[nodiscard]] CpuFrequency read_frequency(const std::string& root, std::uint32_t cpu);

// Drivers tell it in one of two places, with opposite signs.
[[nodiscard]] std::optional<bool> boost_is_on(const std::string& root);

// None: a machine without nodes, an interface without hardware.
[[nodiscard]] std::optional<std::uint32_t> numa_node_of_cpu(const std::string& root, std::uint32_t cpu);
[[nodiscard]] std::optional<std::uint32_t> numa_node_of_interface(const std::string& root, std::string_view interface_name);

}  // namespace wgu::telemetry
