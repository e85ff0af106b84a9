#pragma once
// What the kernel counted at a network interface: NIC, veth or TUN. Of a TUN the directions are the host's: what the application
// reads was transmitted, so transmit.dropped is its full queue (txqueuelen), and receive.dropped what the host refused of our writes.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace wgu::telemetry {

struct InterfaceDirection {
  std::optional<std::uint64_t> bytes, packets, errors, dropped;
  std::optional<std::uint64_t> fifo_errors;    // the device's queue overran
  std::optional<std::uint64_t> missed_errors;  // received only: no buffer in the NIC's ring
  friend bool operator==(const InterfaceDirection&, const InterfaceDirection&) = default;
};

struct InterfaceCounters {
  InterfaceDirection receive, transmit;
  friend bool operator==(const InterfaceCounters&, const InterfaceCounters&) = default;
};

// /proc/net/dev, by the names in its header.
[[nodiscard]] std::map<std::string, InterfaceCounters, std::less<>> parse_net_dev(std::string_view text);
// /sys/class/net/NAME/statistics, and where there is no sysfs /proc/net/dev. None: no such interface. `root` holds proc/ and sys/.
[[nodiscard]] std::optional<InterfaceCounters> read_interface(const std::string& root, std::string_view interface_name);

}  // namespace wgu::telemetry
