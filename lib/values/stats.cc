// The names of the drop reasons, and the arithmetic of counters. A new reason is a line in the enum and one in the table; the
// table is checked against the enum when this file is compiled.

#include "wgu/stats.h"

#include <algorithm>
#include <bit>
#include <type_traits>

namespace wgu {
namespace {

constexpr auto kOut = Direction::kOutbound;
constexpr auto kIn = Direction::kInbound;

constexpr std::array<DropInfo, kDropCount> kDrops{{
    {Drop::kOutMalformed, kOut, "malformed", "The inner packet is neither IPv4 nor IPv6, or is shorter than its header."},
    {Drop::kOutTooLong, kOut, "too_long", "The inner packet would not fit a UDP datagram once sealed."},
    {Drop::kOutNoPeer, kOut, "no_peer", "No peer's allowed IPs match the destination."},
    {Drop::kOutNoEndpoint, kOut, "no_endpoint", "The peer's endpoint is not known."},
    {Drop::kOutNoIdentity, kOut, "no_identity", "The device has no private key, or the interface is down."},
    {Drop::kOutUnusableKey, kOut, "unusable_key", "The peer's public key is of low order; no session may rest on it."},
    {Drop::kOutPathMtu, kOut, "path_mtu", "The packet is larger than the path to the peer takes in one piece, and may not be fragmented."},
    {Drop::kOutStagedOverflow, kOut, "staged_overflow", "The oldest of the packets waiting for a handshake made room for a newer one."},
    {Drop::kOutHandshakeGaveUp, kOut, "handshake_gave_up", "The handshake that the packet waited for never completed."},
    {Drop::kOutPeerRemoved, kOut, "peer_removed", "The peer was removed, or its sessions were cleared, while the packet waited."},
    {Drop::kOutMailboxFull, kOut, "mailbox_full", "The mailbox of the peer's home worker was full."},
    {Drop::kOutPoolExhausted, kOut, "pool_exhausted", "No buffer was left for a packet read from the device."},
    {Drop::kOutSocketFull, kOut, "socket_full", "The UDP send buffer was full."},
    {Drop::kOutMessageTooLong, kOut, "message_too_long", "The kernel refused the datagram's size (EMSGSIZE)."},
    {Drop::kOutSendFailed, kOut, "send_failed", "The kernel refused the datagram for another reason."},
    {Drop::kOutShutdown, kOut, "shutdown", "The packet was in flight when the engine stopped."},

    {Drop::kInMalformed, kIn, "malformed", "The datagram is too short, of unknown type, or of the wrong length for its type."},
    {Drop::kInTruncated, kIn, "truncated", "The datagram is larger than a buffer."},
    {Drop::kInBadMac1, kIn, "bad_mac1", "The handshake message's MAC1 is not for this device's public key."},
    {Drop::kInNoIdentity, kIn, "no_identity", "The device has no private key, or the interface is down."},
    {Drop::kInHandshakeQueueFull, kIn, "handshake_queue_full", "The queue of handshake messages was full."},
    {Drop::kInUnderLoadCookieSent, kIn, "under_load_cookie_sent",
     "Under load, a handshake message without a valid MAC2 was answered with a cookie."},
    {Drop::kInUnderLoadNoCookie, kIn, "under_load_no_cookie",
     "Under load, a handshake message came without a valid MAC2 and the bound on cookie replies was reached."},
    {Drop::kInRateLimited, kIn, "rate_limited", "A proven source sent more handshake messages than it may."},
    {Drop::kInInvalidInitiation, kIn, "invalid_initiation", "The handshake initiation does not authenticate."},
    {Drop::kInUnknownPeer, kIn, "unknown_peer", "The handshake initiation authenticates a public key that is no peer's."},
    {Drop::kInReplayedInitiation, kIn, "replayed_initiation", "The handshake initiation's timestamp is not greater than the last."},
    {Drop::kInInitiationFlood, kIn, "initiation_flood", "The peer sent more handshake initiations than it may."},
    {Drop::kInInvalidResponse, kIn, "invalid_response", "The handshake response does not authenticate."},
    {Drop::kInUnexpectedResponse, kIn, "unexpected_response", "The handshake response answers no initiation under way."},
    {Drop::kInInvalidCookie, kIn, "invalid_cookie", "The cookie reply does not authenticate, or none was asked for."},
    {Drop::kInUnknownIndex, kIn, "unknown_index", "No session has this receiver index."},
    {Drop::kInSessionExpired, kIn, "session_expired", "The session is past Reject-After-Time or Reject-After-Messages."},
    {Drop::kInBadTag, kIn, "bad_tag", "The data message does not authenticate."},
    {Drop::kInReplayed, kIn, "replayed", "The data message's counter was seen before, or is older than the replay window."},
    {Drop::kInMalformedInner, kIn, "malformed_inner", "The data message decrypts to something that is not an IP packet of that length."},
    {Drop::kInBadEcn, kIn, "bad_ecn", "The outer header marks congestion on an inner packet that cannot carry the mark."},
    {Drop::kInDisallowedSource, kIn, "disallowed_source", "The inner source address belongs to another peer, or to none."},
    {Drop::kInMailboxFull, kIn, "mailbox_full", "The mailbox of the session's home worker was full."},
    {Drop::kInPoolExhausted, kIn, "pool_exhausted", "No buffer was left for a received datagram."},
    {Drop::kInDeviceWriteFailed, kIn, "device_write_failed", "The device refused the packet."},
    {Drop::kInShutdown, kIn, "shutdown", "The datagram was in flight when the engine stopped."},
}};

constexpr bool is_in_enum_order() {
  for (std::size_t i = 0; i < kDrops.size(); ++i) {
    if (static_cast<std::size_t>(kDrops[i].drop) != i) return false;
  }
  return true;
}
static_assert(is_in_enum_order());

// All counters as one row of numbers, so that a sum cannot forget a member.
using Row = std::array<std::uint64_t, sizeof(Counters) / sizeof(std::uint64_t)>;
static_assert(std::has_unique_object_representations_v<Counters> && sizeof(Row) == sizeof(Counters));

}  // namespace

std::span<const DropInfo, kDropCount> drop_table() noexcept { return kDrops; }

std::uint64_t Counters::dropped(Direction direction) const noexcept {
  std::uint64_t total = 0;
  for (const DropInfo& row : kDrops) {
    if (row.direction == direction) total += dropped(row.drop);
  }
  return total;
}

Counters& Counters::operator+=(const Counters& other) noexcept {
  auto sum = std::bit_cast<Row>(*this);
  const auto more = std::bit_cast<Row>(other);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
  Counters total = std::bit_cast<Counters>(sum);
  for (const CounterInfo& row : counter_table()) {
    if (row.family.type == MetricType::kPeak) total.*row.member = std::max(this->*row.member, other.*row.member);
  }
  return *this = total;
}

std::int64_t Counters::unexplained(Direction direction) const noexcept {
  std::uint64_t rest =
      direction == Direction::kOutbound
          ? device_packets_received + outbound_adopted - data_packets_sent - outbound_queued - outbound_forwarded
          : datagrams_received + inbound_adopted + icmp_sent - device_packets_sent - inbound_consumed - inbound_queued - inbound_forwarded;
  return static_cast<std::int64_t>(rest - dropped(direction));
}

}  // namespace wgu
