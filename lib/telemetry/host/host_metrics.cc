// Sources -> readings. Each source is one function that puts what it found; sorting by metric makes the groups that text formats want.
#include "wgu/host_metrics.h"

#include <net/if.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <type_traits>

#include "telemetry/host/cgroup.h"
#include "telemetry/host/interface_counters.h"
#include "telemetry/host/interrupts.h"
#include "telemetry/host/kernel_text.h"
#include "telemetry/host/processors.h"
#include "telemetry/host/protocol_counters.h"
#include "telemetry/host/qdisc.h"
#include "telemetry/host/socket_memory.h"
#include "telemetry/host/softnet.h"
#include "telemetry/host/system_stat.h"
#include "telemetry/host/tasks.h"

namespace wgu {
namespace {

using namespace telemetry;

constexpr double kSecondsPerNanosecond = 1e-9;

using enum HostMetric;

class Readings {
 public:
  template <class T>
  void put(HostMetric metric, const std::optional<T>& value, std::string first = {}, std::string second = {}, double scale = 1) {
    static_assert(std::is_arithmetic_v<T>);
    if (value) readings_.push_back({metric, {std::move(first), std::move(second)}, static_cast<double>(*value) * scale});
  }
  std::vector<HostReading> take() {
    std::stable_sort(readings_.begin(), readings_.end(), [](const HostReading& a, const HostReading& b) { return a.metric < b.metric; });
    return std::move(readings_);
  }

 private:
  std::vector<HostReading> readings_;
};

std::optional<std::uint64_t> find(const NamedCounters& counters, std::string_view name) {
  const auto found = counters.find(name);
  return found == counters.end() ? std::nullopt : std::optional(found->second);
}

void put_softnet(const std::string& root, Readings& readings) {
  const auto text = read_text(root + "/proc/net/softnet_stat");
  for (const SoftnetCpu& row : parse_softnet_stat(text.value_or(""))) {
    const std::string cpu = std::to_string(row.cpu);
    readings.put(kSoftnetProcessed, row.processed, cpu);
    readings.put(kSoftnetDropped, row.dropped, cpu);
    readings.put(kSoftnetTimeSqueeze, row.time_squeeze, cpu);
    readings.put(kSoftnetReceivedRps, row.received_rps, cpu);
    readings.put(kSoftnetFlowLimit, row.flow_limit, cpu);
    readings.put(kSoftnetBacklog, row.backlog, cpu);
  }
}

void put_protocols(const NamedCounters& udp, const NamedCounters& ip, const std::string& family, Readings& readings) {
  readings.put(kUdpReceiveErrors, find(udp, "InErrors"), family);
  readings.put(kUdpReceiveBufferErrors, find(udp, "RcvbufErrors"), family);
  readings.put(kUdpSendBufferErrors, find(udp, "SndbufErrors"), family);
  readings.put(kUdpMemoryErrors, find(udp, "MemErrors"), family);
  readings.put(kUdpChecksumErrors, find(udp, "InCsumErrors"), family);
  readings.put(kIpReassemblyRequests, find(ip, "ReasmReqds"), family);
  readings.put(kIpReassemblyFailures, find(ip, "ReasmFails"), family);
  readings.put(kIpFragmentsCreated, find(ip, "FragCreates"), family);
  readings.put(kIpFragmentFailures, find(ip, "FragFails"), family);
}

void put_interrupts(const HostSources& sources, Readings& readings) {
  if (const auto text = read_text(sources.root + "/proc/softirqs")) {
    for (const InterruptRow& row : parse_interrupts(*text)) {
      if (row.name != "NET_RX" && row.name != "NET_TX") continue;
      for (const auto& [cpu, count] : row.by_cpu) readings.put(kSoftirqs, std::optional(count), std::to_string(cpu), row.name);
    }
  }
  std::set<std::string> wanted;
  for (const std::string& name : sources.interfaces) wanted.merge(interrupts_of_interface(sources.root, name));
  if (wanted.empty()) return;
  const auto text = read_text(sources.root + "/proc/interrupts");
  for (const InterruptRow& row : parse_interrupts(text.value_or(""))) {
    if (!wanted.contains(row.name)) continue;
    for (const auto& [cpu, count] : row.by_cpu) readings.put(kInterrupts, std::optional(count), std::to_string(cpu), row.name);
  }
}

void put_direction(const InterfaceDirection& counters, const std::string& interface_name, const char* direction, Readings& readings) {
  readings.put(kInterfacePackets, counters.packets, interface_name, direction);
  readings.put(kInterfaceBytes, counters.bytes, interface_name, direction);
  readings.put(kInterfaceErrors, counters.errors, interface_name, direction);
  readings.put(kInterfaceDropped, counters.dropped, interface_name, direction);
  readings.put(kInterfaceFifoErrors, counters.fifo_errors, interface_name, direction);
  readings.put(kInterfaceMissedErrors, counters.missed_errors, interface_name, direction);
}

void put_interfaces(const HostSources& sources, Readings& readings) {
  for (const std::string& name : sources.interfaces) {
    if (const auto counters = read_interface(sources.root, name)) {
      put_direction(counters->receive, name, "receive", readings);
      put_direction(counters->transmit, name, "transmit", readings);
    }
    readings.put(kInterfaceNumaNode, numa_node_of_interface(sources.root, name), name);
  }
}

void put_qdiscs(const HostSources& sources, Readings& readings) {
  if (sources.interfaces.empty()) return;
  const auto qdiscs = read_qdiscs();
  if (!qdiscs) return;
  for (const std::string& name : sources.interfaces) {
    const unsigned index = ::if_nametoindex(name.c_str());
    for (const Qdisc& qdisc : *qdiscs) {
      // The root's counters include those below it; a second series of the same packets would be summed with them.
      if (index == 0 || qdisc.interface_index != index || qdisc.parent != kRootQdisc) continue;
      readings.put(kQdiscDropped, qdisc.drops, name, qdisc.kind);
      readings.put(kQdiscOverlimits, qdisc.overlimits, name, qdisc.kind);
      readings.put(kQdiscRequeues, qdisc.requeues, name, qdisc.kind);
      readings.put(kQdiscQueuedPackets, qdisc.queued_packets, name, qdisc.kind);
    }
  }
}

void put_sockets(const HostSources& sources, Readings& readings) {
  for (const auto& [label, fd] : sources.sockets) {
    const auto memory = read_socket_memory(fd);
    if (!memory) continue;
    readings.put(kSocketReceiveQueued, std::optional(memory->receive_queued), label);
    readings.put(kSocketReceiveLimit, std::optional(memory->receive_limit), label);
    readings.put(kSocketSendQueued, std::optional(memory->send_queued), label);
    readings.put(kSocketSendLimit, std::optional(memory->send_limit), label);
    readings.put(kSocketDropped, std::optional(memory->drops), label);
  }
}

void put_tasks(const std::string& root, Readings& readings) {
  for (const auto& [id, task] : read_tasks(root, "self")) {
    const std::string thread = std::to_string(id);
    const std::string name = task.stat ? task.stat->name : "";
    if (task.run) {
      readings.put(kThreadCpu, std::optional(task.run->ran), thread, name, kSecondsPerNanosecond);
      readings.put(kThreadWaiting, std::optional(task.run->waited), thread, name, kSecondsPerNanosecond);
    } else if (const auto ticks = ticks_per_second(); task.stat && ticks) {
      readings.put(kThreadCpu, std::optional(task.stat->user_ticks + task.stat->system_ticks), thread, name,
                   1 / static_cast<double>(*ticks));
    }
    readings.put(kThreadVoluntarySwitches, task.switches.voluntary, thread, name);
    readings.put(kThreadInvoluntarySwitches, task.switches.involuntary, thread, name);
    readings.put(kThreadMigrations, task.migrations, thread, name);
    if (task.stat) readings.put(kThreadLastCpu, task.stat->last_cpu, thread, name);
  }
}

void put_cgroups(const std::string& root, Readings& readings) {
  for (const auto& [group, throttling] : read_throttling(root)) {
    readings.put(kCgroupPeriods, throttling.periods, group);
    readings.put(kCgroupThrottledPeriods, throttling.throttled_periods, group);
    readings.put(kCgroupThrottled, throttling.throttled, group, {}, kSecondsPerNanosecond);
  }
}

void put_cpus(const std::string& root, Readings& readings) {
  const auto ticks = ticks_per_second();
  const auto text = read_text(root + "/proc/stat");
  if (ticks && text) {
    for (const auto& [cpu, times] : parse_system_stat(*text).by_cpu) {
      for (std::size_t state = 0; state < kCpuStateNames.size(); ++state) {
        readings.put(kCpuTime, times[static_cast<CpuState>(state)], std::to_string(cpu), std::string(kCpuStateNames[state]),
                     1 / static_cast<double>(*ticks));
      }
    }
  }
  for (const std::uint32_t cpu : read_cpus(root)) {
    const CpuFrequency frequency = read_frequency(root, cpu);
    readings.put(kCpuFrequency, frequency.hertz, std::to_string(cpu));
    readings.put(kCpuFrequencyHighest, frequency.highest_hertz, std::to_string(cpu));
    if (frequency.governor) readings.put(kCpuGovernor, std::optional(1), std::to_string(cpu), *frequency.governor);
    readings.put(kCpuNumaNode, numa_node_of_cpu(root, cpu), std::to_string(cpu));
  }
}

}  // namespace

std::vector<HostReading> read_host(const HostSources& sources) {
  const std::string& root = sources.root;
  Readings readings;
  put_softnet(root, readings);
  if (const auto snmp = read_text(root + "/proc/net/snmp")) {
    put_protocols(parse_protocol(*snmp, "Udp"), parse_protocol(*snmp, "Ip"), "ipv4", readings);
  }
  if (const auto snmp6 = read_text(root + "/proc/net/snmp6")) {
    put_protocols(parse_protocol_6(*snmp6, "Udp6"), parse_protocol_6(*snmp6, "Ip6"), "ipv6", readings);
  }
  put_interrupts(sources, readings);
  put_interfaces(sources, readings);
  put_qdiscs(sources, readings);
  put_sockets(sources, readings);
  put_tasks(root, readings);
  put_cgroups(root, readings);
  put_cpus(root, readings);
  return readings.take();
}

std::vector<std::string> network_cards(const std::string& root) {
  std::vector<std::string> names;
  std::error_code ignored;  // no sysfs, no names
  for (const auto& entry : std::filesystem::directory_iterator(root + "/sys/class/net", ignored)) {
    if (std::filesystem::exists(entry.path() / "device", ignored)) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace wgu
