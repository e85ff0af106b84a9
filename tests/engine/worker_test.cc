// What a worker that has come to a halt may take from the others: no more than was for it.
#include "engine/worker.h"

#include <gtest/gtest.h>
#include <netinet/udp.h>

#include "engine/workers_fixture.h"

namespace wgu::engine {
namespace {

using tunnel::ip;

constexpr std::uint64_t kTrains = 300;  // of two datagrams; a worker has 96 buffers for trains

class HaltedWorker : public testing::TestWithParam<IoBackend> {
 protected:
  // Worker 1 is at a halt, and `socket_` is one that worker 0 hears. False: there is no io_uring.
  [[nodiscard]] bool starts(Workers::Setup setup) {
    setup.io = GetParam();
    if (const Result<void> started = workers_.start(setup); !started) {
      EXPECT_EQ(GetParam(), IoBackend::kUring) << started.error().message;
      return false;
    }
    workers_.set_up();
    // The kernel spreads senders over the sockets.
    while (heard_ == 0) {
      socket_ = io::FileDescriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      const auto heard_by_any = [&] {
        std::uint64_t sum = 0;
        for (unsigned worker = 0; worker < setup.workers; ++worker) sum += heard(worker);
        return sum;
      };
      const std::uint64_t before = heard_by_any();
      shout(Bytes(1));
      if (!Workers::until([&] { return heard_by_any() != before; })) {
        ADD_FAILURE() << "nobody hears";
        break;
      }
      heard_ = heard(0);
    }
    workers_.halt({}, 1);
    return true;
  }
  std::uint64_t heard(unsigned worker) { return workers_.counters(worker).datagrams_received; }

  void shout(const Bytes& bytes) {
    sockaddr_storage to;
    const socklen_t length = io::encode_address(workers_.at(), to);
    ASSERT_EQ(sendto(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to), length),
              static_cast<ssize_t>(bytes.size()));
  }
  // Data messages, as far as where they belong tells.
  static Bytes data_for(std::uint8_t worker, std::size_t messages, std::size_t size) {
    Bytes all(messages * size);
    for (std::size_t at = 0; at < all.size(); at += size) {
      all[at] = 4;
      all[at + noise::Data::kReceiver] = worker;
    }
    return all;
  }

  Workers workers_;
  io::FileDescriptor socket_;
  std::uint64_t heard_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Backends, HaltedWorker, testing::Values(IoBackend::kUring, IoBackend::kEpoll),
                         [](const auto& row) { return row.param == IoBackend::kUring ? "io_uring" : "epoll"; });

TEST_P(HaltedWorker, DoesNotKeepTheBuffersThatTrainsAreReceivedInto) {
  if (!starts({.workers = 2, .receives_trains = true})) GTEST_SKIP() << "no io_uring";
  std::uint64_t trains = 0;
  for (const int segment : {40, 3000}) {  // bytes; the larger ones find room in large buffers only
    ASSERT_EQ(setsockopt(socket_.get(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
    for (std::uint64_t i = 0; i < kTrains / 2; ++i) {
      shout(data_for(1, 2, static_cast<std::size_t>(segment)));
      ++trains;
      ASSERT_TRUE(workers_.reaches(&Counters::datagrams_received, heard_ + 2 * trains)) << "train " << trains;
    }
  }
  const Counters counters = workers_.counters();
  EXPECT_EQ(counters.trains_received, kTrains);
  EXPECT_EQ(counters.socket_reads_starved, 0U);
  EXPECT_EQ(counters.inbound_forwarded, 2 * kTrains) << "none of them is lost either";
  workers_.resume();
  EXPECT_TRUE(workers_.reaches(&Counters::inbound_adopted, 2 * kTrains, 1));
  EXPECT_EQ(workers_.counters(1).dropped(Drop::kInUnknownIndex), 2 * kTrains) << "whole: no session has that index";
}

TEST_P(HaltedWorker, DoesNotKeepMoreThanAThirdOfAnothersBuffers) {
  if (!starts({.workers = 2, .buffers = 96})) GTEST_SKIP() << "no io_uring";
  for (std::uint64_t i = 1; i <= 200; ++i) {
    shout(data_for(1, 1, 40));
    ASSERT_TRUE(workers_.reaches(&Counters::datagrams_received, heard_ + i)) << "datagram " << i;
  }
  Counters counters = workers_.counters();
  EXPECT_EQ(counters.socket_reads_starved, 0U);
  EXPECT_EQ(counters.inbound_forwarded, 32U);
  EXPECT_EQ(counters.dropped(Drop::kInMailboxFull), 168U);
  workers_.resume();
  EXPECT_TRUE(workers_.reaches(&Counters::inbound_adopted, 32, 1));
}

TEST_P(HaltedWorker, TakesNoRoomFromOneWhoReadsHisMail) {
  if (!starts({.workers = 3, .buffers = 96})) GTEST_SKIP() << "no io_uring";
  for (std::uint64_t i = 1; i <= 100; ++i) {
    shout(data_for(1, 1, 40));
    ASSERT_TRUE(workers_.reaches(&Counters::datagrams_received, heard_ + i, 0)) << "datagram " << i;
  }
  EXPECT_EQ(workers_.counters(0).inbound_forwarded, 16U) << "a third of 96 for both";
  for (std::uint64_t i = 1; i <= 100; ++i) {
    shout(data_for(2, 1, 40));
    ASSERT_TRUE(workers_.reaches(&Counters::inbound_adopted, i, 2)) << "datagram " << i;
  }
  EXPECT_EQ(workers_.counters(0).inbound_forwarded, 116U);
  workers_.resume();
  EXPECT_TRUE(workers_.reaches(&Counters::inbound_adopted, 16, 1));
}

TEST_P(HaltedWorker, DoesNotKeepThoseForTheDeviceEither) {
  if (!starts({.workers = 2, .buffers = 96})) GTEST_SKIP() << "no io_uring";
  workers_.resume();
  workers_.add_peer(tunnel::key_of("at home").public_key(), "10.0.0.3/32");
  workers_.add_peer(tunnel::key_of("elsewhere").public_key(), "10.0.0.2/32");
  workers_.halt({}, 1);
  for (std::uint64_t i = 1; i <= 200; ++i) {
    workers_.write(tunnel::inner_packet(ip("10.0.0.1"), ip("10.0.0.2"), 100));
    ASSERT_TRUE(workers_.reaches(&Counters::device_packets_received, i)) << "packet " << i;
  }
  const Counters counters = workers_.counters();
  EXPECT_EQ(counters.device_reads_starved, 0U);
  EXPECT_EQ(counters.outbound_forwarded, 32U);
  EXPECT_EQ(counters.dropped(Drop::kOutMailboxFull), 168U);
  workers_.resume();
}

}  // namespace
}  // namespace wgu::engine
