#pragma once
// The protocols' counters of the caller's network namespace, by the names the kernel gives them: /proc/net/snmp and
// /proc/net/netstat ("Udp", "RcvbufErrors"), /proc/net/snmp6 ("Udp6RcvbufErrors").

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace wgu::telemetry {

using NamedCounters = std::map<std::string, std::uint64_t, std::less<>>;

// The protocol's pair of lines, names above values, in a text of such pairs. Values that are no count (Ip's "-1") are left out.
[[nodiscard]] NamedCounters parse_protocol(std::string_view text, std::string_view protocol);
// A line a counter; of those that begin with `protocol`, what follows it: "Udp6" has "InErrors".
[[nodiscard]] NamedCounters parse_protocol_6(std::string_view text, std::string_view protocol);

}  // namespace wgu::telemetry
