// Every drop reason and every kind of event whose cause lies in the tunnel: exactly N causes move that counter by N, and of all other
// counters and events those that the row names, by as much as it says. What only an engine can cause stands in tests/engine/causes_test.cc.
#include <gtest/gtest.h>

#include "noise/cookie.h"
#include "tunnel/device.h"
#include "tunnel/stranger.h"
#include "values/moved.h"

namespace wgu::tunnel {
namespace {

// Sizes on the wire (whitepaper 5.4), for an inner packet of 100 bytes.
constexpr std::int64_t kInner = 100, kData = 16 + 112 + 16, kInitiation = 148, kResponse = 92, kCookieReply = 64;
// Waiting handshake messages from which on a device is under load, and the most that wait (kernel queueing.h, an eighth and the whole of
// MAX_QUEUED_INCOMING_HANDSHAKES as wgu has it).
constexpr int kLoad = 128, kFullQueue = 1024;

class Stage : public Pair {
 public:
  using Pair::a;
  using Pair::b;
  using Pair::establish;
  using Pair::exchange;
  using Pair::now;
  using Pair::run_alone;

  // From here on counts what happens to `device`.
  void watch(Device& device) {
    watched_ = &device;
    before_ = device.counters();
    for (auto& shard : device.shards) {
      shard->events().set_wanted(true);
      shard->events().clear();
    }
  }
  [[nodiscard]] Moved seen() const {
    Moved all = moved(before_, watched_->counters());
    for (auto& shard : watched_->shards) add_events(shard->events().events(), all);
    return all;
  }
  // A third device, and `count` that are its peers.
  Device& hub(std::size_t buffers = 1024) { return *devices_.emplace_back(std::make_unique<Device>("hub", std::uint8_t{100}, 1, buffers)); }
  std::vector<Device*> spokes(Device& hub, int count) {
    std::vector<Device*> all;
    for (int i = 0; i < count; ++i) {
      const auto number = static_cast<std::uint8_t>(101 + i);
      all.push_back(devices_.emplace_back(std::make_unique<Device>("spoke " + std::to_string(i), number)).get());
      hub.add_peer(*all.back(), now);
      all.back()->add_peer(hub, now);
    }
    return all;
  }

  static Sent only_of(Device& device) { return only(device.take_sent()); }
  // `from` begins a handshake with `to`, which answers; the response is in the caller's hands.
  Sent initiation(Device& from, Device& to) {
    from.send(to, now);
    from.advance(now);
    return only_of(from);
  }
  Sent response(Device& from, Device& to) {
    receive(to, initiation(from, to).bytes, from);
    return only_of(to);
  }
  // The first data message of a session that `from` began.
  Bytes first_data(Device& from, Device& to) {
    receive(from, response(from, to).bytes, to);
    return only_of(from).bytes;
  }
  void receive(Device& device, const Bytes& bytes, const Device& from) {
    device.receive(bytes, from.at, now);
    device.advance(now);
  }
  // Data messages of a's for b.
  std::vector<Bytes> data(int count, std::uint8_t traffic_class = 0) {
    std::vector<Bytes> all;
    for (int i = 0; i < count; ++i) {
      a.send(b, now, kInner, traffic_class);
      all.push_back(only_of(a).bytes);
    }
    return all;
  }
  // So many handshake messages seem to wait for b.
  void load(int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(b.gate.try_enter());
  }
  void unload(int count) {
    for (int i = 0; i < count; ++i) b.gate.leave();
  }

 private:
  std::vector<std::unique_ptr<Device>> devices_;
  Device* watched_ = nullptr;
  Counters before_;
};

const Endpoint kElsewhere = endpoint("203.0.113.7:7");

// What arrives, and inner packets of the usual size that do.
Moved datagrams(int n, std::int64_t size) { return {{"datagrams_received", n}, {"datagram_bytes_received", n * size}}; }
Moved opened(int n) {
  Moved all = datagrams(n, kData);
  all["open_batches"] = n;
  return all;
}
Moved delivered(int n) {
  Moved all = opened(n);
  all.merge(Moved{{"device_packets_sent", n}, {"device_bytes_sent", n * kInner}});
  return all;
}
Moved from_device(int n, std::int64_t size = kInner) { return {{"device_packets_received", n}, {"device_bytes_received", n * size}}; }
// ... each answered by ICMP: IP header, ICMP header, and of what it is about as much as 576 bytes hold (RFC 1812, 4.3.2.3).
Moved answered(int n, std::int64_t size = kInner) {
  Moved all = from_device(n, size);
  all.merge(Moved{{"icmp_sent", n}, {"device_packets_sent", n}, {"device_bytes_sent", n * std::min<std::int64_t>(28 + size, 576)}});
  return all;
}
Moved with(Moved all, Moved more) {
  all.merge(more);
  EXPECT_TRUE(more.empty()) << "a row names " << more.begin()->first << " twice";
  return all;
}
// Handshake messages that wait one at a time, and are refused.
Moved refused(int n, std::int64_t size) { return with(datagrams(n, size), {{"inbound_queued_peak", 1}, {"event handshake_failed", n}}); }

// --- Drop reasons ------------------------------------------------------------------------------------------------------------

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

// --- Events ------------------------------------------------------------------------------------------------------------------

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
       Endpoint at = kElsewhere;
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
       return Moved{{"drop out send_failed", n},       {"datagrams_sent", -n},        {"datagram_bytes_sent", -n * kData},
                    {"data_packets_sent", -n},         {"data_bytes_sent", -n * kInner}};
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

static_assert(has_one_row_each<EventKind>([](const EventCause& row) { return row.kind; }, kEventCauses, kEventsOfEngine, false, kEventKindCount),
              "each kind of event has one row: here or, if kEventsOfEngine names it, in tests/engine/causes_test.cc");

class EventCauses : public Stage, public testing::WithParamInterface<std::tuple<EventCause, int>> {};

std::string event_row_name(const testing::TestParamInfo<EventCauses::ParamType>& info) {
  return std::string(event_table()[static_cast<std::size_t>(std::get<0>(info.param).kind)].name) + "_" + std::to_string(std::get<1>(info.param));
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
