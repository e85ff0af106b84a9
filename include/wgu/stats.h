#pragma once
/// \file
/// What a device counts. Every packet that enters is delivered, consumed, queued or counted under one named Drop:
///   received = delivered + consumed + dropped + queued        (each direction, exactly)
/// Counters are plain numbers in values that a worker hands out; they only grow while the device lives.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace wgu {

enum class Direction : std::uint8_t { kOutbound, kInbound };  ///< from the device to the network; the other way

/// Why a packet ended. A closed list; the table in stats.cc names and explains each.
enum class Drop : std::uint8_t {
  // Outbound: inner packets from the device.
  kOutMalformed,        // not IPv4 or IPv6, or shorter than its header
  kOutTooLong,          // would not fit a UDP datagram once sealed
  kOutNoPeer,           // no allowed IP matches the destination
  kOutNoEndpoint,       // the peer's endpoint is not known
  kOutNoIdentity,       // no private key, or the interface is down
  kOutUnusableKey,      // the peer's public key is of low order: no session may rest on it
  kOutPathMtu,          // larger than the path to the peer takes (PathPolicy::discover_mtu); its sender is told
  kOutStagedOverflow,   // the oldest of 128 waiting for a handshake
  kOutHandshakeGaveUp,  // waited for a handshake that never came
  kOutPeerRemoved,      // peer removed or session state cleared while the packet waited
  kOutMailboxFull,      // the home worker's mailbox was full
  kOutPoolExhausted,    // read from the device, but no buffer was left for it
  kOutSocketFull,       // the UDP send buffer was full
  kOutMessageTooLong,   // the kernel refused the size (EMSGSIZE)
  kOutSendFailed,       // any other send error
  kOutShutdown,         // in flight when the engine stopped

  // Inbound: UDP datagrams from the network.
  kInMalformed,            // too short, unknown type or wrong length for its type
  kInTruncated,            // larger than a buffer
  kInBadMac1,              // handshake message not meant for us
  kInNoIdentity,           // no private key, or the interface is down
  kInHandshakeQueueFull,   // the handshake queue was full
  kInUnderLoadCookieSent,  // under load without a valid MAC2: answered with a cookie
  kInUnderLoadNoCookie,    // ... and the bound on cookie replies was reached
  kInRateLimited,          // a proven source above 20 handshakes/s
  kInInvalidInitiation,    // does not authenticate
  kInUnknownPeer,          // authenticates, but no such peer
  kInReplayedInitiation,   // timestamp not greater than the last
  kInInitiationFlood,      // a peer above 50 initiations/s
  kInInvalidResponse,      // does not authenticate
  kInUnexpectedResponse,   // answers no initiation under way
  kInInvalidCookie,        // does not authenticate, or none was asked for
  kInUnknownIndex,         // no session has this receiver index
  kInSessionExpired,       // session past Reject-After-Time or Reject-After-Messages
  kInBadTag,               // ChaCha20-Poly1305 refused it
  kInReplayed,             // counter seen before, or older than the window
  kInMalformedInner,       // decrypted to something that is not an IP packet of that length
  kInBadEcn,               // outer congestion mark on an inner packet that cannot carry it (RFC 6040)
  kInDisallowedSource,     // the inner source belongs to another peer, or to none
  kInMailboxFull,          // the home worker's mailbox was full
  kInPoolExhausted,        // received, but no buffer was left for it
  kInDeviceWriteFailed,    // the device refused the packet
  kInShutdown,             // in flight when the engine stopped
};
inline constexpr std::size_t kDropCount = static_cast<std::size_t>(Drop::kInShutdown) + 1;

struct DropInfo {
  Drop drop;
  Direction direction;
  std::string_view name;  ///< snake_case, without the direction, e.g. "bad_tag"
  std::string_view help;  ///< one sentence
};
/// One row a Drop, in the order of the enum.
std::span<const DropInfo, kDropCount> drop_table() noexcept;

/// One worker's counters, or the sum over workers (operator+=).
struct Counters {
  // Outbound flow.
  std::uint64_t device_packets_received = 0;  ///< inner packets read from the device
  std::uint64_t device_bytes_received = 0;
  std::uint64_t data_packets_sent = 0;        ///< of those, sealed and handed to the socket
  std::uint64_t outbound_queued = 0;          ///< gauge: staged for a handshake
  std::uint64_t outbound_forwarded = 0;       ///< handed to the peer's home worker
  std::uint64_t outbound_adopted = 0;         ///< taken over from another worker; forwarded - adopted are on the way
  // Inbound flow.
  std::uint64_t datagrams_received = 0;
  std::uint64_t datagram_bytes_received = 0;
  std::uint64_t device_packets_sent = 0;  ///< inner packets written to the device, the ICMP of icmp_sent included
  std::uint64_t device_bytes_sent = 0;
  std::uint64_t inbound_consumed = 0;  ///< handshake messages, cookies and keepalives that ended here as they should
  std::uint64_t inbound_queued = 0;    ///< gauge: handshake messages waiting
  std::uint64_t inbound_forwarded = 0;  ///< handed to the peer's home worker
  std::uint64_t inbound_adopted = 0;    ///< taken over from another worker
  // Made here.
  std::uint64_t datagrams_sent = 0;  ///< everything handed to the socket: data, keepalives, handshakes, cookies
  std::uint64_t datagram_bytes_sent = 0;
  std::uint64_t keepalives_sent = 0;
  std::uint64_t keepalives_received = 0;
  std::uint64_t initiations_sent = 0;
  std::uint64_t initiations_received = 0;  ///< accepted
  std::uint64_t responses_sent = 0;
  std::uint64_t responses_received = 0;  ///< accepted
  std::uint64_t cookie_replies_sent = 0;
  std::uint64_t cookie_replies_received = 0;  ///< accepted
  std::uint64_t sessions_begun = 0;           ///< keypairs derived
  std::uint64_t handshakes_given_up = 0;
  std::uint64_t icmp_sent = 0;            ///< "unreachable" and "too big" messages to inner senders, written to the device
  std::uint64_t paths_narrowed = 0;       ///< a peer's path MTU turned out smaller than believed (PathPolicy::discover_mtu)
  std::uint64_t mss_clamped = 0;          ///< TCP handshakes whose MSS was lowered, either way (PathPolicy::clamp_mss)
  std::uint64_t endpoints_changed = 0;    ///< a peer roamed
  std::uint64_t send_errors = 0;          ///< datagrams of our own making (handshakes, keepalives) that the socket refused
  std::uint64_t trains_refused = 0;       ///< several datagrams in one send that the kernel took only one by one (UDP_SEGMENT)
  std::uint64_t batches_shared = 0;       ///< batches sealed or opened together with other workers
  std::uint64_t shares_helped = 0;        ///< parts of other workers' batches done here
  std::uint64_t device_reads_starved = 0;  ///< times when reading stopped because no buffer was free; packets wait in the kernel
  std::uint64_t socket_reads_starved = 0;

  std::array<std::uint64_t, kDropCount> drops{};

  void drop(Drop reason, std::uint64_t count = 1) noexcept { drops[static_cast<std::size_t>(reason)] += count; }
  [[nodiscard]] std::uint64_t dropped(Drop reason) const noexcept { return drops[static_cast<std::size_t>(reason)]; }
  [[nodiscard]] std::uint64_t dropped(Direction direction) const noexcept;
  Counters& operator+=(const Counters& other) noexcept;

  /// received + adopted - delivered - consumed - dropped - queued - forwarded: zero, for each worker and for their sum, when every
  /// packet is accounted for. Outbound, delivered are data_packets_sent; inbound, device_packets_sent less icmp_sent.
  [[nodiscard]] std::int64_t unexplained(Direction direction) const noexcept;
};

}  // namespace wgu
