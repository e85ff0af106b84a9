// Every drop reason whose cause lies in the tunnel: exactly N causes move that counter by N, and of all other counters and events those
// that the row names, by as much as it says. What only an engine can cause stands in tests/engine/causes_test.cc.
#include "noise/cookie.h"
#include "tunnel/causes.h"

namespace wgu::tunnel {
namespace {

// `inject` makes all ready, calls watch(), then causes it `n` times. Returns what else moves.
struct DropCause {
  Drop reason;
  Moved (*inject)(Stage& stage, int n);
};

constexpr DropCause kDropCauses[] = {
    {Drop::kOutMalformed,
     [](Stage& s, int n) {
       s.establish();
       s.watch(s.a);
       for (int i = 0; i < n; ++i) s.a.send_bytes(Bytes(19, 0x45), s.now);
       return from_device(n, 19);
     }},
    {Drop::kOutTooLong,
     [](Stage& s, int n) {
       s.establish();
       s.watch(s.a);
       for (int i = 0; i < n; ++i) s.a.send(s.b, s.now, 2030);  // no room for the tag behind it
       return from_device(n, 2030);
     }},
    {Drop::kOutNoPeer,
     [](Stage& s, int n) {
       s.watch(s.a);
       for (int i = 0; i < n; ++i) s.a.send_bytes(inner_packet(s.a.address, ip("10.9.9.9"), kInner), s.now);
       return answered(n);
     }},
    {Drop::kOutNoEndpoint,
     [](Stage& s, int n) {
       Device& hub = s.hub();
       hub.add_peer(s.b, s.now, false);
       s.watch(hub);
       for (int i = 0; i < n; ++i) hub.send(s.b, s.now);
       return answered(n);
     }},
    {Drop::kOutNoIdentity,
     [](Stage& s, int n) {
       s.a.set_up(false, s.now);
       s.watch(s.a);
       for (int i = 0; i < n; ++i) s.a.send(s.b, s.now);
       return from_device(n);
     }},
    {Drop::kOutUnusableKey,
     [](Stage& s, int n) {
       PeerChange peer;  // its public key is zero
       peer.endpoint = s.b.at;
       peer.allowed_ips = {{prefix("10.9.0.0/16")}};
       s.a.change_peer(std::move(peer), s.now);
       s.watch(s.a);
       for (int i = 0; i < n; ++i) s.a.send_bytes(inner_packet(s.a.address, ip("10.9.0.1"), kInner), s.now);
       return answered(n);
     }},
    {Drop::kOutPathMtu,
     [](Stage& s, int n) {
       s.a.shard().set_path_policy({.discover_mtu = true});
       s.establish();
       for (const PathQuestion& question : s.a.take_questions()) s.a.shard().answer_path(question, 1400, s.now);
       s.watch(s.a);
       for (int i = 0; i < n; ++i) s.a.send_bytes(with_df(inner_packet(s.a.address, s.b.address, 1341)), s.now);  // 1340 and 60 are 1400
       return answered(n, 1341);
     }},
    {Drop::kOutStagedOverflow,
     [](Stage& s, int n) {
       for (int i = 0; i < 128; ++i) s.a.send(s.b, s.now);
       s.watch(s.a);
       for (int i = 0; i < n; ++i) s.a.send(s.b, s.now);
       return from_device(n);
     }},
    {Drop::kOutHandshakeGaveUp,
     [](Stage& s, int n) {
       s.watch(s.a);
       for (int i = 0; i < n; ++i) s.a.send(s.b, s.now);
       s.run_alone(s.a, s.now + 300s);
       return with(from_device(n), {{"outbound_queued_peak", n},
                                    {"rekey no_session", 1},
                                    {"initiations_sent", 20},
                                    {"initiations_repeated", 19},
                                    {"datagrams_sent", 20},
                                    {"datagram_bytes_sent", 20 * kInitiation},
                                    {"handshakes_given_up", 1},
                                    {"event handshake_begun", 1},
                                    {"event handshake_failed", 1}});
     }},
    {Drop::kOutPeerRemoved,
     [](Stage& s, int n) {
       for (int i = 0; i < n; ++i) s.a.send(s.b, s.now);
       s.watch(s.a);
       s.a.remove_peer(s.b, s.now);
       return Moved{{"outbound_queued", -n}};
     }},

    {Drop::kInMalformed,
     [](Stage& s, int n) {
       s.watch(s.b);
       for (int i = 0; i < n; ++i) s.receive(s.b, Bytes(31, 4), s.a);
       return datagrams(n, 31);
     }},
    {Drop::kInBadMac1,
     [](Stage& s, int n) {
       Bytes message = s.initiation(s.a, s.b).bytes;
       message[120] ^= 1;
       s.watch(s.b);
       for (int i = 0; i < n; ++i) s.receive(s.b, message, s.a);
       return refused(n, kInitiation);
     }},
    {Drop::kInNoIdentity,
     [](Stage& s, int n) {
       const Bytes message = s.initiation(s.a, s.b).bytes;
       s.b.set_up(false, s.now);
       s.watch(s.b);
       for (int i = 0; i < n; ++i) s.receive(s.b, message, s.a);
       return datagrams(n, kInitiation);
     }},
    {Drop::kInHandshakeQueueFull,
     [](Stage& s, int n) {
       Stranger stranger(s.b);
       s.load(kFullQueue);
       s.watch(s.b);
       for (int i = 0; i < n; ++i) s.receive(s.b, stranger.junk(s.now), s.a);
       s.unload(kFullQueue);
       return datagrams(n, kInitiation);
     }},
    {Drop::kInUnderLoadCookieSent,
     [](Stage& s, int n) {
       Stranger stranger(s.b);
       s.load(kLoad);
       s.watch(s.b);
       for (int i = 0; i < n; ++i) s.receive(s.b, stranger.junk(s.now), s.a);
       s.unload(kLoad);
       return with(refused(n, kInitiation), {{"under_load_nanoseconds", 1'000'000'000},  // it sticks for a second
                                             {"event under_load", 1},
                                             {"cookie_replies_sent", n},
                                             {"datagrams_sent", n},
                                             {"datagram_bytes_sent", n * kCookieReply}});
     }},
    {Drop::kInUnderLoadNoCookie,
     [](Stage& s, int n) {
       Stranger stranger(s.b);
       s.load(kLoad);
       while (s.b.gate.admit_cookie_reply(s.now)) {
       }
       s.watch(s.b);
       for (int i = 0; i < n; ++i) s.receive(s.b, stranger.junk(s.now), s.a);
       s.unload(kLoad);
       return with(refused(n, kInitiation), {{"under_load_nanoseconds", 1'000'000'000}, {"event under_load", 1}});
     }},
    {Drop::kInRateLimited,
     [](Stage& s, int n) {
       Stranger proven(s.b);
       s.load(kLoad);
       s.receive(s.b, proven.junk(s.now), s.a);
       EXPECT_TRUE(proven.jar.consume_reply(std::span<const std::uint8_t, 64>(Stage::only_of(s.b).bytes), s.now));
       while (s.b.gate.admit_source(s.a.at.address, s.now)) {
       }
       s.watch(s.b);
       for (int i = 0; i < n; ++i) s.receive(s.b, proven.junk(s.now), s.a);
       s.unload(kLoad);
       return with(datagrams(n, kInitiation), {{"event handshake_failed", n}});
     }},
    {Drop::kInInvalidInitiation,
     [](Stage& s, int n) {
       Stranger stranger(s.b);
       s.watch(s.b);
       for (int i = 0; i < n; ++i) s.receive(s.b, stranger.junk(s.now), s.a);
       return refused(n, kInitiation);
     }},
    {Drop::kInUnknownPeer,
     [](Stage& s, int n) {
       Stranger stranger(s.b);
       s.watch(s.b);
       for (int i = 0; i < n; ++i) s.receive(s.b, stranger.initiation(s.now), s.a);
       return refused(n, kInitiation);
     }},
    {Drop::kInReplayedInitiation,
     [](Stage& s, int n) {
       const Bytes message = s.initiation(s.a, s.b).bytes;
       s.receive(s.b, message, s.a);
       s.now += 1s;
       s.watch(s.b);
       for (int i = 0; i < n; ++i) s.receive(s.b, message, s.a);
       return with(datagrams(n, kInitiation), {{"event handshake_failed", n}});
     }},
    {Drop::kInInitiationFlood,
     [](Stage& s, int n) {
       Device& hub = s.hub();
       Device& spoke = *s.spokes(hub, 1)[0];
       Stranger peer(hub, "spoke 0");
       s.receive(hub, peer.initiation(s.now), spoke);
       s.watch(hub);
       for (int i = 0; i < n; ++i) s.receive(hub, peer.initiation(s.now), spoke);  // 20 ms must pass between two
       return with(datagrams(n, kInitiation), {{"event handshake_failed", n}});
     }},
    {Drop::kInInvalidResponse,
     [](Stage& s, int n) {
       Bytes message = s.response(s.a, s.b).bytes;
       message[50] ^= 1;  // of the sealed nothing
       noise::CookieJar(s.a.public_key()).add_macs(message, s.now);
       s.watch(s.a);
       for (int i = 0; i < n; ++i) s.receive(s.a, message, s.b);
       return refused(n, kResponse);
     }},
    {Drop::kInUnexpectedResponse,
     [](Stage& s, int n) {
       const Bytes message = s.response(s.a, s.b).bytes;
       s.receive(s.a, message, s.b);
       s.watch(s.a);
       for (int i = 0; i < n; ++i) s.receive(s.a, message, s.b);
       return with(datagrams(n, kResponse), {{"event handshake_failed", n}});
     }},
    {Drop::kInInvalidCookie,
     [](Stage& s, int n) {
       Bytes message(kCookieReply);
       message[0] = 3;
       s.watch(s.b);
       for (int i = 0; i < n; ++i) s.receive(s.b, message, s.a);
       return refused(n, kCookieReply);
     }},
    {Drop::kInUnknownIndex,
     [](Stage& s, int n) {
       s.establish();
       const auto messages = s.data(n);
       Device& hub = s.hub();  // knows none of b's sessions
       s.watch(hub);
       for (const Bytes& message : messages) s.receive(hub, message, s.a);
       return datagrams(n, kData);
     }},
    {Drop::kInSessionExpired,
     [](Stage& s, int n) {
       s.establish();
       const auto messages = s.data(n);
       s.now += 180s;
       s.watch(s.b);
       for (const Bytes& message : messages) s.b.receive(message, s.a.at, s.now);
       return datagrams(n, kData);
     }},
    {Drop::kInBadTag,
     [](Stage& s, int n) {
       s.establish();
       auto messages = s.data(n);
       s.watch(s.b);
       for (Bytes& message : messages) {
         message[20] ^= 1;
         s.receive(s.b, message, s.a);
       }
       return opened(n);
     }},
    {Drop::kInReplayed,
     [](Stage& s, int n) {
       s.establish();
       const Bytes message = s.data(1)[0];
       s.receive(s.b, message, s.a);
       s.watch(s.b);
       for (int i = 0; i < n; ++i) s.receive(s.b, message, s.a);
       return opened(n);
     }},
    {Drop::kInMalformedInner,
     [](Stage& s, int n) {
       s.establish();
       s.watch(s.b);
       for (int i = 0; i < n; ++i) {
         Bytes inner = inner_packet(s.a.address, s.b.address, kInner);
         inner[3] = 113;  // padded to 112
         s.a.send_bytes(inner, s.now);
         s.receive(s.b, Stage::only_of(s.a).bytes, s.a);
       }
       return opened(n);
     }},
    {Drop::kInBadEcn,
     [](Stage& s, int n) {
       s.establish();
       const auto messages = s.data(n);
       s.watch(s.b);
       for (const Bytes& message : messages) s.b.receive(message, s.a.at, s.now, 3);
       return opened(n);
     }},
    {Drop::kInDisallowedSource,
     [](Stage& s, int n) {
       s.establish();
       s.watch(s.b);
       for (int i = 0; i < n; ++i) {
         s.a.send_bytes(inner_packet(ip("10.9.9.9"), s.b.address, kInner), s.now);
         s.receive(s.b, Stage::only_of(s.a).bytes, s.a);
       }
       return opened(n);
     }},
};

static_assert(has_one_row_each<Drop>([](const DropCause& row) { return row.reason; }, kDropCauses, kDropsOfEngine, false, kDropCount),
              "each drop reason has one row: here or, if kDropsOfEngine names it, in tests/engine/causes_test.cc");

class DropCauses : public Stage, public testing::WithParamInterface<std::tuple<DropCause, int>> {};

std::string drop_row_name(const testing::TestParamInfo<DropCauses::ParamType>& info) {
  const DropInfo& row = drop_table()[static_cast<std::size_t>(std::get<0>(info.param).reason)];
  return (row.direction == Direction::kOutbound ? "out_" : "in_") + std::string(row.name) + "_" + std::to_string(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(Rows, DropCauses, testing::Combine(testing::ValuesIn(kDropCauses), testing::Values(1, 7)), drop_row_name);

TEST_P(DropCauses, MoveTheirCounterAndNothingElse) {
  const auto& [row, n] = GetParam();
  Moved expected = row.inject(*this, n);
  expected[name_of(row.reason)] += n;
  EXPECT_EQ(seen(), expected);
}

}  // namespace
}  // namespace wgu::tunnel
