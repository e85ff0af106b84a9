// Every kind of event whose cause lies in the tunnel: exactly N causes are told N times, and of all counters and other events those move
// that the row names, by as much as it says. What only an engine can cause stands in tests/engine/causes_test.cc.
#include "tunnel/causes.h"

namespace wgu::tunnel {
namespace {

// As in drop_causes_test.cc.
struct EventCause {
  EventKind kind;
  Moved (*inject)(Stage& stage, int n);
};

Moved completed_as_responder(int n) { return with(delivered(n), {{"handshakes_completed_as_responder", n}}); }

constexpr EventCause kEventCauses[] = {
    {EventKind::kHandshakeBegun,
     [](Stage& s, int n) {
       Device& hub = s.hub();
       const auto spokes = s.spokes(hub, n);
       s.watch(hub);
       for (Device* spoke : spokes) hub.send(*spoke, s.now);
       hub.advance(s.now);
       return with(from_device(n), {{"outbound_queued", n},
                                    {"outbound_queued_peak", n},
                                    {"rekey no_session", n},
                                    {"initiations_sent", n},
                                    {"datagrams_sent", n},
                                    {"datagram_bytes_sent", n * kInitiation}});
     }},
    {EventKind::kHandshakeCompleted,
     [](Stage& s, int n) {
       Device& hub = s.hub();
       std::vector<std::pair<Device*, Bytes>> first;
       for (Device* spoke : s.spokes(hub, n)) first.emplace_back(spoke, s.first_data(*spoke, hub));
       s.watch(hub);
       for (const auto& [spoke, message] : first) s.receive(hub, message, *spoke);
       return completed_as_responder(n);
     }},
    {EventKind::kHandshakeFailed,
     [](Stage& s, int n) {
       Stranger stranger(s.b);
       s.watch(s.b);
       for (int i = 0; i < n; ++i) s.receive(s.b, stranger.initiation(s.now), s.a);
       return with(datagrams(n, kInitiation), {{"inbound_queued_peak", 1}, {"drop in unknown_peer", n}});
     }},
    {EventKind::kSessionInstalled,
     [](Stage& s, int n) {
       Device& hub = s.hub();
       std::vector<std::pair<Device*, Bytes>> initiations;
       for (Device* spoke : s.spokes(hub, n)) initiations.emplace_back(spoke, s.initiation(*spoke, hub).bytes);
       s.watch(hub);
       for (const auto& [spoke, message] : initiations) s.receive(hub, message, *spoke);
       return with(datagrams(n, kInitiation), {{"inbound_queued_peak", 1},
                                               {"inbound_consumed", n},
                                               {"initiations_received", n},
                                               {"responses_sent", n},
                                               {"datagrams_sent", n},
                                               {"datagram_bytes_sent", n * kResponse},
                                               {"sessions_begun", n}});
     }},
    {EventKind::kSessionRetired,
     [](Stage& s, int n) {
       Device& hub = s.hub();
       const auto spokes = s.spokes(hub, n);
       for (Device* spoke : spokes) s.receive(hub, s.first_data(*spoke, hub), *spoke);
       s.now += 10s;  // Keepalive-Timeout: the hub answers, and nobody wonders whether the other is there
       hub.advance(s.now);
       for (const Sent& keepalive : hub.take_sent()) {
         for (Device* spoke : spokes) {
           if (keepalive.to == spoke->at) s.receive(*spoke, keepalive.bytes, hub);
         }
       }
       s.now += 171s;  // Reject-After-Time is 180 s: what they send waits for a new session
       std::vector<std::pair<Device*, Bytes>> first;
       for (Device* spoke : spokes) first.emplace_back(spoke, s.first_data(*spoke, hub));
       s.watch(hub);
       for (const auto& [spoke, message] : first) s.receive(hub, message, *spoke);
       return with(completed_as_responder(n), {{"event handshake_completed", n}});
     }},
    {EventKind::kSessionsErased,
     [](Stage& s, int n) {
       Device& hub = s.hub();
       for (Device* spoke : s.spokes(hub, n)) s.receive(hub, s.first_data(*spoke, hub), *spoke);
       s.watch(hub);
       hub.set_up(false, s.now);
       return Moved{};
     }},
    {EventKind::kEndpointChanged,
     [](Stage& s, int n) {
       s.establish();
       const auto messages = s.data(n);
       s.watch(s.b);
       Endpoint at = endpoint("203.0.113.7:7");
       for (const Bytes& message : messages) {
         ++at.port;
         s.b.receive(message, at, s.now);
       }
       return with(delivered(n), {{"endpoints_changed", n}});
     }},
    {EventKind::kUnderLoad,
     [](Stage& s, int n) {
       Stranger stranger(s.b);
       s.watch(s.b);
       for (int i = 0; i < n; ++i) {
         s.load(kLoad);
         s.receive(s.b, stranger.junk(s.now), s.a);
         s.unload(kLoad);
         s.now += 10s;
       }
       return with(refused(n, kInitiation), {{"under_load_nanoseconds", n * 1'000'000'000LL},
                                             {"drop in under_load_cookie_sent", n},
                                             {"cookie_replies_sent", n},
                                             {"datagrams_sent", n},
                                             {"datagram_bytes_sent", n * kCookieReply}});
     }},
    {EventKind::kSendFailed,
     [](Stage& s, int n) {
       s.establish();
       for (int i = 0; i < n; ++i) s.a.send(s.b, s.now);
       const auto sent = s.a.take_sent();
       s.watch(s.a);
       for (const Sent& each : sent) s.a.shard().send_failed(each.tag, each.bytes.size(), Drop::kOutSendFailed);
       return Moved{{"drop out send_failed", n},
                    {"datagrams_sent", -n},
                    {"datagram_bytes_sent", -n * kData},
                    {"data_packets_sent", -n},
                    {"data_bytes_sent", -n * kInner}};
     }},
    {EventKind::kQueueHigh,
     [](Stage& s, int n) {
       Device& hub = s.hub(128);  // of which half may be staged; high is three quarters of that
       hub.add_peer(s.b, s.now);
       s.watch(hub);
       for (int i = 0; i < n; ++i) {
         for (int j = 0; j < 48; ++j) hub.send(s.b, s.now);
         hub.set_up(false, s.now);
         hub.set_up(true, s.now);
       }
       return with(from_device(48 * n), {{"outbound_queued_peak", 48}, {"drop out no_identity", 48 * n}, {"rekey no_session", 1}});
     }},
};

static_assert(has_one_row_each<EventKind>([](const EventCause& row) { return row.kind; }, kEventCauses, kEventsOfEngine, false,
                                          kEventKindCount),
              "each kind of event has one row: here or, if kEventsOfEngine names it, in tests/engine/causes_test.cc");

class EventCauses : public Stage, public testing::WithParamInterface<std::tuple<EventCause, int>> {};

std::string event_row_name(const testing::TestParamInfo<EventCauses::ParamType>& info) {
  return std::string(event_table()[static_cast<std::size_t>(std::get<0>(info.param).kind)].name) + "_" +
         std::to_string(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(Rows, EventCauses, testing::Combine(testing::ValuesIn(kEventCauses), testing::Values(1, 7)), event_row_name);

TEST_P(EventCauses, AreToldAsOftenAndMoveNothingElse) {
  const auto& [row, n] = GetParam();
  Moved expected = row.inject(*this, n);
  expected[name_of(row.kind)] += n;
  EXPECT_EQ(seen(), expected);
}

}  // namespace
}  // namespace wgu::tunnel
