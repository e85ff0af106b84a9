// What each counter is called, in every export. A new counter is a line in the struct and one here: that none is missing, and none
// stands twice, is checked when this file is compiled.
#include <bit>

#include "wgu/stats.h"

namespace wgu {
namespace {

using enum MetricType;
using C = Counters;
using P = PeerCounters;

// Families with several rows.
constexpr MetricFamily kDevicePackets{"wgu_device_packets", "", kCounter,
                                      "Inner packets read from the device (transmit) and written to it (receive)."};
constexpr MetricFamily kDeviceBytes{"wgu_device_bytes", "bytes", kCounter,
                                    "Bytes of the inner packets read from the device and written to it."};
constexpr MetricFamily kDatagrams{"wgu_datagrams", "", kCounter, "UDP datagrams handed to the socket (transmit) and received from it."};
constexpr MetricFamily kDatagramBytes{"wgu_datagram_bytes", "bytes", kCounter, "UDP payload handed to the socket and received from it."};
constexpr MetricFamily kForwarded{"wgu_forwarded_packets", "", kCounter, "Packets handed to the home worker of their peer."};
constexpr MetricFamily kAdopted{"wgu_adopted_packets", "", kCounter, "Packets taken over from the worker where they arrived."};
constexpr MetricFamily kQueued{"wgu_queued_packets", "", kGauge,
                               "Packets that wait: for a session (transmit), for a handshake to be worked off (receive)."};
constexpr MetricFamily kQueuedPeak{"wgu_queued_packets_peak", "", kPeak, "The most packets that waited at one worker."};
constexpr MetricFamily kKeepalives{"wgu_keepalives", "", kCounter, "Keepalives sent and received."};
constexpr MetricFamily kMessages{"wgu_handshake_messages", "", kCounter, "Handshake messages sent, and received and accepted."};
constexpr MetricFamily kCookies{"wgu_cookie_replies", "", kCounter, "Cookie replies sent, and received and accepted."};
constexpr MetricFamily kHandshakes{"wgu_handshakes", "", kCounter,
                                   "Handshakes by how they ended; as responder, with the first packet on the session."};
constexpr MetricFamily kOperations{"wgu_io_operations", "", kCounter, "Reads and writes of the device, receives and sends of the sockets."};
constexpr MetricFamily kTrains{"wgu_io_train_operations", "", kCounter,
                               "Of the operations, those that carried several packets in one piece."};
constexpr MetricFamily kStarved{"wgu_starved_reads", "", kCounter, "Times when reading stopped because no buffer was free."};
constexpr MetricFamily kBatches{"wgu_cipher_batches", "", kCounter, "Batches of packets sealed or opened together."};
constexpr MetricFamily kCaptured{"wgu_capture_packets", "", kCounter,
                                 "Packets inside and outside while a capture was on, by whether it has them."};

constexpr MetricLabel kTransmit{"direction", "transmit"};
constexpr MetricLabel kReceive{"direction", "receive"};
constexpr MetricLabel kNone{};

constexpr CounterInfo kCounters[] = {
    {&C::device_packets_received, "device_packets_received", kDevicePackets, kTransmit},
    {&C::device_packets_sent, "device_packets_sent", kDevicePackets, kReceive},
    {&C::device_bytes_received, "device_bytes_received", kDeviceBytes, kTransmit},
    {&C::device_bytes_sent, "device_bytes_sent", kDeviceBytes, kReceive},
    {&C::data_packets_sent,
     "data_packets_sent",
     {"wgu_data_packets_sent", "", kCounter, "Inner packets sealed and handed to the socket."},
     kNone},
    {&C::data_bytes_sent,
     "data_bytes_sent",
     {"wgu_data_sent_bytes", "bytes", kCounter, "Bytes of the inner packets sealed and handed to the socket, without padding."},
     kNone},
    {&C::inbound_consumed,
     "inbound_consumed",
     {"wgu_consumed_datagrams", "", kCounter, "Handshake messages, cookies and keepalives that ended here as they should."},
     kNone},
    {&C::outbound_queued, "outbound_queued", kQueued, kTransmit},
    {&C::inbound_queued, "inbound_queued", kQueued, kReceive},
    {&C::outbound_queued_peak, "outbound_queued_peak", kQueuedPeak, kTransmit},
    {&C::inbound_queued_peak, "inbound_queued_peak", kQueuedPeak, kReceive},
    {&C::outbound_forwarded, "outbound_forwarded", kForwarded, kTransmit},
    {&C::inbound_forwarded, "inbound_forwarded", kForwarded, kReceive},
    {&C::outbound_adopted, "outbound_adopted", kAdopted, kTransmit},
    {&C::inbound_adopted, "inbound_adopted", kAdopted, kReceive},
    {&C::mailbox_peak,
     "mailbox_peak",
     {"wgu_mailbox_packets_peak", "", kPeak, "The most packets of other workers that waited for one at the begin of a round."},
     kNone},
    {&C::datagrams_sent, "datagrams_sent", kDatagrams, kTransmit},
    {&C::datagrams_received, "datagrams_received", kDatagrams, kReceive},
    {&C::datagram_bytes_sent, "datagram_bytes_sent", kDatagramBytes, kTransmit},
    {&C::datagram_bytes_received, "datagram_bytes_received", kDatagramBytes, kReceive},
    {&C::keepalives_sent, "keepalives_sent", kKeepalives, kTransmit},
    {&C::keepalives_received, "keepalives_received", kKeepalives, kReceive},
    {&C::initiations_sent, "initiations_sent", kMessages, {"message", "initiation_sent"}},
    {&C::initiations_received, "initiations_received", kMessages, {"message", "initiation_received"}},
    {&C::responses_sent, "responses_sent", kMessages, {"message", "response_sent"}},
    {&C::responses_received, "responses_received", kMessages, {"message", "response_received"}},
    {&C::initiations_repeated,
     "initiations_repeated",
     {"wgu_repeated_initiations", "", kCounter, "Initiations sent again because the one before had no answer."},
     kNone},
    {&C::cookie_replies_sent, "cookie_replies_sent", kCookies, kTransmit},
    {&C::cookie_replies_received, "cookie_replies_received", kCookies, kReceive},
    {&C::handshakes_completed_as_initiator, "handshakes_completed_as_initiator", kHandshakes, {"result", "completed_as_initiator"}},
    {&C::handshakes_completed_as_responder, "handshakes_completed_as_responder", kHandshakes, {"result", "completed_as_responder"}},
    {&C::handshakes_given_up, "handshakes_given_up", kHandshakes, {"result", "given_up"}},
    {&C::sessions_unconfirmed, "sessions_unconfirmed", kHandshakes, {"result", "unconfirmed"}},
    {&C::sessions_begun, "sessions_begun", {"wgu_sessions", "", kCounter, "Sessions whose keys were derived."}, kNone},
    {&C::clock_went_back,
     "clock_went_back",
     {"wgu_clock_steps_back", "", kCounter, "Initiations made at a wall time before that of the last one, which the peer may refuse."},
     kNone},
    {&C::under_load_nanoseconds,
     "under_load_nanoseconds",
     {"wgu_under_load_seconds", "seconds", kCounter, "Time in which handshake messages needed a cookie."},
     kNone,
     1e-9},
    {&C::icmp_sent, "icmp_sent", {"wgu_icmp_errors_sent", "", kCounter, "ICMP errors written to the device for inner senders."}, kNone},
    {&C::paths_narrowed,
     "paths_narrowed",
     {"wgu_path_mtu_decreases", "", kCounter, "Times when a peer's path MTU turned out smaller than believed."},
     kNone},
    {&C::mss_clamped, "mss_clamped", {"wgu_clamped_handshakes", "", kCounter, "TCP handshakes whose MSS was lowered."}, kNone},
    {&C::endpoints_changed,
     "endpoints_changed",
     {"wgu_endpoint_changes", "", kCounter, "Times when a peer was found at another endpoint."},
     kNone},
    {&C::send_errors,
     "send_errors",
     {"wgu_send_errors", "", kCounter, "Datagrams of the tunnel's own making (handshakes, keepalives) that could not be sent."},
     kNone},
    {&C::trains_refused,
     "trains_refused",
     {"wgu_refused_train_datagrams", "", kCounter, "Datagrams sent one by one because the kernel refused them as a train."},
     kNone},
    {&C::rounds, "rounds", {"wgu_rounds", "", kCounter, "Rounds of the workers' loops."}, kNone},
    {&C::rounds_idle, "rounds_idle", {"wgu_idle_rounds", "", kCounter, "Rounds that brought neither packets nor mail."}, kNone},
    {&C::seal_batches, "seal_batches", kBatches, {"operation", "seal"}},
    {&C::open_batches, "open_batches", kBatches, {"operation", "open"}},
    {&C::batches_shared,
     "batches_shared",
     {"wgu_shared_batches", "", kCounter, "Batches sealed or opened together with other workers."},
     kNone},
    {&C::shares_helped, "shares_helped", {"wgu_helped_shares", "", kCounter, "Shares of other workers' batches done."}, kNone},
    {&C::device_reads, "device_reads", kOperations, {"operation", "device_read"}},
    {&C::device_writes, "device_writes", kOperations, {"operation", "device_write"}},
    {&C::socket_receives, "socket_receives", kOperations, {"operation", "socket_receive"}},
    {&C::socket_sends, "socket_sends", kOperations, {"operation", "socket_send"}},
    {&C::super_packets_read, "super_packets_read", kTrains, {"operation", "device_read"}},
    {&C::super_packets_written, "super_packets_written", kTrains, {"operation", "device_write"}},
    {&C::trains_received, "trains_received", kTrains, {"operation", "socket_receive"}},
    {&C::trains_sent, "trains_sent", kTrains, {"operation", "socket_send"}},
    {&C::device_reads_starved, "device_reads_starved", kStarved, kTransmit},
    {&C::socket_reads_starved, "socket_reads_starved", kStarved, kReceive},
    {&C::packets_captured, "packets_captured", kCaptured, {"result", "captured"}},
    {&C::packets_not_captured, "packets_not_captured", kCaptured, {"result", "lost"}},
    {&C::events_held_back,
     "events_held_back",
     {"wgu_held_back_events", "", kCounter, "Events that nobody was told of, because they were too many."},
     kNone},
    {&C::buffers, "buffers", {"wgu_buffers", "", kGauge, "Packet buffers that there are."}, kNone},
    {&C::buffers_in_use, "buffers_in_use", {"wgu_buffers_in_use", "", kGauge, "Packet buffers in use."}, kNone},
    {&C::buffers_in_use_peak,
     "buffers_in_use_peak",
     {"wgu_buffers_in_use_peak", "", kPeak, "The most packet buffers that one worker used."},
     kNone},
};

constexpr MetricFamily kPeerPackets{"wgu_peer_data_packets", "", kCounter, "Inner packets delivered from the peer and sent to it."};
constexpr MetricFamily kPeerBytes{"wgu_peer_data_bytes", "bytes", kCounter,
                                  "Bytes of the inner packets delivered from the peer and sent to it."};
constexpr MetricFamily kPeerHandshakes{"wgu_peer_handshakes", "", kCounter, "Handshakes with the peer by how they ended."};

constexpr PeerCounterInfo kPeerCounters[] = {
    {&P::data_packets_received, "data_packets_received", kPeerPackets, kReceive},
    {&P::data_packets_sent, "data_packets_sent", kPeerPackets, kTransmit},
    {&P::data_bytes_received, "data_bytes_received", kPeerBytes, kReceive},
    {&P::data_bytes_sent, "data_bytes_sent", kPeerBytes, kTransmit},
    {&P::handshakes_completed_as_initiator, "handshakes_completed_as_initiator", kPeerHandshakes, {"result", "completed_as_initiator"}},
    {&P::handshakes_completed_as_responder, "handshakes_completed_as_responder", kPeerHandshakes, {"result", "completed_as_responder"}},
    {&P::handshakes_given_up, "handshakes_given_up", kPeerHandshakes, {"result", "given_up"}},
    {&P::endpoints_changed,
     "endpoints_changed",
     {"wgu_peer_endpoint_changes", "", kCounter, "Times when the peer was found at another endpoint."},
     kNone},
};

constexpr std::array<RekeyCauseInfo, kRekeyCauseCount> kRekeyCauses{{
    {RekeyCause::kNoSession, "no_session", "There was something to send and no session to send it on."},
    {RekeyCause::kTime, "time", "The session had become old."},
    {RekeyCause::kMessages, "messages", "The session had carried as many messages as one may."},
    {RekeyCause::kNoAnswer, "no_answer", "Data was sent and nothing came back."},
    {RekeyCause::kNewEndpoint, "new_endpoint", "Packets waited and the peer was given another endpoint."},
    {RekeyCause::kNewKey, "new_key", "The device was given another private key."},
}};

constexpr bool is_in_enum_order() {
  for (std::size_t i = 0; i < kRekeyCauses.size(); ++i) {
    if (static_cast<std::size_t>(kRekeyCauses[i].cause) != i) return false;
  }
  return true;
}
static_assert(is_in_enum_order());

// Each row adds one to its member, and each array to its own: then every word is one.
template <class Values>
constexpr bool are_all_ones(const Values& values) {
  for (const std::uint64_t word : std::bit_cast<std::array<std::uint64_t, sizeof(Values) / sizeof(std::uint64_t)>>(values)) {
    if (word != 1) return false;
  }
  return true;
}
constexpr bool has_one_row_a_counter() {
  Counters counters;
  for (const CounterInfo& row : kCounters) ++(counters.*row.member);
  counters.rekeys.fill(1);
  counters.drops.fill(1);
  return are_all_ones(counters);
}
static_assert(has_one_row_a_counter(), "a member of Counters has no row, or two");
constexpr bool has_one_row_a_peer_counter() {
  PeerCounters counters;
  for (const PeerCounterInfo& row : kPeerCounters) ++(counters.*row.member);
  return are_all_ones(counters);
}
static_assert(has_one_row_a_peer_counter(), "a member of PeerCounters has no row, or two");

}  // namespace

std::span<const CounterInfo> counter_table() noexcept { return kCounters; }
std::span<const PeerCounterInfo> peer_counter_table() noexcept { return kPeerCounters; }
std::span<const RekeyCauseInfo, kRekeyCauseCount> rekey_cause_table() noexcept { return kRekeyCauses; }

}  // namespace wgu
