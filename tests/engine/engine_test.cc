// Engines on real sockets and real threads: both backends, one and several workers, fewer queues than workers.
#include "wgu/engine.h"

#include <arpa/inet.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine_pair.h"

namespace wgu::engine {
namespace {

class EngineTest : public testing::TestWithParam<EngineCase> {};

INSTANTIATE_TEST_SUITE_P(Backends, EngineTest,
                         testing::Values(EngineCase{IoBackend::kUring, 1, 1}, EngineCase{IoBackend::kUring, 3, 3},
                                         EngineCase{IoBackend::kUring, 3, 1}, EngineCase{IoBackend::kEpoll, 1, 1},
                                         EngineCase{IoBackend::kEpoll, 3, 3}, EngineCase{IoBackend::kEpoll, 3, 1}),
                         case_name);

TEST_P(EngineTest, CarriesPacketsBothWaysWholeAndInOrder) {
  EnginePair pair;
  START_OR_SKIP(pair, GetParam());
  std::uint32_t number = 0;
  for (int round = 0; round < 20; ++round) {
    for (auto [from, to, a, b] : {std::tuple(&pair.left, &pair.right, 1, 2), std::tuple(&pair.right, &pair.left, 2, 1)}) {
      std::vector<std::vector<std::uint8_t>> sent;
      for (int i = 0; i < 30; ++i) {
        ++number;
        sent.push_back(inner_packet(static_cast<std::uint16_t>(a), static_cast<std::uint16_t>(b), number, 24 + number % 1396));
        from->write(sent.back(), static_cast<unsigned>(round) % GetParam().queues);
      }
      for (const auto& packet : sent) ASSERT_EQ(to->read(), packet) << "round " << round;
    }
  }
  pair.expect_all_explained();
  const Counters counters = pair.left.engine->counters();
  EXPECT_EQ(counters.data_packets_sent, 600U);
  EXPECT_EQ(counters.device_packets_sent, 600U);
  EXPECT_EQ(counters.sessions_begun, 1U);
  EXPECT_EQ(counters.dropped(Direction::kOutbound), 0U);
  EXPECT_EQ(counters.dropped(Direction::kInbound), 0U);
}

TEST_P(EngineTest, StatusTellsWhatWasSetAndWhatHappened) {
  EnginePair pair;
  START_OR_SKIP(pair, GetParam());
  pair.left.write(inner_packet(1, 2, 7, 100));
  ASSERT_EQ(number_of(pair.right.read()), 7U);
  const DeviceStatus left = pair.left.engine->status();
  EXPECT_TRUE(left.private_key.equals(pair.left.key));
  EXPECT_EQ(left.public_key, pair.left.key.public_key());
  ASSERT_EQ(left.peers.size(), 1U);
  EXPECT_EQ(left.peers[0].public_key, pair.right.key.public_key());
  EXPECT_EQ(left.peers[0].endpoint.port, pair.right.port());
  EXPECT_NE(left.peers[0].last_handshake.seconds, 0);
  EXPECT_EQ(left.peers[0].tx_bytes, 148U + 16 + 112 + 16) << "initiation; header, 100 padded to 112, tag";
  EXPECT_EQ(left.peers[0].rx_bytes, 92U) << "response";
}

// The kernel's answer on loopback; ICMP and narrow links are the system tests' subject.
TEST_P(EngineTest, KnowsPathsAndClampsWhenAsked) {
  EnginePair pair;
  pair.left.path = {.discover_mtu = true, .clamp_mss = true};
  START_OR_SKIP(pair, GetParam());
  const auto syn = [](std::uint16_t from, std::uint16_t to) {
    std::vector<std::uint8_t> packet = inner_packet(from, to, 0, 44);
    packet[9] = 6;
    packet[32] = 0x60;  // a header of 24 bytes
    packet[33] = 0x02;
    const std::uint8_t mss[] = {2, 4, 9000 >> 8, 9000 & 0xff};
    std::copy(std::begin(mss), std::end(mss), packet.begin() + 40);
    return packet;
  };
  const auto mss_of = [](const std::vector<std::uint8_t>& packet) { return packet.size() < 44 ? 0 : packet[42] << 8 | packet[43]; };
  pair.left.write(syn(1, 2));
  EXPECT_EQ(mss_of(pair.right.read()), 1420 - 40);
  pair.right.write(syn(2, 1));
  EXPECT_EQ(mss_of(pair.left.read()), 1420 - 40);
  EXPECT_EQ(pair.left.engine->counters().mss_clamped, 2U);
  EXPECT_EQ(pair.right.engine->counters().mss_clamped, 0U);
  EXPECT_GE(pair.left.engine->status().peers[0].path_mtu, 1500) << "of loopback";
  EXPECT_EQ(pair.right.engine->status().peers[0].path_mtu, 0) << "not asked for";
  // A new port means new sockets, which discover as well: packets still pass.
  DeviceChange change;
  change.listen_port = 0;
  ASSERT_TRUE(pair.left.engine->apply(std::move(change)).ok());
  pair.left.write(inner_packet(1, 2, 9, 1420));
  EXPECT_EQ(number_of(pair.right.read()), 9U);
  pair.expect_all_explained();
}

TEST_P(EngineTest, ChangesTheListenPortUnderTraffic) {
  EnginePair pair;
  START_OR_SKIP(pair, GetParam());
  pair.left.write(inner_packet(1, 2, 1, 100));
  ASSERT_EQ(number_of(pair.right.read()), 1U);
  const std::uint16_t old_port = pair.left.port();
  DeviceChange change;
  change.listen_port = 0;
  ASSERT_TRUE(pair.left.engine->apply(std::move(change)).ok());
  EXPECT_NE(pair.left.port(), old_port);
  // The right learns of the new port from the next authenticated packet, and then reaches it.
  pair.left.write(inner_packet(1, 2, 2, 100));
  ASSERT_EQ(number_of(pair.right.read()), 2U);
  pair.right.write(inner_packet(2, 1, 3, 100));
  ASSERT_EQ(number_of(pair.left.read()), 3U);
  EXPECT_EQ(pair.right.engine->status().peers[0].endpoint.port, pair.left.port());
  EXPECT_EQ(pair.right.engine->counters().endpoints_changed, 1U);
  pair.expect_all_explained();
}

TEST_P(EngineTest, APortInUseIsAnErrorAndChangesNothing) {
  EnginePair pair;
  START_OR_SKIP(pair, GetParam());
  const std::uint16_t before = pair.left.port();
  DeviceChange change;
  change.listen_port = pair.right.port();
  change.peers.push_back(peer_of(PrivateKey::generate().public_key(), 0, "10.0.0.9/32"));
  const Result<void> applied = pair.left.engine->apply(std::move(change));
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().code, EADDRINUSE);
  EXPECT_NE(applied.error().message.find(std::to_string(pair.right.port())), std::string::npos) << applied.error().message;
  EXPECT_EQ(pair.left.port(), before);
  EXPECT_EQ(pair.left.engine->status().peers.size(), 1U);
  pair.left.write(inner_packet(1, 2, 5, 100));
  EXPECT_EQ(number_of(pair.right.read()), 5U);
}

TEST_P(EngineTest, ManyPeersOfOneEngineReachItsWorkersWhereverTheyLand) {
  Node hub;
  START_OR_SKIP(hub, GetParam());
  constexpr std::uint16_t kSpokes = 8;
  std::vector<Node> spokes(kSpokes);
  DeviceChange to_hub;
  to_hub.private_key = hub.key.copy();
  for (std::uint16_t i = 0; i < kSpokes; ++i) {
    ASSERT_TRUE(spokes[i].start({GetParam().io, 1, 1}).ok());
    to_hub.peers.push_back(peer_of(spokes[i].key.public_key(), 0, "10.0.1." + std::to_string(i) + "/32"));
    DeviceChange to_spoke;
    to_spoke.private_key = spokes[i].key.copy();
    to_spoke.peers.push_back(peer_of(hub.key.public_key(), hub.port(), "10.0.0.1/32"));
    ASSERT_TRUE(spokes[i].engine->apply(std::move(to_spoke)).ok());
  }
  ASSERT_TRUE(hub.engine->apply(std::move(to_hub)).ok());

  for (std::uint16_t i = 0; i < kSpokes; ++i) spokes[i].write(inner_packet(256 + i, 1, i, 200));
  std::set<std::uint32_t> seen;
  for (std::uint16_t i = 0; i < kSpokes; ++i) seen.insert(number_of(hub.read()));
  EXPECT_EQ(seen.size(), kSpokes);
  // Through every queue: homes go round, so which of them are another worker's is known.
  std::uint64_t not_at_home = 0;
  for (std::uint16_t i = 0; i < kSpokes; ++i) {
    for (unsigned queue = 0; queue < GetParam().queues; ++queue) {
      hub.write(inner_packet(1, 256 + i, 100U + i, 200), queue);
      EXPECT_EQ(number_of(spokes[i].read()), 100U + i);
      if (queue != i % GetParam().workers) ++not_at_home;
    }
  }
  const std::vector<Counters> counters = hub.engine->worker_counters();
  Counters total;
  for (const Counters& worker : counters) {
    EXPECT_EQ(worker.unexplained(Direction::kOutbound), 0);
    EXPECT_EQ(worker.unexplained(Direction::kInbound), 0);
    EXPECT_GT(worker.sessions_begun, 0U) << "peers are spread over all workers";
    total += worker;
  }
  EXPECT_EQ(total.outbound_forwarded, total.outbound_adopted);
  EXPECT_EQ(total.inbound_forwarded, total.inbound_adopted);
  EXPECT_EQ(total.outbound_adopted, not_at_home);
  EXPECT_EQ(total.dropped(Direction::kInbound) + total.dropped(Direction::kOutbound), 0U);
}

TEST_P(EngineTest, ConfigurationAndQueriesFromManyThreadsUnderTraffic) {
  EnginePair pair;
  START_OR_SKIP(pair, GetParam());
  std::atomic<bool> is_over{false};
  std::thread reader([&] {
    while (!is_over) static_cast<void>(pair.right.read(20));
  });
  std::vector<std::thread> stormers;
  for (int t = 0; t < 2; ++t) {
    stormers.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        const PublicKey key = PrivateKey::generate().public_key();
        DeviceChange add;
        add.peers.push_back(peer_of(key, 9, "10.1." + std::to_string(t) + "." + std::to_string(i) + "/32"));
        EXPECT_TRUE(pair.left.engine->apply(std::move(add)).ok());
        EXPECT_GE(pair.left.engine->status().peers.size(), 1U);
        static_cast<void>(pair.left.engine->counters());
        DeviceChange remove;
        remove.peers.emplace_back().public_key = key;
        remove.peers.back().remove = true;
        EXPECT_TRUE(pair.left.engine->apply(std::move(remove)).ok());
      }
    });
  }
  for (std::uint32_t i = 0; i < 2000; ++i) {
    pair.left.write(inner_packet(1, 2, i, 300), i % GetParam().queues);
    if (i % 10 == 0) pair.left.write(inner_packet(1, 0x0100, i, 300), i % GetParam().queues);  // to peers that come and go
  }
  for (auto& stormer : stormers) stormer.join();
  EXPECT_EQ(pair.left.engine->status().peers.size(), 1U);
  is_over = true;
  reader.join();
  pair.left.engine->stop();
  pair.right.engine->stop();
  pair.expect_all_explained();
}

TEST_P(EngineTest, StopIsIdempotentAndEndsWait) {
  Node node;
  START_OR_SKIP(node, GetParam());
  std::thread stopper([&] { node.engine->stop(); });
  EXPECT_EQ(node.engine->wait(), "stopped");
  stopper.join();
  node.engine->stop();
  pollfd stopped{node.engine->stopped_fd(), POLLIN, 0};
  EXPECT_EQ(poll(&stopped, 1, 0), 1);
  const Result<void> applied = node.engine->apply({});
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().code, ESHUTDOWN);
  EXPECT_TRUE(node.engine->status().peers.empty());
}

TEST_P(EngineTest, EndsWhenTheDeviceGoes) {
  Node node;
  START_OR_SKIP(node, GetParam(), SOCK_SEQPACKET);
  node.device.clear();
  pollfd stopped{node.engine->stopped_fd(), POLLIN, 0};
  ASSERT_EQ(poll(&stopped, 1, 5000), 1);
  EXPECT_NE(node.engine->wait().find("gone"), std::string::npos);
}

TEST_P(EngineTest, OversizedAndMalformedPacketsAreCounted) {
  EnginePair pair;
  START_OR_SKIP(pair, GetParam());
  pair.left.write(inner_packet(1, 2, 1, 100));
  ASSERT_EQ(number_of(pair.right.read()), 1U);
  pair.left.write({0x15, 1, 2, 3});                 // no IP version
  pair.left.write(inner_packet(1, 2, 2, 65535));    // fits no datagram once sealed
  pair.left.write(inner_packet(1, 0x0900, 3, 100)); // nobody's
  const io::FileDescriptor stranger(socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(pair.left.port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto shout = [&](std::size_t size, std::uint8_t type) {
    std::vector<std::uint8_t> message(size);
    if (size > 0) message[0] = type;
    ASSERT_EQ(sendto(stranger.get(), message.data(), size, 0, reinterpret_cast<sockaddr*>(&to), sizeof to), static_cast<ssize_t>(size));
  };
  shout(0, 0);
  shout(65507, 9);
  shout(148, 1);
  shout(92, 2);
  shout(64, 3);
  shout(32, 4);
  pair.left.write(inner_packet(1, 2, 4, 100));
  ASSERT_EQ(number_of(pair.right.read()), 4U);

  Counters counters;
  for (int i = 0; i < 500 && counters.datagrams_received < 7; ++i) {
    counters = pair.left.engine->counters();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(counters.dropped(Drop::kOutMalformed), 1U);
  EXPECT_EQ(counters.dropped(Drop::kOutTooLong), 1U);
  EXPECT_EQ(counters.dropped(Drop::kOutNoPeer), 1U);
  EXPECT_EQ(counters.icmp_sent, 1U);
  EXPECT_EQ(counters.dropped(Drop::kInMalformed), 2U);
  EXPECT_EQ(counters.dropped(Drop::kInBadMac1), 2U);
  EXPECT_EQ(counters.dropped(Direction::kInbound), 6U);
  pair.expect_all_explained();
}

TEST(EngineOptionsTest, WrongOptionsAreRefusedWithTheirValue) {
  const auto start = [](EngineOptions options) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    const io::FileDescriptor other(ends[0]);
    options.device_fds = {ends[1]};
    options.follow_interface = false;
    return Engine::start(std::move(options));
  };
  const auto too_many = start({.workers = 257});
  ASSERT_FALSE(too_many.ok());
  EXPECT_EQ(too_many.error().code, EINVAL);
  EXPECT_NE(too_many.error().message.find("257"), std::string::npos);
  const auto too_few = start({.workers = 1, .buffers_per_worker = 3});
  ASSERT_FALSE(too_few.ok());
  EXPECT_NE(too_few.error().message.find('3'), std::string::npos);
  const auto no_cpu = start({.workers = 1, .cpus = {100000}});
  ASSERT_FALSE(no_cpu.ok());
  EXPECT_NE(no_cpu.error().message.find("100000"), std::string::npos);
  EXPECT_FALSE(Engine::start({.interface_name = "a-name-that-is-too-long"}).ok());
}

// Its workers, and no other of its threads.
TEST(EngineOptionsTest, WorkersRunInRealTimeOnRequest) {
  const auto in_real_time = [] {
    const std::filesystem::directory_iterator threads("/proc/self/task");
    return std::count_if(begin(threads), end(threads), [](const std::filesystem::directory_entry& thread) {
      return sched_getscheduler(std::stoi(thread.path().filename())) == SCHED_RR;
    });
  };
  for (const bool is_asked : {false, true}) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    const io::FileDescriptor other(ends[0]);
    std::vector<std::string> log;
    std::mutex log_mutex;
    EngineOptions options{.device_fds = {ends[1]}, .workers = 1, .is_realtime = is_asked, .follow_interface = false};
    options.log = [&](LogLevel, const std::string& line) {
      const std::lock_guard lock(log_mutex);
      log.push_back(line);
    };
    auto engine = Engine::start(std::move(options));
    ASSERT_TRUE(engine) << engine.error().message;
    const bool is_refused = std::any_of(log.begin(), log.end(), [](const std::string& line) { return line.starts_with("SCHED_RR:"); });
    EXPECT_EQ(in_real_time(), is_asked && !is_refused ? 1 : 0);
    EXPECT_TRUE(is_asked || !is_refused);
  }
}

}  // namespace
}  // namespace wgu::engine
