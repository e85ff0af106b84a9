#pragma once
// The offloads of a network interface of the caller's network namespace, by the names that ethtool -k shows.

#include <string>

#include "bench/environment.h"
#include "wgu/result.h"

namespace wgu::bench {

// Those that change what a tunnel costs, as "offload/tx-udp-segmentation" = "on", "off", "on, fixed" or "off, fixed", for a run's
// environment. Empty where the interface does not tell.
[[nodiscard]] Environment read_offloads(const std::string& interface_name);

// \errors ENOENT (no such offload), EPERM (it is fixed), others of the system
Result<void> set_offload(const std::string& interface_name, const std::string& offload, bool is_on);
Result<bool> has_offload(const std::string& interface_name, const std::string& offload);

}  // namespace wgu::bench
