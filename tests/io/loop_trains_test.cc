// Several datagrams in one send or receive, on real sockets. What goes together is train_test.cc's subject.

#include <netinet/udp.h>

#include <chrono>
#include <thread>

#include "io/intake.h"
#include "io/loop_fixture.h"

namespace wgu::io {
namespace {

using namespace std::chrono_literals;

class TrainLoopTest : public LoopTest {
 protected:
  // A loop whose sockets receive trains, and somebody who sends it some: "abcd", a hundred bytes each.
  void open_for_trains(LoopOptions options) {
    pool_.emplace(1024, 2048);
    options.pool = &*pool_;
    options.plain_device_calls = GetParam().plain_device_calls;
    auto loop = GetParam().is_ring ? open_ring(options) : open_poller(options);
    ASSERT_TRUE(loop.ok()) << loop.error().message;
    loop_ = std::move(*loop);
    auto binding = bind_udp(0, 0, 1, {}, /*coalesce=*/true);
    ASSERT_TRUE(binding.ok()) << binding.error().message;
    binding_ = std::move(*binding);
    loop_->set_sockets(binding_.workers[0].v4.get(), binding_.workers[0].v6.get());
    ASSERT_EQ(::setsockopt(sender_.socket.get(), SOL_UDP, UDP_SEGMENT, &kSegment, sizeof kSegment), 0);
  }
  void send_trains(int count) {
    std::string train;
    for (char letter = 'a'; letter < 'e'; ++letter) train.append(kSegment, letter);
    for (int i = 0; i < count; ++i) ASSERT_TRUE(sender_.send_to(self(), train));
  }
  static char letter_of(const Datagram& datagram) {
    const char letter = text(datagram.packet)[0];
    EXPECT_EQ(text(datagram.packet), std::string(kSegment, letter));
    return letter;
  }

  static constexpr int kSegment = 100;
  PlainSocket sender_;
};

INSTANTIATE_TEST_SUITE_P(Backends, TrainLoopTest, ::testing::ValuesIn(kBackends),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(TrainLoopTest, TrainsArriveDatagramByDatagram) {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    open();
    auto binding = bind_udp(0, 0, 1, {}, /*coalesce=*/true);
    ASSERT_TRUE(binding.ok()) << binding.error().message;
    binding_ = std::move(*binding);
    if (family == Family::kIpv6 && !binding_.workers[0].v6) continue;
    loop_->set_sockets(binding_.workers[0].v4.get(), binding_.workers[0].v6.get());
    // 150 alike are three trains; the short one ends the third, and what follows is of another size.
    std::vector<std::string> texts;
    for (int i = 0; i < 150; ++i) texts.push_back(std::to_string(1000 + i) + std::string(1200, 'x'));
    texts.push_back("short");
    texts.push_back(std::string(700, 'y'));
    texts.push_back(std::string(701, 'z'));
    std::vector<Datagram> batch;
    for (const std::string& each : texts) {
      batch.push_back(datagram(each, self(family)));
      batch.back().traffic_class = 0x02;
    }
    loop_->send(batch);
    arrivals_.clear();
    ASSERT_TRUE(wait_until([&] { return arrivals_.from_network.size() == texts.size(); })) << arrivals_.from_network.size();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ASSERT_EQ(text(arrivals_.from_network[i].packet), texts[i]) << i;
      ASSERT_EQ(arrivals_.from_network[i].remote, self(family));
      ASSERT_EQ(arrivals_.from_network[i].local.address, loopback(family));
      ASSERT_EQ(arrivals_.from_network[i].traffic_class, 0x02);
    }
    EXPECT_TRUE(arrivals_.send_failures.empty());
    EXPECT_EQ(arrivals_.refused_trains, 0u);
    arrivals_.clear();
  }
}

// The reads' buffers come back when the last packet of a train is gone; while none is left, what arrives stays in the kernel.
TEST_P(TrainLoopTest, TrainsStayInTheirReadBuffersUntilTheLastPacketIsGone) {
  PacketPool reads(2, kReceiveBuffer);
  open_for_trains({.read_pool = &reads});
  send_trains(5);
  ASSERT_TRUE(wait_until([&] { return arrivals_.from_network.size() >= 8; }));
  if (arrivals_.trains_received == 0) GTEST_SKIP() << "this kernel hands trains over in single datagrams here";
  for (int i = 0; i < 3; ++i) loop_->wait(20ms, arrivals_);
  ASSERT_EQ(arrivals_.from_network.size(), 8u) << "two buffers hold two trains";
  EXPECT_EQ(arrivals_.starved_socket_reads, 1u);
  std::string seen;
  while (seen.size() < 20) {
    ASSERT_FALSE(arrivals_.from_network.empty());
    for (Datagram& datagram : arrivals_.from_network) {
      seen += letter_of(datagram);
      datagram.packet = Packet();
    }
    arrivals_.clear();
    ASSERT_TRUE(wait_until([&] { return seen.size() == 20 || !arrivals_.from_network.empty(); }));
  }
  EXPECT_EQ(seen, "abcdabcdabcdabcdabcd");
  arrivals_.clear();
  loop_.reset();
  EXPECT_EQ(reads.in_use() + pool_->in_use(), 0u);
}

// Without a read_pool all is copied: what a loop received outlives it, and holds none of its buffers.
TEST_P(TrainLoopTest, WithoutAReadPoolTrainsOutliveTheLoop) {
  constexpr int kTrains = 12;
  open_for_trains({.max_batch = 4});  // with four buffers in all
  send_trains(kTrains);
  ASSERT_TRUE(wait_until([&] { return arrivals_.from_network.size() == 4 * kTrains; }))
      << arrivals_.from_network.size() << ": packets that are kept hold up what comes";
  EXPECT_EQ(arrivals_.starved_socket_reads, 0u);
  loop_.reset();
  std::string seen;
  for (const Datagram& datagram : arrivals_.from_network) seen += letter_of(datagram);
  for (std::size_t i = 0; i < kTrains; ++i) EXPECT_EQ(seen.substr(4 * i, 4), "abcd");
}

TEST_P(TrainLoopTest, RefusedTrainLeavesDatagramByDatagram) {
  open();
  open_sockets();
  // Without checksums the kernel sends datagrams but no trains (EINVAL, udp_send_skb).
  const int one = 1;
  ASSERT_EQ(::setsockopt(binding_.workers[0].v4.get(), SOL_SOCKET, SO_NO_CHECK, &one, sizeof one), 0);
  PlainSocket receiver;
  for (int round = 0; round < 3; ++round) {
    std::vector<Datagram> batch;
    for (int i = 0; i < 30; ++i) batch.push_back(datagram(std::to_string(100 + i), receiver.endpoint()));
    loop_->send(batch);
    loop_->wait(0s, arrivals_);
    for (int i = 0; i < 30; ++i) {
      const auto received = receiver.receive();
      ASSERT_TRUE(received.has_value());
      ASSERT_EQ(received->text, std::to_string(100 + i));
    }
  }
  EXPECT_TRUE(arrivals_.send_failures.empty());
  EXPECT_EQ(arrivals_.refused_trains, 1u) << "the destination is remembered";
}

// What follows a train on trial waits for its end, so that nothing overtakes what has to be sent again.
TEST_P(TrainLoopTest, ATrainOnTrialIsNotOvertaken) {
  pool_.emplace(1024, 2048);
  LoopOptions options;
  options.pool = &*pool_;
  options.train_pause = Duration::zero();
  options.plain_device_calls = GetParam().plain_device_calls;
  auto loop = GetParam().is_ring ? open_ring(options) : open_poller(options);
  ASSERT_TRUE(loop.ok()) << loop.error().message;
  loop_ = std::move(*loop);
  open_sockets();
  const int one = 1;
  ASSERT_EQ(::setsockopt(binding_.workers[0].v4.get(), SOL_SOCKET, SO_NO_CHECK, &one, sizeof one), 0);
  PlainSocket receiver;
  // Trains of two, and after each a datagram that is longer and so leaves alone.
  const auto send_trains = [&] {
    std::vector<Datagram> batch;
    for (int i = 0; i < 30; ++i)
      batch.push_back(
          datagram(std::to_string(100 + i) + std::string(static_cast<std::size_t>(1 + i / 3 * 2 + i % 3 / 2), 'x'), receiver.endpoint()));
    loop_->send(batch);
    loop_->wait(0s, arrivals_);
    std::vector<std::string> seen;
    for (int i = 0; i < 30; ++i) {
      const auto received = receiver.receive();
      if (received) seen.push_back(received->text.substr(0, 3));
    }
    return seen;
  };
  send_trains();  // refused, in an order that nobody promises
  EXPECT_GE(arrivals_.refused_trains, 1u);
  std::vector<std::string> in_order;
  for (int i = 0; i < 30; ++i) in_order.push_back(std::to_string(100 + i));
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(send_trains(), in_order);
    EXPECT_GE(arrivals_.refused_trains, 1u) << "on trial again";
    arrivals_.clear();
  }
  int zero = 0;
  ASSERT_EQ(::setsockopt(binding_.workers[0].v4.get(), SOL_SOCKET, SO_NO_CHECK, &zero, sizeof zero), 0);
  EXPECT_EQ(send_trains(), in_order);
  EXPECT_EQ(arrivals_.trains_sent, 10u);
  EXPECT_EQ(arrivals_.refused_trains, 0u);
}

TEST_P(TrainLoopTest, RefusedTrainDoesNotWaitForAnotherEvent) {
  open();
  open_sockets();
  const int one = 1;
  ASSERT_EQ(::setsockopt(binding_.workers[0].v4.get(), SOL_SOCKET, SO_NO_CHECK, &one, sizeof one), 0);
  PlainSocket receiver;
  std::vector<Datagram> batch;
  for (int i = 0; i < 5; ++i) batch.push_back(datagram(std::to_string(100 + i), receiver.endpoint()));
  loop_->wait(0s, arrivals_);
  loop_->send(batch);
  const auto before = std::chrono::steady_clock::now();
  auto after = before;
  std::thread reader([&] {
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(receiver.receive().has_value());
    after = std::chrono::steady_clock::now();
  });
  loop_->wait(1s, arrivals_);
  reader.join();
  EXPECT_LT(after - before, 500ms);
}

TEST_P(TrainLoopTest, PacketsWithoutABufferAreCounted) {
  open(32, 2048);
  auto binding = bind_udp(0, 0, 1, {}, /*coalesce=*/true);
  ASSERT_TRUE(binding.ok()) << binding.error().message;
  binding_ = std::move(*binding);
  loop_->set_sockets(binding_.workers[0].v4.get(), binding_.workers[0].v6.get());
  PlainSocket sender;
  const int segment = 100;
  ASSERT_EQ(::setsockopt(sender.socket.get(), SOL_UDP, UDP_SEGMENT, &segment, sizeof(int)), 0);
  ASSERT_TRUE(sender.send_to(self(), std::string(60 * 100, 'x')));  // one train, more than the pool holds
  ASSERT_TRUE(wait_until([&] { return !arrivals_.from_network.empty(); }));
  EXPECT_EQ(arrivals_.from_network.size(), 32u);
  EXPECT_EQ(arrivals_.unplaced_datagrams, 28u);
}

}  // namespace
}  // namespace wgu::io
