#pragma once
// /proc/net/softnet_stat: what each CPU's receive path did with packets. Of the whole machine, not of a network namespace: in a
// container the neighbours' packets are in it. NAPI drivers do not use the backlog, so `dropped` moves only for RPS, veth,
// loopback and what is written to a TUN; an overrun ring of a NIC is in interface_counters.h.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace wgu::telemetry {

// All counters are 32 bits wide and wrap. What the kernel's table is too narrow for is absent.
struct SoftnetCpu {
  std::uint32_t cpu = 0;
  std::optional<std::uint32_t> processed;
  std::optional<std::uint32_t> dropped;        // backlog full (net.core.netdev_max_backlog), or flow limit
  std::optional<std::uint32_t> time_squeeze;   // budget or time over with work left (net.core.netdev_budget)
  std::optional<std::uint32_t> received_rps;   // woken by another CPU
  std::optional<std::uint32_t> flow_limit;     // of those dropped, by the flow limit
  std::optional<std::uint32_t> backlog;        // gauge: packets waiting
  std::optional<std::uint32_t> input_queue;    // gauge: of those, not yet taken up
  std::optional<std::uint32_t> process_queue;  // gauge: ... taken up
  friend bool operator==(const SoftnetCpu&, const SoftnetCpu&) = default;
};

// Rows of 9 to 15 columns, by kernel version. Rows that are something else are left out.
[[nodiscard]] std::vector<SoftnetCpu> parse_softnet_stat(std::string_view text);

}  // namespace wgu::telemetry
