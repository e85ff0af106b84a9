// Every drop reason and every kind of event that only an engine can cause: exactly N causes move that counter by N, and of all other
// counters and events those that the row names. The kernel is the real one; where it must say something that it seldom says, the test
// has prepared the socket. All others stand in tests/tunnel/*_causes_test.cc.
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <fstream>

#include "engine/engine_pair.h"
#include "engine/workers_fixture.h"
#include "io/own_namespace.h"
#include "io/virtio_net.h"
#include "tunnel/stranger.h"
#include "values/moved.h"

namespace wgu::engine {
namespace {

using tunnel::ip;

constexpr std::int64_t kInner = 100;

// --- Drop reasons ------------------------------------------------------------------------------------------------------------

// `inject` makes all ready, calls watch(), then causes it `n` times; the worker in question has seen it when it returns what else moves.
class Stage {
 public:
  explicit Stage(IoBackend io) : io_(io) {}

  // False: refused here.
  [[nodiscard]] bool start(Workers::Setup setup) {
    setup.io = io_;
    const Result<void> started = workers.start(setup);
    if (!started) refusal = started.error();
    return started.ok();
  }
  [[nodiscard]] bool start_with_session() {
    if (!start({})) return false;
    workers.set_up();
    far.emplace(workers);
    far->establish(workers);
    return true;
  }
  void watch() {
    static_cast<void>(workers.take_events());
    before_ = workers.counters();
  }
  [[nodiscard]] Moved seen() {
    Moved all = moved(before_, workers.counters());
    add_events(workers.take_events(), all);
    return without_pace(std::move(all));
  }

  // A packet for the far end leaves, or fails to; one at a time, so that none goes in a train with others.
  void send(std::size_t size = kInner) {
    const std::uint64_t before = workers.counters().device_packets_received;
    workers.write(tunnel::inner_packet(ip("10.0.0.1"), ip("10.0.0.2"), size));
    ASSERT_TRUE(workers.reaches(&Counters::device_packets_received, before + 1));
    // What the kernel said of it, the worker hears with the next wait.
    const std::uint64_t rounds = workers.counters().rounds;
    ASSERT_TRUE(workers.reaches(&Counters::rounds, rounds + 1));
  }
  void move_far_end_to(const Endpoint& to) {
    DeviceChange change;
    PeerChange& peer = change.peers.emplace_back();
    peer.public_key = far->device.public_key();
    peer.endpoint = to;
    workers.apply(std::move(change));
  }
  // To the first worker's socket.
  static void shout(std::uint16_t port, const Bytes& message, int segment = 0) {
    const io::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (segment != 0) {
      ASSERT_EQ(setsockopt(socket.get(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(sendto(socket.get(), message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
              static_cast<ssize_t>(message.size()));
  }

  Workers workers;
  std::optional<FarEnd> far;
  std::optional<Error> refusal;

 private:
  IoBackend io_;
  Counters before_;
};

struct DropCause {
  Drop reason;
  Moved (*inject)(Stage& stage, int n);
  bool needs_namespace = false;
};

constexpr int kSmallPool = 32;  // buffers
constexpr int kSegment = 100;   // bytes of payload

// A super-packet of UDP as a device with USO hands it over (virtio 1.1, 5.1.6).
Bytes super_packet(int segments) {
  const io::VirtioNetHeader header{io::kVirtioNeedsChecksum, io::kVirtioGsoUdpL4, 28, kSegment, 20, 6};
  Bytes packet = tunnel::inner_packet(ip("10.0.0.1"), ip("10.0.0.2"), static_cast<std::size_t>(28 + segments * kSegment));
  packet[9] = IPPROTO_UDP;
  const std::uint16_t length = static_cast<std::uint16_t>(packet.size() - 20);
  packet[24] = static_cast<std::uint8_t>(length >> 8);
  packet[25] = static_cast<std::uint8_t>(length);
  packet.insert(packet.begin(), reinterpret_cast<const std::uint8_t*>(&header), reinterpret_cast<const std::uint8_t*>(&header + 1));
  return packet;
}

constexpr DropCause kDropCauses[] = {
    {Drop::kOutMailboxFull,
     [](Stage& s, int n) {
       if (!s.start({.workers = 2})) return Moved{};
       s.workers.set_up();
       s.workers.add_peer(tunnel::key_of("at home").public_key(), "10.0.0.3/32");
       s.workers.add_peer(tunnel::key_of("elsewhere").public_key(), "10.0.0.2/32");
       s.workers.halt({}, 1);
       s.watch();
       const int all = static_cast<int>(kMailboxCapacity) + n;
       for (int i = 0; i < all; ++i) s.workers.write(tunnel::inner_packet(ip("10.0.0.1"), ip("10.0.0.2"), kInner));
       EXPECT_TRUE(s.workers.reaches(&Counters::device_packets_received, static_cast<std::uint64_t>(all)));
       return Moved{{"device_packets_received", all},
                    {"device_bytes_received", all * kInner},
                    {"outbound_forwarded", static_cast<std::int64_t>(kMailboxCapacity)}};
     }},
    {Drop::kOutPoolExhausted,
     [](Stage& s, int n) {
       if (!s.start({.buffers = kSmallPool, .format = {.has_virtio_header = true, .udp = true}})) return Moved{};
       s.watch();
       s.workers.write(super_packet(kSmallPool + n));
       EXPECT_TRUE(s.workers.reaches(&Counters::device_packets_received, static_cast<std::uint64_t>(kSmallPool + n)));
       return Moved{{"device_packets_received", kSmallPool + n},
                    {"device_bytes_received", kSmallPool * (28 + kSegment)},
                    {"drop out no_identity", kSmallPool}};
     }},
    {Drop::kOutSocketFull,
     [](Stage& s, int n) {
       if (!s.start_with_session()) return Moved{};
       // A link where nobody answers ARP: what is sent waits in the socket's account.
       const io::FileDescriptor tap(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
       ifreq request{};
       std::strcpy(request.ifr_name, "silent");
       request.ifr_flags = IFF_TAP | IFF_NO_PI;
       EXPECT_EQ(ioctl(tap.get(), TUNSETIFF, &request), 0) << std::strerror(errno);
       auto* const address = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
       *address = {};
       address->sin_family = AF_INET;
       address->sin_addr.s_addr = inet_addr("198.51.100.1");
       const io::test::Namespace here = io::test::Namespace::current();
       EXPECT_EQ(ioctl(here.control.get(), SIOCSIFADDR, &request), 0) << std::strerror(errno);
       address->sin_addr.s_addr = inet_addr("255.255.255.0");
       EXPECT_EQ(ioctl(here.control.get(), SIOCSIFNETMASK, &request), 0) << std::strerror(errno);
       here.set_up("silent", true);
       std::ofstream("/proc/sys/net/ipv4/neigh/silent/mcast_solicit") << 1000;  // seconds until it gives up; where it may be set
       const int least = 1;
       EXPECT_EQ(setsockopt(s.workers.binding.workers[0].v4.get(), SOL_SOCKET, SO_SNDBUF, &least, sizeof least), 0);
       s.move_far_end_to(Endpoint{ip("198.51.100.2"), 9, 0});
       while (s.workers.counters().dropped(Drop::kOutSocketFull) == 0 && !testing::Test::HasFailure()) s.send();
       s.watch();
       for (int i = 0; i < n; ++i) s.send();
       return Moved{{"device_packets_received", n}, {"device_bytes_received", n * kInner}, {"event send_failed", n}};
     },
     true},
    {Drop::kOutMessageTooLong,
     [](Stage& s, int n) {
       if (!s.start_with_session()) return Moved{};
       const int never_in_pieces = IP_PMTUDISC_DO;
       EXPECT_EQ(setsockopt(s.workers.binding.workers[0].v4.get(), IPPROTO_IP, IP_MTU_DISCOVER, &never_in_pieces, sizeof never_in_pieces),
                 0);
       io::test::Namespace::current().set_mtu("lo", 1400);
       s.watch();
       for (int i = 0; i < n; ++i) s.send(1400);
       return Moved{{"device_packets_received", n}, {"device_bytes_received", n * 1400}, {"event send_failed", n}};
     },
     true},
    {Drop::kOutSendFailed,
     [](Stage& s, int n) {
       if (!s.start_with_session()) return Moved{};
       s.move_far_end_to(Endpoint{ip("255.255.255.255"), 9, 0});  // without SO_BROADCAST: EACCES, or ENETUNREACH
       s.watch();
       for (int i = 0; i < n; ++i) s.send();
       return Moved{{"device_packets_received", n}, {"device_bytes_received", n * kInner}, {"event send_failed", n}};
     }},
    {Drop::kOutShutdown,
     [](Stage& s, int n) {
       if (!s.start({})) return Moved{};
       s.workers.set_up();
       s.workers.add_peer(tunnel::key_of("nobody").public_key(), "10.0.0.2/32", Endpoint{ip("127.0.0.1"), 9, 0});
       for (int i = 0; i < n; ++i) s.workers.write(tunnel::inner_packet(ip("10.0.0.1"), ip("10.0.0.2"), kInner));
       EXPECT_TRUE(s.workers.reaches(&Counters::outbound_queued, static_cast<std::uint64_t>(n)));
       EXPECT_TRUE(s.workers.reaches(&Counters::initiations_sent, 1));
       s.watch();
       s.workers.stop();
       return Moved{{"outbound_queued", -n}};
     }},

    {Drop::kInTruncated,
     [](Stage& s, int n) {
       // No UDP datagram is as large; what the kernel would say of one, it says of this.
       if (!s.start({})) return Moved{};
       int ends[2];
       EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
       s.workers.set_socket(ends[1]);
       s.watch();
       const Bytes message(70'000);
       for (int i = 0; i < n; ++i) {
         EXPECT_EQ(::write(ends[0], message.data(), message.size()), static_cast<ssize_t>(message.size())) << std::strerror(errno);
         EXPECT_TRUE(s.workers.reaches(&Counters::datagrams_received, static_cast<std::uint64_t>(i + 1)));
       }
       s.workers.set_socket(-1);
       close(ends[0]);
       close(ends[1]);
       return Moved{{"datagrams_received", n}};
     }},
    {Drop::kInMailboxFull,
     [](Stage& s, int n) {
       if (!s.start({.workers = 2})) return Moved{};
       s.workers.set_up();
       // A socket that no program steers.
       Result<io::UdpBinding> plain = io::bind_udp(0, 0, 1, {});
       EXPECT_TRUE(plain.ok());
       s.workers.set_socket(plain->workers[0].v4.get());
       s.workers.halt({}, 1);
       s.watch();
       Bytes message(32);
       message[0] = 4;
       message[noise::Data::kReceiver] = 1;  // the home
       const int all = static_cast<int>(kMailboxCapacity) + n;
       for (int i = 0; i < all; ++i) {
         Stage::shout(plain->port, message);
         if (i % 64 != 63 && i + 1 != all) continue;  // no more than the socket holds
         EXPECT_TRUE(s.workers.reaches(&Counters::datagrams_received, static_cast<std::uint64_t>(i + 1)));
       }
       s.workers.set_socket(-1);
       return Moved{{"datagrams_received", all},
                    {"datagram_bytes_received", all * 32},
                    {"inbound_forwarded", static_cast<std::int64_t>(kMailboxCapacity)}};
     }},
    {Drop::kInPoolExhausted,
     [](Stage& s, int n) {
       if (!s.start({.buffers = kSmallPool, .receives_trains = true})) return Moved{};
       s.watch();
       Stage::shout(s.workers.binding.port, Bytes(static_cast<std::size_t>((kSmallPool + n) * kSegment), 0xff), kSegment);
       EXPECT_TRUE(s.workers.reaches(&Counters::datagrams_received, static_cast<std::uint64_t>(kSmallPool + n)));
       return Moved{
           {"datagrams_received", kSmallPool + n}, {"datagram_bytes_received", kSmallPool * kSegment}, {"drop in malformed", kSmallPool}};
     }},
    {Drop::kInDeviceWriteFailed,
     [](Stage& s, int n) {
       if (!s.start_with_session()) return Moved{};
       s.workers.device[0] = {};  // refused from now on
       s.watch();
       const std::uint64_t received = s.workers.counters().datagrams_received + static_cast<std::uint64_t>(n);
       for (int i = 0; i < n; ++i)
         s.far->device.send_bytes(tunnel::inner_packet(s.far->device.address, ip("10.0.0.1"), kInner), s.far->now);
       EXPECT_TRUE(s.far->carry(s.workers, [&] { return s.workers.counters().datagrams_received == received; }));
       EXPECT_TRUE(
           Workers::until([&] { return s.workers.counters().dropped(Drop::kInDeviceWriteFailed) >= static_cast<std::uint64_t>(n); }));
       return Moved{{"datagrams_received", n}, {"datagram_bytes_received", n * (16 + 112 + 16)}};
     }},
    {Drop::kInShutdown,
     [](Stage& s, int n) {
       if (!s.start({})) return Moved{};
       s.workers.set_up();
       s.watch();
       // More handshake messages than the last round works off.
       constexpr int kHandshakesPerRound = 4;
       PacketPool pool(16, 2048);
       std::vector<Datagram> messages;
       for (int i = 0; i < kHandshakesPerRound + n; ++i) {
         messages.push_back({pool.take(0), Endpoint{ip("127.0.0.1"), 9, 0}, {}, 0});
         messages.back().packet.resize(148);
         std::fill_n(messages.back().packet.data(), 148, std::uint8_t{0});
         messages.back().packet.data()[0] = 1;
       }
       TunnelOutput output;
       s.workers.halt([&](tunnel::Shard& shard, io::Loop&) { shard.receive(messages, boot_now(), output); });
       messages.clear();
       s.workers.stop();
       return Moved{{"datagrams_received", kHandshakesPerRound + n},
                    {"datagram_bytes_received", (kHandshakesPerRound + n) * 148},
                    {"drop in bad_mac1", kHandshakesPerRound},
                    {"event handshake_failed", kHandshakesPerRound}};
     }},
};

static_assert(has_one_row_each<Drop>([](const DropCause& row) { return row.reason; }, kDropCauses, kDropsOfEngine, true, kDropCount),
              "each reason of kDropsOfEngine has one row here, and no other has");

using DropParameter = std::tuple<DropCause, int, IoBackend>;
class EngineDropCauses : public testing::TestWithParam<DropParameter> {};

const char* name_of(IoBackend io) { return io == IoBackend::kUring ? "uring" : "epoll"; }

std::string drop_row_name(const testing::TestParamInfo<DropParameter>& info) {
  const auto& [row, n, io] = info.param;
  const DropInfo& drop = drop_table()[static_cast<std::size_t>(row.reason)];
  return (drop.direction == Direction::kOutbound ? "out_" : "in_") + std::string(drop.name) + "_" + std::to_string(n) + "_" + name_of(io);
}

INSTANTIATE_TEST_SUITE_P(Rows, EngineDropCauses,
                         testing::Combine(testing::ValuesIn(kDropCauses), testing::Values(1, 7),
                                          testing::Values(IoBackend::kUring, IoBackend::kEpoll)),
                         drop_row_name);

TEST_P(EngineDropCauses, MoveTheirCounterAndNothingElse) {
  const auto body = [] {
    const auto& [row, n, io] = GetParam();
    Stage stage(io);
    Moved expected = row.inject(stage, n);
    if (stage.refusal) {
      if (io == IoBackend::kUring && (stage.refusal->code == ENOSYS || stage.refusal->code == EPERM))
        GTEST_SKIP() << stage.refusal->message;
      FAIL() << stage.refusal->message;
    }
    expected[wgu::name_of(row.reason)] += n;
    EXPECT_EQ(stage.seen(), expected);
  };
  if (!std::get<0>(GetParam()).needs_namespace) return body();
  io::test::run_in_own_namespace([&] {
    io::test::Namespace::current().set_up("lo", true);
    body();
  });
}

// --- Events ------------------------------------------------------------------------------------------------------------------

struct EventCause {
  EventKind kind;
  void (*inject)(Engine& engine, int n);
};

constexpr EventCause kEventCauses[] = {
    {EventKind::kMtuChanged,
     [](Engine& engine, int n) {
       const auto told = [&engine] {
         std::size_t count = 0;
         for (const Event& event : engine.recent_events()) count += event.kind == EventKind::kMtuChanged;
         return count;
       };
       const io::test::Namespace here = io::test::Namespace::current();
       for (int i = 0; i < n; ++i) {
         here.set_mtu(engine.interface_name(), 1300 + i);
         EXPECT_TRUE(Workers::until([&] { return told() == static_cast<std::size_t>(i + 1); })) << "two changes at once are one";
       }
     }},
    {EventKind::kConfigurationChanged,
     [](Engine& engine, int n) {
       for (int i = 0; i < n; ++i) {
         DeviceChange change;
         change.peers.push_back(peer_of(PrivateKey::generate().public_key(), 9, "10.0.1." + std::to_string(i) + "/32"));
         EXPECT_TRUE(engine.apply(std::move(change)).ok());
       }
     }},
};

static_assert(has_one_row_each<EventKind>([](const EventCause& row) { return row.kind; }, kEventCauses, kEventsOfEngine, true,
                                          kEventKindCount),
              "each kind of kEventsOfEngine has one row here, and no other has");

class EngineEventCauses : public testing::TestWithParam<std::tuple<EventCause, int>> {};

std::string event_row_name(const testing::TestParamInfo<EngineEventCauses::ParamType>& row) {
  return std::string(event_table()[static_cast<std::size_t>(std::get<0>(row.param).kind)].name) + "_" +
         std::to_string(std::get<1>(row.param));
}

INSTANTIATE_TEST_SUITE_P(Rows, EngineEventCauses, testing::Combine(testing::ValuesIn(kEventCauses), testing::Values(1, 7)), event_row_name);

TEST_P(EngineEventCauses, AreToldAsOftenAndMoveNothingElse) {
  io::test::run_in_own_namespace([] {
    const auto& [row, n] = GetParam();
    Result<Engine> engine = Engine::start({.interface_name = "wgcause", .workers = 2});
    ASSERT_TRUE(engine.ok()) << engine.error().message;
    const Counters before = engine->counters();
    row.inject(*engine, n);
    const Counters after = engine->counters();
    engine->stop();  // delivers what is left
    Moved seen = without_pace(moved(before, after));
    add_events(engine->recent_events(), seen);
    EXPECT_EQ(seen, (Moved{{wgu::name_of(row.kind), n}}));
  });
}

}  // namespace
}  // namespace wgu::engine
