#pragma once
// Links of the network namespace that the calling thread is in (network_namespace.h), by netlink and ioctl: no other program is needed.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/lab/network_namespace.h"
#include "wgu/net.h"
#include "wgu/result.h"

namespace wgu::bench {

// A wire: one end here, one in `there`, both of that name, down. \errors EOPNOTSUPP (a kernel without veth), EEXIST, others of netlink
Result<void> create_veth(const std::string& name, std::uint32_t mtu, const NetworkNamespace& there);
// Usable as soon as the link is up: nobody is asked whether an IPv6 address is taken.
Result<void> add_address(const std::string& name, const IpAddress& address, std::uint8_t prefix_length);
Result<void> set_mtu(const std::string& name, std::uint32_t mtu);
Result<void> bring_up(const std::string& name);
// \pre both are of one family, and the gateway is on a link
Result<void> add_route(const Prefix& prefix, const IpAddress& gateway);
// Every address of it is ours: sockets may send from any (IPv6: with IPV6_FREEBIND) and hear what comes for any. One generator stands for
// many hosts so.
Result<void> own_prefix(const Prefix& prefix);

// Of /proc/net/dev: frames that the link dropped, received and to be sent; none when it has no such link.
std::optional<std::uint64_t> parse_dropped_frames(std::string_view net_dev, std::string_view name);
Result<std::uint64_t> dropped_frames(const std::string& name);

}  // namespace wgu::bench
