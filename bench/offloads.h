#pragma once
// The offloads of a network interface, as ethtool -k names them.

#include <string>

#include "bench/environment.h"

namespace wgu::bench {

// Those that change what a tunnel costs, as "offload/tx-udp-segmentation" = "on", "off", "on, fixed" or "off, fixed", for a run's
// environment; of the caller's network namespace. Empty where the interface does not tell.
[[nodiscard]] Environment read_offloads(const std::string& interface_name);

}  // namespace wgu::bench
