#pragma once
// /proc/interrupts and /proc/softirqs: how often each CPU was interrupted, and by what.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace wgu::telemetry {

struct InterruptRow {
  std::string name;         // "41", "LOC"; of softirqs "NET_RX"
  std::string description;  // "PCI-MSIX-0000:00:04.0 1-edge virtio3-rx"; of softirqs empty
  std::map<std::uint32_t, std::uint64_t> by_cpu;
  friend bool operator==(const InterruptRow&, const InterruptRow&) = default;
};

// Both files have this form. CPUs are those of the header, which leaves out the ones that are offline; rows with fewer counts than it
// (ERR, MIS: of the machine) are left out.
[[nodiscard]] std::vector<InterruptRow> parse_interrupts(std::string_view text);

// The interrupts that a NIC's device asked for, as named in /proc/interrupts; empty for one without hardware. `root` holds sys/.
[[nodiscard]] std::set<std::string> interrupts_of_interface(const std::string& root, std::string_view interface_name);

}  // namespace wgu::telemetry
