#pragma once
// Equality of changes, member by member, for tests and fuzz targets; the library itself never needs to compare them.

#include <algorithm>

#include "wgu/device.h"

namespace wgu::control {

template <class Secret>
bool same_secret(const std::optional<Secret>& a, const std::optional<Secret>& b) {
  return a.has_value() == b.has_value() && (!a || a->equals(*b));
}

inline bool same_change(const PeerChange& a, const PeerChange& b) {
  return a.public_key == b.public_key && a.remove == b.remove && a.update_only == b.update_only &&
         same_secret(a.preshared_key, b.preshared_key) && a.endpoint == b.endpoint && a.persistent_keepalive == b.persistent_keepalive &&
         a.replace_allowed_ips == b.replace_allowed_ips &&
         std::equal(a.allowed_ips.begin(), a.allowed_ips.end(), b.allowed_ips.begin(), b.allowed_ips.end(),
                    [](const AllowedIpChange& x, const AllowedIpChange& y) { return x.prefix == y.prefix && x.remove == y.remove; });
}

inline bool same_change(const DeviceChange& a, const DeviceChange& b) {
  return same_secret(a.private_key, b.private_key) && a.listen_port == b.listen_port && a.firewall_mark == b.firewall_mark &&
         a.replace_peers == b.replace_peers &&
         std::equal(a.peers.begin(), a.peers.end(), b.peers.begin(), b.peers.end(),
                    [](const PeerChange& x, const PeerChange& y) { return same_change(x, y); });
}

}  // namespace wgu::control
