#include "io/loop.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "io/intake.h"
#include "io/loop_fixture.h"

namespace wgu::io {
namespace {

using namespace std::chrono_literals;

INSTANTIATE_TEST_SUITE_P(Backends, LoopTest, ::testing::ValuesIn(kBackends), [](const auto& row) { return std::string(row.param.name); });

std::chrono::nanoseconds processor_time() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// ---- network

TEST_P(LoopTest, EchoesTenThousandDatagramsInOrder) {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    open();
    open_sockets();
    if (family == Family::kIpv6 && !binding_.workers[0].v6) continue;
    constexpr std::size_t kTotal = 10'000, kWindow = 48;
    std::size_t sent = 0, received = 0;
    while (received < kTotal) {
      std::vector<Datagram> batch;
      for (; sent < kTotal && sent - received + 1 <= kWindow; ++sent) batch.push_back(datagram(std::to_string(sent), self(family)));
      loop_->send(batch);
      for (const Datagram& consumed : batch) ASSERT_FALSE(consumed.packet);
      arrivals_.clear();
      ASSERT_TRUE(wait_until([&] { return !arrivals_.from_network.empty(); })) << received;
      ASSERT_EQ(loop_->in_flight(), 0u);
      ASSERT_TRUE(arrivals_.send_failures.empty());
      for (const Datagram& arrived : arrivals_.from_network) {
        ASSERT_EQ(text(arrived.packet), std::to_string(received++));
        ASSERT_EQ(arrived.remote, self(family));
        ASSERT_EQ(arrived.local.address, loopback(family));
        ASSERT_GE(arrived.packet.headroom(), kReceiveHeadroom);
      }
    }
    arrivals_.clear();
  }
}

TEST_P(LoopTest, BringsNoMoreThanABatchAndThenTheRest) {
  open(1024, 2048, 16);
  open_sockets();
  PlainSocket sender;
  SocketPair device;
  loop_->set_device(device.ours.get(), device.ours.get());
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(sender.send_to(self(), std::to_string(i)));
  std::size_t from_network = 0, from_device = 0;
  for (int i = 0; i < 5; ++i) ASSERT_EQ(::send(device.other.get(), "d", 1, 0), 1);
  while (from_network < 200 || from_device < 5) {
    arrivals_.clear();
    loop_->wait(1s, arrivals_);
    ASSERT_FALSE(arrivals_.from_network.empty() && arrivals_.from_device.empty());
    ASSERT_LE(arrivals_.from_network.size() + arrivals_.from_device.size(), 16u);
    for (const Datagram& arrived : arrivals_.from_network) ASSERT_EQ(text(arrived.packet), std::to_string(from_network++));
    from_device += arrivals_.from_device.size();
    // Within the first few waits, although the sockets could fill every batch on their own.
    if (from_network >= 100) {
      ASSERT_EQ(from_device, 5u);
    }
  }
}

TEST_P(LoopTest, SocketsStampAsLongAsTheyAreTold) {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    open();
    open_sockets();
    if (family == Family::kIpv6 && !binding_.workers[0].v6) continue;
    PlainSocket sender(family);
    const auto receive = [&] {
      arrivals_.clear();
      EXPECT_TRUE(sender.send_to(self(family), "hello"));
      EXPECT_TRUE(wait_until([&] { return !arrivals_.from_network.empty(); }));
      EXPECT_EQ(arrivals_.from_network.at(0).local.address, loopback(family)) << "all else is said as before";
    };
    receive();
    EXPECT_TRUE(arrivals_.stamps.empty());
    ASSERT_TRUE(set_timestamps(binding_, true).ok());
    timespec before{}, after{};
    ::clock_gettime(CLOCK_REALTIME, &before);
    receive();
    ::clock_gettime(CLOCK_REALTIME, &after);
    ASSERT_EQ(arrivals_.stamps.size(), 1u);
    EXPECT_EQ(arrivals_.stamps[0].datagrams, 1u);
    EXPECT_GE(arrivals_.stamps[0].when, (WallTime{before.tv_sec, static_cast<std::uint32_t>(before.tv_nsec)}));
    EXPECT_LE(arrivals_.stamps[0].when, (WallTime{after.tv_sec, static_cast<std::uint32_t>(after.tv_nsec)}));
    ASSERT_TRUE(set_timestamps(binding_, false).ok());
    receive();
    EXPECT_TRUE(arrivals_.stamps.empty());
    arrivals_.clear();
  }
}

TEST_P(LoopTest, EmptyDatagramArrivesEmpty) {
  open();
  open_sockets();
  PlainSocket sender;
  for (const char* text : {"before", "", "", "after"}) ASSERT_TRUE(sender.send_to(self(), text));
  ASSERT_TRUE(wait_until([&] { return arrivals_.from_network.size() == 4; }));
  EXPECT_EQ(text(arrivals_.from_network[0].packet), "before");
  EXPECT_EQ(arrivals_.from_network[1].packet.size(), 0u);
  EXPECT_EQ(arrivals_.from_network[2].packet.size(), 0u);
  EXPECT_EQ(text(arrivals_.from_network[3].packet), "after");
}

TEST_P(LoopTest, TruncatedDatagramIsCountedAndDropped) {
  open(64, 1024);
  open_sockets();
  PlainSocket sender;
  ASSERT_TRUE(sender.send_to(self(), std::string(1100, 'x')));
  ASSERT_TRUE(sender.send_to(self(), "whole"));
  ASSERT_TRUE(wait_until([&] { return !arrivals_.from_network.empty(); }));
  EXPECT_EQ(arrivals_.truncated_datagrams, 1u);
  ASSERT_EQ(arrivals_.from_network.size(), 1u);
  EXPECT_EQ(text(arrivals_.from_network[0].packet), "whole");
}

TEST_P(LoopTest, LargestUdpPayloadGoesBothWays) {
  open(16, 66'000);
  open_sockets();
  std::string largest(65'507, 'x');
  for (std::size_t i = 0; i < largest.size(); ++i) largest[i] = static_cast<char>(i * 31 >> 3);
  send(datagram(largest, self()));
  ASSERT_TRUE(wait_until([&] { return !arrivals_.from_network.empty(); }));
  EXPECT_EQ(text(arrivals_.from_network[0].packet), largest);
}

TEST_P(LoopTest, SendFailureNamesTheDatagram) {
  open(16, 70'000);
  open_sockets();
  send(datagram("fine", self(), 1));
  send(datagram(std::string(65'508, 'x'), self(), 0xfeed));
  send(datagram("nowhere", Endpoint{}, 3));
  ASSERT_TRUE(wait_until([&] { return arrivals_.send_failures.size() == 2 && arrivals_.from_network.size() == 1; }));
  for (const SendFailure& failure : arrivals_.send_failures) {
    if (failure.tag == 3) {
      EXPECT_EQ(failure.error, EAFNOSUPPORT);
      EXPECT_EQ(failure.size, 7u);
    } else {
      EXPECT_EQ(failure.tag, 0xfeedu);
      EXPECT_EQ(failure.error, EMSGSIZE);
      EXPECT_EQ(failure.size, 65'508u);
    }
  }
  EXPECT_EQ(text(arrivals_.from_network[0].packet), "fine");
}

TEST_P(LoopTest, SendsMoreThanItsQueueHolds) {
  open(2048);
  open_sockets();
  PlainSocket receiver;
  const int large = 8 << 20;
  ::setsockopt(receiver.socket.get(), SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
  std::vector<Datagram> batch;
  for (int i = 0; i < 1000; ++i) batch.push_back(datagram(std::to_string(i), receiver.endpoint()));
  loop_->send(batch);
  loop_->wait(0s, arrivals_);
  EXPECT_EQ(loop_->in_flight(), 0u);
  for (int i = 0; i < 1000; ++i) {
    const auto received = receiver.receive();
    ASSERT_TRUE(received.has_value());
    ASSERT_EQ(received->text, std::to_string(i));
  }
  EXPECT_TRUE(arrivals_.send_failures.empty());
}

TEST_P(LoopTest, StickySourceIsUsedAndFallsOverWhenItIsGone) {
  open();
  open_sockets();
  PlainSocket receiver;
  Datagram sticky = datagram("sticky", receiver.endpoint(), 1);
  sticky.local.address = IpAddress::v4(127, 0, 0, 2);
  sticky.local.interface_index = 4711;  // an interface that is gone does not matter: the address decides
  send(std::move(sticky));
  loop_->wait(0s, arrivals_);
  auto received = receiver.receive();
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->from.address, IpAddress::v4(127, 0, 0, 2));
  EXPECT_TRUE(arrivals_.stale_sources.empty());

  Datagram moved = datagram("moved", receiver.endpoint(), 2);
  moved.local.address = IpAddress::v4(192, 0, 2, 77);  // TEST-NET-1, RFC 5737: not ours
  send(std::move(moved));
  loop_->wait(0s, arrivals_);
  received = receiver.receive();
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->text, "moved");
  EXPECT_EQ(received->from.address, IpAddress::v4(127, 0, 0, 1));
  EXPECT_TRUE(arrivals_.send_failures.empty());
  EXPECT_EQ(arrivals_.stale_sources, std::vector<std::uint64_t>{2});

  Datagram hopeless = datagram(std::string(10, 'x'), {IpAddress::v4(255, 255, 255, 255), 9, 0}, 3);
  hopeless.local.address = IpAddress::v4(192, 0, 2, 77);
  send(std::move(hopeless));
  loop_->wait(0s, arrivals_);
  ASSERT_EQ(arrivals_.send_failures.size(), 1u);  // the second attempt is refused as well: broadcast without SO_BROADCAST
  EXPECT_EQ(arrivals_.send_failures[0].tag, 3u);
}

TEST_P(LoopTest, TrafficClassGoesBothWays) {
  open();
  open_sockets();
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    if (family == Family::kIpv6 && !binding_.workers[0].v6) continue;
    for (const std::uint8_t traffic_class : std::initializer_list<std::uint8_t>{0x00, 0x88, 0x8b, 0x03, 0xff}) {
      arrivals_.clear();
      Datagram marked = datagram("x", self(family));
      marked.traffic_class = traffic_class;
      send(std::move(marked));
      ASSERT_TRUE(wait_until([&] { return !arrivals_.from_network.empty(); }));
      EXPECT_EQ(arrivals_.from_network[0].traffic_class, traffic_class);
    }
  }
}

TEST_P(LoopTest, ReplacingSocketsUnderTrafficKeepsWhatArrived) {
  open(4096, 2048, 128);
  open_sockets();
  PlainSocket sender;
  std::size_t sent = 0, received = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 10; ++i, ++sent) ASSERT_TRUE(sender.send_to(self(), std::to_string(sent)));
    // What is on its way stays in the socket, so that the same socket set again must bring all of it.
    if (round % 2 == 0) loop_->wait(0s, arrivals_);
    loop_->set_sockets(-1, -1);
    loop_->set_sockets(binding_.workers[0].v4.get(), binding_.workers[0].v6.get());
    if (round % 16 == 0) {
      auto next = bind_udp(0, 0, 1, {});
      ASSERT_TRUE(next.ok());
      ASSERT_TRUE(wait_until([&] { return received + arrivals_.from_network.size() == sent; }));
      loop_->set_sockets(next->workers[0].v4.get(), next->workers[0].v6.get());
      binding_ = std::move(*next);  // closes the old ones
    }
    for (const Datagram& arrived : arrivals_.from_network) ASSERT_EQ(text(arrived.packet), std::to_string(received++));
    arrivals_.clear();
  }
  ASSERT_TRUE(wait_until([&] { return received + arrivals_.from_network.size() == sent; }));
}

// ---- device

TEST_P(LoopTest, DevicePacketsKeepOrderAndRoomBothWays) {
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    open();
    SocketPair device(type);
    loop_->set_device(device.ours.get(), device.ours.get());
    for (int i = 0; i < 10'000;) {
      arrivals_.clear();
      const int end = i + 8;
      for (int j = i; j < end; ++j) {
        const std::string name = std::to_string(j);
        ASSERT_EQ(::send(device.other.get(), name.data(), name.size(), 0), static_cast<ssize_t>(name.size()));
        write(packet(name));
      }
      ASSERT_TRUE(wait_until([&] { return arrivals_.from_device.size() == 8; }));
      ASSERT_EQ(arrivals_.write_failures, 0u);
      for (const Packet& arrived : arrivals_.from_device) {
        char buffer[16];
        const ssize_t length = ::recv(device.other.get(), buffer, sizeof buffer, 0);
        ASSERT_EQ(std::string(buffer, static_cast<std::size_t>(std::max<ssize_t>(length, 0))), std::to_string(i));
        ASSERT_EQ(text(arrived), std::to_string(i++));
        ASSERT_EQ(arrived.headroom(), kDeviceHeadroom);
        ASSERT_GE(arrived.tailroom(), kDeviceTailroom);
      }
    }
    arrivals_.clear();
    loop_.reset();
  }
}

TEST_P(LoopTest, DevicePacketThatFitsExactlyArrivesAndALongerOneIsCounted) {
  open(64, 1024);
  SocketPair device;
  loop_->set_device(device.ours.get(), device.ours.get());
  const std::size_t longest = 1024 - kDeviceHeadroom - kDeviceTailroom;
  const std::string fits(longest, 'a'), too_long(longest + 1, 'b'), empty;
  for (const std::string* each : {&fits, &too_long, &empty, &fits}) ASSERT_GE(::send(device.other.get(), each->data(), each->size(), 0), 0);
  ASSERT_TRUE(wait_until([&] { return arrivals_.from_device.size() == 3; }));
  EXPECT_EQ(text(arrivals_.from_device[0]), fits);
  EXPECT_EQ(arrivals_.from_device[1].size(), 0u);
  EXPECT_EQ(text(arrivals_.from_device[2]), fits);
  EXPECT_EQ(arrivals_.truncated_device_packets, 1u);
}

TEST_P(LoopTest, RefusedWritesAreCounted) {
  open(2048);
  SocketPair device;
  loop_->set_device(device.ours.get(), device.ours.get());
  for (int i = 0; i < 1000; ++i) write(packet("until the socket is full"));
  loop_->wait(0s, arrivals_);
  EXPECT_EQ(loop_->in_flight(), 0u);
  const auto refused = arrivals_.write_failures;
  EXPECT_GT(refused, 0u);
  std::size_t passed = 0;
  char buffer[64];
  while (::recv(device.other.get(), buffer, sizeof buffer, MSG_DONTWAIT) > 0) ++passed;
  EXPECT_EQ(passed + refused, 1000u);
}

TEST_P(LoopTest, ClosedPeerMeansGoneOnceAndOnlyWhereItIsConnected) {
  open();
  SocketPair device(SOCK_SEQPACKET);
  loop_->set_device(device.ours.get(), device.ours.get());
  ASSERT_EQ(::send(device.other.get(), "last", 4, 0), 4);
  device.other.reset();
  ASSERT_TRUE(wait_until([&] { return arrivals_.device_gone; }));
  ASSERT_EQ(arrivals_.from_device.size(), 1u);
  arrivals_.clear();
  const auto used = processor_time();
  loop_->wait(200ms, arrivals_);
  EXPECT_FALSE(arrivals_.device_gone);
  EXPECT_LT(processor_time() - used, 50ms);

  SocketPair unconnected(SOCK_DGRAM);
  loop_->set_device(unconnected.ours.get(), unconnected.ours.get());
  unconnected.other.reset();
  const auto before = processor_time();
  loop_->wait(200ms, arrivals_);
  EXPECT_LT(processor_time() - before, 50ms);
}

TEST_P(LoopTest, ReadableDeviceThatCannotBeReadDoesNotSpin) {
  open();
  SocketPair device(SOCK_DGRAM);
  ASSERT_EQ(::shutdown(device.ours.get(), SHUT_RD), 0);
  loop_->set_device(device.ours.get(), device.ours.get());
  const auto used = processor_time();
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < 300ms) {
    arrivals_.clear();
    loop_->wait(300ms, arrivals_);
  }
  EXPECT_LT(processor_time() - used, 60ms);
}

TEST_P(LoopTest, ReplacedDeviceBringsOnlyTheNewOnesPackets) {
  open();
  SocketPair first, second;
  loop_->set_device(first.ours.get(), first.ours.get());
  loop_->wait(0s, arrivals_);
  loop_->set_device(second.ours.get(), second.ours.get());
  ASSERT_EQ(::send(first.other.get(), "old", 3, 0), 3);
  ASSERT_EQ(::send(second.other.get(), "new", 3, 0), 3);
  ASSERT_TRUE(wait_until([&] { return !arrivals_.from_device.empty(); }));
  loop_->wait(20ms, arrivals_);
  ASSERT_EQ(arrivals_.from_device.size(), 1u);
  EXPECT_EQ(text(arrivals_.from_device[0]), "new");
}

// ---- packets

TEST_P(LoopTest, StarvedReadsAreCountedOnceAndRecover) {
  open(32, 1024);
  open_sockets();
  SocketPair device;
  loop_->set_device(device.ours.get(), device.ours.get());
  PlainSocket sender;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(sender.send_to(self(), std::to_string(i)));
  for (int i = 0; i < 5; ++i) ASSERT_EQ(::send(device.other.get(), "d", 1, 0), 1);

  // Nothing is given back, so the pool runs dry; what the loop cannot read stays in the kernel.
  ASSERT_TRUE(wait_until([&] { return arrivals_.starved_socket_reads != 0; }));
  const std::size_t held = arrivals_.from_network.size() + arrivals_.from_device.size();
  EXPECT_LE(held, 32u);
  const auto used = processor_time();
  loop_->wait(300ms, arrivals_);
  loop_->wait(300ms, arrivals_);
  EXPECT_LT(processor_time() - used, 200ms);
  EXPECT_EQ(arrivals_.starved_socket_reads, 1u);
  EXPECT_LE(arrivals_.starved_device_reads, 1u);

  std::size_t next = 0, from_device = 0;
  while (next < 100 || from_device < 5) {
    for (const Datagram& arrived : arrivals_.from_network) ASSERT_EQ(text(arrived.packet), std::to_string(next++));
    from_device += arrivals_.from_device.size();
    arrivals_.clear();
    if (next == 100 && from_device == 5) break;
    ASSERT_TRUE(wait_until([&] { return !arrivals_.from_network.empty() || !arrivals_.from_device.empty(); })) << next;
  }
}

TEST_P(LoopTest, BuffersGivenBackByAnotherThreadEndAStarvation) {
  open(8, 1024);
  open_sockets();
  PlainSocket sender;
  std::vector<Packet> hoard;
  while (Packet taken = pool_->take(0)) hoard.push_back(std::move(taken));
  ASSERT_TRUE(sender.send_to(self(), "patience"));
  std::thread other([&] {
    std::this_thread::sleep_for(50ms);
    hoard.clear();
  });
  while (arrivals_.from_network.empty()) {
    const auto start = std::chrono::steady_clock::now();
    loop_->wait(5s, arrivals_);
    ASSERT_LT(std::chrono::steady_clock::now() - start, 2s);
  }
  other.join();
  EXPECT_EQ(arrivals_.starved_socket_reads, 1u);
}

TEST_P(LoopTest, EveryPacketComesHomeWhenTheLoopEndsAtWork) {
  open(256);
  open_sockets();
  SocketPair device;
  loop_->set_device(device.ours.get(), device.ours.get());
  loop_->wait(0s, arrivals_);
  PlainSocket sender;
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(sender.send_to(self(), "unread"));
    ASSERT_EQ(::send(device.other.get(), "unread", 6, 0), 6);
  }
  for (int i = 0; i < 40; ++i) send(datagram("unsent", sender.endpoint()));
  for (int i = 0; i < 5; ++i) write(packet("unwritten"));
  loop_.reset();
  arrivals_.clear();
  EXPECT_EQ(pool_->in_use(), 0u);
  // Queued means sent: the loop hands over what it has before it ends.
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(sender.receive().has_value());
}

TEST_P(LoopTest, IdleLoopHoldsNoPackets) {
  open(8, 1024, 64);
  open_sockets();
  SocketPair device;
  loop_->set_device(device.ours.get(), device.ours.get());
  loop_->wait(0s, arrivals_);
  EXPECT_EQ(pool_->in_use(), 0u);
}

TEST_P(LoopTest, WhatIsTooLongForASmallBufferComesInALargeOne) {
  pool_.emplace(64, 256);
  PacketPool large(64, 66'000);
  LoopOptions options;
  options.pool = &*pool_;
  options.large_pool = &large;
  options.plain_device_calls = GetParam().plain_device_calls;
  auto loop = GetParam().is_ring ? open_ring(options) : open_poller(options);
  ASSERT_TRUE(loop.ok()) << loop.error().message;
  loop_ = std::move(*loop);
  open_sockets();
  SocketPair device;
  loop_->set_device(device.ours.get(), device.ours.get());
  PlainSocket sender;
  const std::string longest(65'507, 'x');
  for (const auto& sent : {std::string(256, 's'), std::string(257, 'l'), longest}) ASSERT_TRUE(sender.send_to(self(), sent));
  ASSERT_EQ(::send(device.other.get(), longest.data(), 1000, 0), 1000);
  ASSERT_TRUE(wait_until([&] { return arrivals_.from_network.size() == 3 && arrivals_.from_device.size() == 1; }));
  EXPECT_EQ(text(arrivals_.from_network[0].packet), std::string(256, 's'));
  EXPECT_EQ(text(arrivals_.from_network[1].packet), std::string(257, 'l'));
  EXPECT_EQ(text(arrivals_.from_network[2].packet), longest);
  EXPECT_EQ(text(arrivals_.from_device[0]), longest.substr(0, 1000));
  EXPECT_EQ(pool_->in_use(), 1u);
  EXPECT_EQ(large.in_use(), 3u);
  arrivals_.clear();
  loop_.reset();
}

// ---- options

TEST(LoopOptionsTest, BuffersWithoutRoomAreRefused) {
  PacketPool pool(8, 128);
  LoopOptions options;
  EXPECT_EQ(open_poller(options).error().code, EINVAL);
  EXPECT_EQ(open_ring(options).error().code, EINVAL);
  options.pool = &pool;
  EXPECT_TRUE(open_ring(options).ok());
  PacketPool reads(8, kReceiveBuffer - 1);
  options.read_pool = &reads;
  EXPECT_EQ(open_ring(options).error().code, EINVAL);
  EXPECT_EQ(open_poller(options).error().code, EINVAL);
  options.read_pool = nullptr;
  options.device_headroom = 100;
  options.device_tailroom = 28;
  EXPECT_EQ(open_poller(options).error().code, EINVAL);
}

}  // namespace
}  // namespace wgu::io
