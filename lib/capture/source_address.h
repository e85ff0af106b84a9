#pragma once
// The address from which the kernel would send. A peer that has not been heard of yet has no local address, but Wireshark pairs a response
// with its initiation by addresses, so that the headers made up for the initiation must have the right one.

#include "wgu/net.h"

namespace wgu::capture {

// Asks the routing table, by connecting a socket that sends nothing; firewall marks are not considered. Unset: no way there.
[[nodiscard]] IpAddress source_address_to(const Endpoint& remote) noexcept;

}  // namespace wgu::capture
