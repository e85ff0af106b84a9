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

/// Why a handshake was begun, not counting its repetitions. A closed list; the table in counter_table.cc names and explains each.
enum class RekeyCause : std::uint8_t {
  kNoSession,    // something to send, and no session to send it on: the first, or after a silence
  kTime,         // the session is older than Rekey-After-Time, or near its end while the other side sends
  kMessages,     // ... or has carried Rekey-After-Messages
  kNoAnswer,     // data was sent, and nothing came back for New-Handshake-Time
  kNewEndpoint,  // packets waited, and a new endpoint was set
  kNewKey,       // the device has another private key
};
inline constexpr std::size_t kRekeyCauseCount = static_cast<std::size_t>(RekeyCause::kNewKey) + 1;

/// One worker's counters, or the sum over workers (operator+=). Each is a row of counter_table(), which the compiler checks.
struct Counters {
  // Outbound flow.
  std::uint64_t device_packets_received = 0;  ///< inner packets read from the device
  std::uint64_t device_bytes_received = 0;
  std::uint64_t data_packets_sent = 0;        ///< of those, sealed and handed to the socket
  std::uint64_t data_bytes_sent = 0;          ///< of the inner packets, without padding: goodput
  std::uint64_t outbound_queued = 0;          ///< gauge: staged for a handshake
  std::uint64_t outbound_forwarded = 0;       ///< handed to the peer's home worker
  std::uint64_t outbound_adopted = 0;         ///< taken over from another worker; forwarded - adopted are on the way
  // Inbound flow.
  std::uint64_t datagrams_received = 0;
  std::uint64_t datagram_bytes_received = 0;
  std::uint64_t device_packets_sent = 0;  ///< inner packets written to the device, the ICMP of icmp_sent included
  std::uint64_t device_bytes_sent = 0;    ///< goodput
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
  std::uint64_t initiations_repeated = 0;  ///< of those, because the one before had no answer
  std::uint64_t initiations_received = 0;  ///< accepted
  std::uint64_t responses_sent = 0;
  std::uint64_t responses_received = 0;  ///< accepted
  std::uint64_t cookie_replies_sent = 0;
  std::uint64_t cookie_replies_received = 0;  ///< accepted
  std::uint64_t sessions_begun = 0;           ///< keypairs derived
  std::uint64_t sessions_unconfirmed = 0;     ///< of those, answers to an initiation that ended before a packet came on them
  std::uint64_t handshakes_completed_as_initiator = 0;  ///< the response came
  std::uint64_t handshakes_completed_as_responder = 0;  ///< the first packet came on the session
  std::uint64_t handshakes_given_up = 0;
  std::uint64_t clock_went_back = 0;      ///< initiations that peers may refuse: made at a wall time before that of the last one
  std::uint64_t under_load_nanoseconds = 0;  ///< of time in which handshakes needed a cookie; of the device, whichever worker noticed
  std::uint64_t icmp_sent = 0;            ///< "unreachable" and "too big" messages to inner senders, written to the device
  std::uint64_t paths_narrowed = 0;       ///< a peer's path MTU turned out smaller than believed (PathPolicy::discover_mtu)
  std::uint64_t mss_clamped = 0;          ///< TCP handshakes whose MSS was lowered, either way (PathPolicy::clamp_mss)
  std::uint64_t endpoints_changed = 0;    ///< a peer roamed
  std::uint64_t send_errors = 0;          ///< datagrams of our own making (handshakes, keepalives) that the socket refused
  std::uint64_t trains_refused = 0;       ///< several datagrams in one send that the kernel took only one by one (UDP_SEGMENT)
  // Work.
  std::uint64_t rounds = 0;          ///< of the worker's loop
  std::uint64_t rounds_idle = 0;     ///< of those, that brought neither packets nor mail: timers, calls, work for others
  std::uint64_t seal_batches = 0;    ///< data_packets_sent and keepalives_sent over this is a batch
  std::uint64_t open_batches = 0;
  std::uint64_t batches_shared = 0;  ///< batches sealed or opened together with other workers
  std::uint64_t shares_helped = 0;   ///< parts of other workers' batches done here
  std::uint64_t device_reads = 0;    ///< operations: device_packets_received over this are packets a read
  std::uint64_t device_writes = 0;
  std::uint64_t super_packets_read = 0;     ///< reads that brought several packets
  std::uint64_t super_packets_written = 0;  ///< writes that took several packets
  std::uint64_t socket_receives = 0;
  std::uint64_t socket_sends = 0;
  std::uint64_t trains_received = 0;  ///< receives that brought several datagrams (UDP_GRO)
  std::uint64_t trains_sent = 0;      ///< sends that took several (UDP_SEGMENT)
  std::uint64_t device_reads_starved = 0;  ///< times when reading stopped because no buffer was free; packets wait in the kernel
  std::uint64_t socket_reads_starved = 0;
  std::uint64_t packets_captured = 0;      ///< inner and outer ones that are in the capture (CaptureFiles)
  std::uint64_t packets_not_captured = 0;  ///< ... or not, because it was full
  std::uint64_t events_held_back = 0;  ///< events (events.h) that nobody was told of, because they were too many
  // Room. Of peaks the sum over workers is the greatest: the most that one worker held.
  std::uint64_t buffers = 0;         ///< gauge: packet buffers that there are
  std::uint64_t buffers_in_use = 0;  ///< gauge
  std::uint64_t buffers_in_use_peak = 0;
  std::uint64_t outbound_queued_peak = 0;
  std::uint64_t inbound_queued_peak = 0;
  std::uint64_t mailbox_peak = 0;  ///< most that other workers had waiting here at the begin of a round

  std::array<std::uint64_t, kRekeyCauseCount> rekeys{};  ///< handshakes begun here, by cause
  std::array<std::uint64_t, kDropCount> drops{};

  void drop(Drop reason, std::uint64_t count = 1) noexcept { drops[static_cast<std::size_t>(reason)] += count; }
  [[nodiscard]] std::uint64_t dropped(Drop reason) const noexcept { return drops[static_cast<std::size_t>(reason)]; }
  [[nodiscard]] std::uint64_t dropped(Direction direction) const noexcept;
  void rekey(RekeyCause cause) noexcept { ++rekeys[static_cast<std::size_t>(cause)]; }
  [[nodiscard]] std::uint64_t rekeyed(RekeyCause cause) const noexcept { return rekeys[static_cast<std::size_t>(cause)]; }
  Counters& operator+=(const Counters& other) noexcept;

  /// received + adopted - delivered - consumed - dropped - queued - forwarded: zero, for each worker and for their sum, when every
  /// packet is accounted for. Outbound, delivered are data_packets_sent; inbound, device_packets_sent less icmp_sent.
  [[nodiscard]] std::int64_t unexplained(Direction direction) const noexcept;
};

/// What one peer counts, at its home.
struct PeerCounters {
  std::uint64_t data_packets_received = 0;  ///< authenticated, fresh and delivered to the device
  std::uint64_t data_bytes_received = 0;    ///< of the inner packets: goodput
  std::uint64_t data_packets_sent = 0;
  std::uint64_t data_bytes_sent = 0;        ///< of the inner packets, without padding
  std::uint64_t handshakes_completed_as_initiator = 0;
  std::uint64_t handshakes_completed_as_responder = 0;
  std::uint64_t handshakes_given_up = 0;
  std::uint64_t endpoints_changed = 0;

  friend bool operator==(const PeerCounters&, const PeerCounters&) = default;
};

// --- What the numbers are called -------------------------------------------------------------------------------------------

enum class MetricType : std::uint8_t {
  kCounter,  ///< only grows
  kGauge,    ///< goes up and down; workers add up
  kPeak,     ///< a gauge that only grows; of workers the greatest counts
};

/// What any exporter needs of a metric. Names follow the conventions of Prometheus: base units, the unit last, no `_total` (text
/// formats add it to counters).
struct MetricFamily {
  std::string_view name;  ///< e.g. "wgu_device_bytes"
  std::string_view unit;  ///< "bytes", "seconds"; empty: counted in what the name says. The last word of the name
  MetricType type = MetricType::kCounter;
  std::string_view help;  ///< one sentence
};

struct MetricLabel {
  std::string_view name, value;  ///< empty: none
};

template <class Values>
struct MetricInfo {
  std::uint64_t Values::*member;
  std::string_view key;  ///< the member's name
  MetricFamily family;   ///< rows of one family stand together
  MetricLabel label;     ///< tells the rows of a family from each other
  double scale = 1;      ///< exported value = member * scale: 1e-9 for nanoseconds
};
using CounterInfo = MetricInfo<Counters>;
using PeerCounterInfo = MetricInfo<PeerCounters>;

/// One row a member, but for drops and rekeys, which have tables of their own.
std::span<const CounterInfo> counter_table() noexcept;
std::span<const PeerCounterInfo> peer_counter_table() noexcept;

struct RekeyCauseInfo {
  RekeyCause cause;
  std::string_view name;
  std::string_view help;
};
/// One row a cause, in the order of the enum.
std::span<const RekeyCauseInfo, kRekeyCauseCount> rekey_cause_table() noexcept;

}  // namespace wgu
