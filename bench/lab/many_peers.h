#pragma once
// Peers by the thousand, as a hub has them: keys nobody uses, and allowed IPs where no testbed has an address.

#include <vector>

#include "wgu/device.h"
#include "wgu/net.h"

namespace wgu::bench {

// Each with `allowed_ips` addresses of its own, one after the other from 10.0.0.0 or fd10::, all in prefixes of full length.
// \pre together at most 4,000,000, so that IPv4 ones stay below 10.64.0.0
[[nodiscard]] std::vector<PeerChange> many_peers(unsigned count, unsigned allowed_ips, Family family);

}  // namespace wgu::bench
