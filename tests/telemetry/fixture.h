#pragma once
// Machines as files: fixtures/NAME holds proc/ and sys/ as a kernel wrote them.
//
//   nic_server   Linux 6.8: four CPUs of which CPU 2 is offline, two NUMA nodes, cpufreq, a NIC with interrupts, cgroup v2 with limits
//   guest_v1     a virtual machine: cgroup v1 in a container, no cpufreq, no nodes, a kernel with narrow tables
//   bare         nothing but an empty proc/net/softnet_stat: whatever is asked of it was not measured

#include <string>

namespace wgu::telemetry::test {

inline std::string fixture(const std::string& name) { return std::string(WGU_SOURCES "/tests/telemetry/fixtures/") + name; }

}  // namespace wgu::telemetry::test
