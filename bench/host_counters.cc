// The kernel's tables as lib/telemetry reads them, under the names that stand in result files.
#include "bench/host_counters.h"

#include <optional>
#include <string_view>

#include "telemetry/host/kernel_text.h"
#include "telemetry/host/protocol_counters.h"
#include "telemetry/host/softnet.h"
#include "telemetry/host/system_stat.h"

namespace wgu::bench {
namespace {

template <class T>
void put(HostCounters& counters, const std::string& name, const std::optional<T>& value) {
  if (value) counters.insert_or_assign(name, *value);
}

void put_softnet(std::string_view text, HostCounters& counters) {
  for (const telemetry::SoftnetCpu& row : telemetry::parse_softnet_stat(text)) {
    const std::string prefix = "softnet/" + std::to_string(row.cpu) + "/";
    put(counters, prefix + "processed", row.processed);
    put(counters, prefix + "dropped", row.dropped);
    put(counters, prefix + "time_squeeze", row.time_squeeze);
    put(counters, prefix + "received_rps", row.received_rps);
    put(counters, prefix + "flow_limit", row.flow_limit);
  }
}

void put_protocol(const std::string& prefix, const telemetry::NamedCounters& protocol, HostCounters& counters) {
  for (const auto& [name, value] : protocol) counters.insert_or_assign(prefix + name, value);
}

void put_stat(const telemetry::SystemStat& stat, std::uint64_t ticks_per_second, HostCounters& counters) {
  constexpr std::uint64_t kMilliseconds = 1000;
  put(counters, "interrupts", stat.interrupts);
  put(counters, "context_switches", stat.context_switches);
  for (const auto& [cpu, times] : stat.by_cpu) {
    for (std::size_t state = 0; state < telemetry::kCpuStateNames.size(); ++state) {
      const auto& ticks = times[static_cast<telemetry::CpuState>(state)];
      if (!ticks) continue;
      counters["cpu/" + std::to_string(cpu) + "/" + std::string(telemetry::kCpuStateNames[state])] =
          *ticks * kMilliseconds / ticks_per_second;
    }
  }
}

}  // namespace

HostCounters read_host_counters(const std::string& root) {
  const auto contents = [&root](const char* path) { return telemetry::read_text(root + path).value_or(std::string()); };
  HostCounters counters;
  if (const auto ticks = telemetry::ticks_per_second()) put_stat(telemetry::parse_system_stat(contents("/proc/stat")), *ticks, counters);
  put_softnet(contents("/proc/net/softnet_stat"), counters);
  counters.merge(read_udp_counters(root));
  return counters;
}

HostCounters read_udp_counters(const std::string& root) {
  // Of the thread rather than the process: a testbed's namespace is visited by one thread.
  const auto of_thread = telemetry::read_text(root + "/proc/thread-self/net/snmp");
  const std::string net = root + (of_thread ? "/proc/thread-self/net/" : "/proc/net/");
  const auto contents = [&net](const char* file) { return telemetry::read_text(net + file).value_or(std::string()); };
  HostCounters counters;
  put_protocol("udp/", telemetry::parse_protocol(contents("snmp"), "Udp"), counters);
  put_protocol("udp6/", telemetry::parse_protocol_6(contents("snmp6"), "Udp6"), counters);
  return counters;
}

void add(HostCounters& sum, const HostCounters& more) {
  for (const auto& [name, count] : more) sum[name] += count;
}

HostCounters counted_between(const HostCounters& before, const HostCounters& after) {
  HostCounters difference;
  for (const auto& [name, end] : after) {
    const auto begin = before.find(name);
    if (begin == before.end()) continue;
    if (name.starts_with("softnet/")) {
      difference[name] = static_cast<std::uint32_t>(end - begin->second);
    } else if (end >= begin->second) {
      difference[name] = end - begin->second;
    }
  }
  return difference;
}

}  // namespace wgu::bench
