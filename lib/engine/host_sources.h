#pragma once
// What of an engine the kernel's figures are read of: its device, the machine's network cards, and its sockets.

#include <optional>
#include <string>

#include "io/udp.h"
#include "wgu/host_metrics.h"

namespace wgu::engine {

// Borrows the sockets: `binding` outlives what is returned.
[[nodiscard]] HostSources host_sources(const std::string& interface_name, const std::optional<io::UdpBinding>& binding);

}  // namespace wgu::engine
