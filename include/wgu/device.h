#pragma once
/// \file
/// A device's configuration as a value: what a caller wants (DeviceChange) and what is (DeviceStatus). The same structures serve
/// the sans-IO Tunnel, the Engine, the UAPI and configuration files. A change is checked whole before anything of it is done.

#include <cstdint>
#include <optional>
#include <vector>

#include "wgu/key.h"
#include "wgu/net.h"
#include "wgu/stats.h"
#include "wgu/time.h"

namespace wgu {

inline constexpr std::size_t kMaxPeers = 1U << 20;  ///< a device; as in the kernel (MAX_PEERS_PER_DEVICE)

/// An allowed IP to add, or (`remove`) to take away if this peer has it.
struct AllowedIpChange {
  Prefix prefix;
  bool remove = false;
};

/// One peer's part of a change, applied in the order given. Absent members stay as they are.
struct PeerChange {
  PublicKey public_key;
  bool remove = false;       ///< take the peer away; nothing else of this change counts
  bool update_only = false;  ///< leave out when there is no such peer
  std::optional<PresharedKey> preshared_key;  ///< all zero clears
  std::optional<Endpoint> endpoint;
  std::optional<std::uint16_t> persistent_keepalive;  ///< seconds; 0 is off
  bool replace_allowed_ips = false;
  std::vector<AllowedIpChange> allowed_ips;  ///< an address block moves here from whichever peer had it
};

/// A whole change, applied whole or not at all. A peer whose key is the device's own is left out, silently, as wg expects; a new
/// private key removes a peer that has its public key.
struct DeviceChange {
  std::optional<PrivateKey> private_key;  ///< all zero clears
  std::optional<std::uint16_t> listen_port;  ///< 0: any free one
  std::optional<std::uint32_t> firewall_mark;  ///< SO_MARK of the sockets; 0: none
  bool replace_peers = false;
  std::vector<PeerChange> peers;
};

struct PeerStatus {
  PublicKey public_key;
  PresharedKey preshared_key;
  Endpoint endpoint;                       ///< unset when not known
  std::uint16_t persistent_keepalive = 0;  ///< seconds; 0 is off
  std::vector<Prefix> allowed_ips;
  WallTime last_handshake;      ///< Unix time of the last completed handshake; zero: never
  std::uint64_t rx_bytes = 0;   ///< UDP payload, handshakes and keepalives included, as the kernel counts it
  std::uint64_t tx_bytes = 0;
  std::uint16_t path_mtu = 0;  ///< bytes of the largest outer packet on the way to the endpoint; 0: not known, or not asked for
  PeerCounters counters;
  std::vector<std::uint64_t> drops;  ///< by Drop, of packets that its home knew to be the peer's; empty unless it is watched
};

struct DeviceStatus {
  PrivateKey private_key;
  PublicKey public_key;  ///< meaningful when private_key is set
  std::uint16_t listen_port = 0;
  std::uint32_t firewall_mark = 0;
  std::vector<PeerStatus> peers;  ///< in the order they were added
};

}  // namespace wgu
