#pragma once
/// \file
/// What the kernel counts beside the tunnel, under names for an exporter: packets lost before any socket saw them, how full sockets are,
/// what CPUs and threads did. A table describes every figure; a reading is one value with its labels. What could not be measured has no
/// reading: absent is never zero.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wgu/stats.h"

namespace wgu {

enum class HostMetric : std::uint8_t {
  kSoftnetProcessed,
  kSoftnetDropped,
  kSoftnetTimeSqueeze,
  kSoftnetReceivedRps,
  kSoftnetFlowLimit,
  kSoftnetBacklog,
  kUdpReceiveErrors,
  kUdpReceiveBufferErrors,
  kUdpSendBufferErrors,
  kUdpMemoryErrors,
  kUdpChecksumErrors,
  kIpReassemblyRequests,
  kIpReassemblyFailures,
  kIpFragmentsCreated,
  kIpFragmentFailures,
  kSoftirqs,
  kInterrupts,
  kInterfacePackets,
  kInterfaceBytes,
  kInterfaceErrors,
  kInterfaceDropped,
  kInterfaceFifoErrors,
  kInterfaceMissedErrors,
  kQdiscDropped,
  kQdiscOverlimits,
  kQdiscRequeues,
  kQdiscQueuedPackets,
  kSocketReceiveQueued,
  kSocketReceiveLimit,
  kSocketSendQueued,
  kSocketSendLimit,
  kSocketDropped,
  kThreadCpu,
  kThreadWaiting,
  kThreadVoluntarySwitches,
  kThreadInvoluntarySwitches,
  kThreadMigrations,
  kThreadLastCpu,
  kCgroupPeriods,
  kCgroupThrottledPeriods,
  kCgroupThrottled,
  kCpuTime,
  kCpuFrequency,
  kCpuFrequencyHighest,
  kCpuGovernor,
  kCpuNumaNode,
  kInterfaceNumaNode,
};
inline constexpr std::size_t kHostMetricCount = static_cast<std::size_t>(HostMetric::kInterfaceNumaNode) + 1;

inline constexpr std::size_t kHostLabels = 2;

struct HostMetricInfo {
  HostMetric metric;
  std::string_view name;  ///< of the family: unit last; the samples of a counter add "_total"
  MetricType type;
  std::string_view unit;                             ///< "seconds", "bytes", "hertz"; empty: a plain count
  std::array<std::string_view, kHostLabels> labels;  ///< names; empty: not there
  std::string_view help;                             ///< one sentence
};
/// One row a metric, in the order of the enum.
[[nodiscard]] std::span<const HostMetricInfo, kHostMetricCount> host_metric_table() noexcept;
[[nodiscard]] inline const HostMetricInfo& info_of(HostMetric metric) noexcept {
  return host_metric_table()[static_cast<std::size_t>(metric)];
}

struct HostReading {
  HostMetric metric;
  std::array<std::string, kHostLabels> labels;  ///< values, in the order of the table's names
  double value = 0;
  friend bool operator==(const HostReading&, const HostReading&) = default;
};

/// What to look at besides the machine.
struct HostSources {
  struct Socket {
    std::string label;  ///< "0/ipv4": of worker 0
    int fd = -1;
  };
  std::string root = "";                     ///< holds proc/ and sys/; netlink and sockets are the process's own whatever it is
  std::vector<std::string> interfaces = {};  ///< the TUN and the network cards that carry the tunnel
  std::vector<Socket> sockets = {};
};

/// All that can be read, in the order of the table: the readings of one metric stand together. Reads a hundred small files: for the
/// thread that answers a scrape, not for one that has packets.
[[nodiscard]] std::vector<HostReading> read_host(const HostSources& sources);
/// The interfaces that are hardware, real or virtual: what HostSources::interfaces usually holds besides the TUN.
[[nodiscard]] std::vector<std::string> network_cards(const std::string& root);

}  // namespace wgu
