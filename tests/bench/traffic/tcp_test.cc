#include "bench/traffic/tcp.h"

#include <cerrno>
#include <numeric>

#include "bench/traffic/loopback.h"

namespace wgu::bench {
namespace {

struct Listener {
  io::FileDescriptor fd = open_tcp_listener(Endpoint{kLoopback}).value();
  Endpoint address = local_endpoint(fd.get()).value();
};

TEST(Tcp, EveryByteOfEveryStreamArrives) {
  for (const unsigned streams : {1U, 4U}) {
    const Listener listener;
    TcpReceived received{};
    Alongside sink([&] { received = receive_tcp(listener.fd.get(), {.streams = streams, .interval = 10 * kMillisecond}).value(); });
    const TcpSent sent = send_tcp(listener.address, {.streams = streams, .duration = 100 * kMillisecond}).value();
    sink.join();
    EXPECT_GT(sent.bytes, 1'000'000U);
    EXPECT_EQ(received.bytes, sent.bytes);
    EXPECT_EQ(received.accepted, streams);
    EXPECT_EQ(received.ended, streams);
    EXPECT_EQ(std::accumulate(received.by_time.counts.begin(), received.by_time.counts.end(), std::uint64_t{0}), received.bytes);
    EXPECT_GT(sent.segments, 0U);
    EXPECT_GT(sent.congestion_window, 0U);
    EXPECT_GT(sent.time.wall, 99 * kMillisecond);
    EXPECT_GT(received.time.wall, 0);
  }
}

TEST(Tcp, SinkStopsWhenTold) {
  const Listener listener;
  StopEvent stop;
  TcpReceived received{};
  Alongside sink([&] { received = receive_tcp(listener.fd.get(), {.streams = 2}, StopSignal(stop.fd.get())).value(); });
  const auto stream = connect_tcp(listener.address, kSecond).value();  // the second never comes
  ASSERT_EQ(::send(stream.get(), "12345", 5, 0), 5);
  StopSignal never;
  sleep_until(monotonic_now() + 50 * kMillisecond, -1, 0, never);
  stop.set();
  sink.join();
  EXPECT_TRUE(received.was_stopped);
  EXPECT_EQ(received.accepted, 1U);
  EXPECT_EQ(received.bytes, 5U);
}

TEST(Tcp, SinkEndsAtItsBound) {
  const Listener listener;
  const TcpReceived received = receive_tcp(listener.fd.get(), {.duration = 20 * kMillisecond}).value();
  EXPECT_EQ(received.accepted, 0U);
  EXPECT_FALSE(received.was_stopped);
}

// A sink that does not read fills the socket: the sender waits, and still ends when told.
TEST(Tcp, SenderStopsWhenTold) {
  const Listener listener;
  StopEvent stop;
  Alongside stopper([&] {
    StopSignal never;
    sleep_until(monotonic_now() + 30 * kMillisecond, -1, 0, never);
    stop.set();
  });
  const std::int64_t begin = monotonic_now();
  const TcpSent sent = send_tcp(listener.address, {.duration = 60 * kSecond}, StopSignal(stop.fd.get())).value();
  EXPECT_TRUE(sent.was_stopped);
  EXPECT_LT(monotonic_now() - begin, 30 * kSecond);
}

TEST(Tcp, SaysThatNobodyListens) {
  Listener listener;
  listener.fd.reset();
  EXPECT_EQ(send_tcp(listener.address, {}).error().code, ECONNREFUSED);
}

TEST(Tcp, RefusesSenselessOptions) {
  const Listener listener;
  EXPECT_EQ(send_tcp(listener.address, {.streams = 0}).error().code, EINVAL);
  EXPECT_EQ(send_tcp(listener.address, {.streams = 257}).error().code, EINVAL);
  EXPECT_EQ(receive_tcp(listener.fd.get(), {.interval = 0}).error().code, EINVAL);
  EXPECT_EQ(receive_tcp(listener.fd.get(), {.duration = 1025 * kSecond, .interval = kSecond}).error().code, EINVAL);
}

TEST(TcpReceived, AStallIsPartOfTheRate) {
  TcpReceived received;
  received.by_time.begin = 1000;
  received.by_time.length = 100;
  received.by_time.counts[0] = received.by_time.counts[1] = 50;
  EXPECT_DOUBLE_EQ(received.rate(1000, 1200), 5e8);
  EXPECT_DOUBLE_EQ(received.rate(1000, 2000), 1e8) << "nothing came after the second interval";
  EXPECT_DOUBLE_EQ(received.rate(200, 1200), 1e8) << "nothing came before the first";
  EXPECT_DOUBLE_EQ(received.rate(200, 900), 0);
}

TEST(TcpReceived, RateTakesWholeIntervalsOnly) {
  TcpReceived received;
  received.by_time.begin = 1000;
  received.by_time.length = 100;
  for (std::size_t i = 0; i < 5; ++i) received.by_time.counts[i] = (i + 1) * 10;  // 10 20 30 40 50
  // Bytes in 100 ns: 10 are 10^8 a second.
  EXPECT_DOUBLE_EQ(received.rate(1000, 1450), 25e7);  // (10+20+30+40) / 400 ns
  EXPECT_DOUBLE_EQ(received.rate(1100, 1300), 25e7);  // 20, 30
  EXPECT_DOUBLE_EQ(received.rate(1001, 1399), 25e7);  // the same: what is cut does not count
  EXPECT_DOUBLE_EQ(received.rate(1300, 1350), 0);
  EXPECT_DOUBLE_EQ(TcpReceived().rate(0, 1000), 0);
}

}  // namespace
}  // namespace wgu::bench
