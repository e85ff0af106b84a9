#include "bench/traffic/udp_sink.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include <atomic>
#include <random>

#include "bench/traffic/loopback.h"

namespace wgu::bench {
namespace {

constexpr std::uint32_t kRun = 99;

// Everything that is already in the socket, and then no more.
UdpReceived receive_waiting(const UdpPair& pair, UdpSinkOptions options = {}) {
  options.run = kRun;
  options.duration = 1;  // ns: draining begins at once
  options.drain = 5 * kMillisecond;
  return receive_udp(pair.sink.get(), options).value();
}

void sleep_briefly() {
  StopSignal never;
  sleep_until(monotonic_now() + kMillisecond, -1, 0, never);
}

TEST(UdpSink, CountsLostDuplicatedAndReordered) {
  const UdpPair pair;
  for (const std::uint64_t sequence : {0, 1, 3, 2, 2, 7, 5, 0}) pair.send({kRun, sequence, monotonic_now()}, 100);  // 4 and 6 never come
  const UdpReceived received = receive_waiting(pair);
  EXPECT_EQ(received.received, 6U);
  EXPECT_EQ(received.bytes, 600U);
  EXPECT_EQ(received.duplicates, 2U);
  EXPECT_EQ(received.reordered, 2U);  // 2 after 3, 5 after 7
  EXPECT_EQ(received.lost(8), 2U);
  EXPECT_EQ(received.foreign, 0U);
  EXPECT_EQ(received.overflowed, 0U);
}

TEST(UdpSink, MeasuresFromTheIntendedTime) {
  const UdpPair pair;
  pair.send({kRun, 0, monotonic_now() - 50 * kMillisecond});  // a sender that stalled must not hide it
  pair.send({kRun, 1, monotonic_now()});
  const UdpReceived received = receive_waiting(pair);
  ASSERT_EQ(received.latency.count(), 2U);
  EXPECT_GE(received.latency.max(), 50UL * kMillisecond);
  EXPECT_LT(received.latency.min(), 50UL * kMillisecond);
  EXPECT_GE(received.last, received.first);
}

TEST(UdpSink, CountsByIntendedTime) {
  const UdpPair pair;
  const std::int64_t begin = monotonic_now();
  const std::int64_t offsets[] = {-1, 0, 9, 10, 25, 29, 5'000'000};  // ms
  std::uint64_t sequence = 0;
  for (const std::int64_t offset : offsets) pair.send({kRun, sequence++, begin + offset * kMillisecond});
  const UdpReceived received = receive_waiting(pair, {.begin = begin, .interval = 10 * kMillisecond});
  EXPECT_EQ(received.by_time.counts[0], 3U);
  EXPECT_EQ(received.by_time.counts[1], 1U);
  EXPECT_EQ(received.by_time.counts[2], 2U);
  EXPECT_EQ(received.by_time.counts[Intervals::kMax - 1], 1U);
  EXPECT_EQ(received.by_time.begin, begin);
}

TEST(UdpSink, BeginsItsIntervalsWithTheFirstThatArrivesUnlessTold) {
  const UdpPair pair;
  pair.send({kRun, 0, 123 * kSecond});
  pair.send({kRun, 1, 123 * kSecond + 11 * kMillisecond});
  const UdpReceived received = receive_waiting(pair, {.interval = 10 * kMillisecond});
  EXPECT_EQ(received.by_time.begin, 123 * kSecond);
  EXPECT_EQ(received.by_time.counts[0], 1U);
  EXPECT_EQ(received.by_time.counts[1], 1U);
}

TEST(UdpSink, IgnoresWhatIsNotOfTheRun) {
  const UdpPair pair;
  pair.send({kRun + 1, 0, monotonic_now()});
  pair.send(std::vector<std::uint8_t>(100, 0));
  pair.send(std::vector<std::uint8_t>());
  pair.send({kRun, ~std::uint64_t{0}, monotonic_now()});  // a sequence number out of this world
  pair.send({kRun, 0, monotonic_now()});
  const UdpReceived received = receive_waiting(pair);
  EXPECT_EQ(received.received, 1U);
  EXPECT_EQ(received.foreign, 4U);
}

// Whatever arrives, the account adds up and nothing is read out of bounds (run under the address sanitizer).
TEST(UdpSink, SurvivesArbitraryDatagrams) {
  const UdpPair pair;
  std::mt19937 random(20260101);
  std::uint64_t sent = 0, ours = 0, accounted = 0;
  UdpReceived sum{};
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 50; ++i, ++sent) {
      std::vector<std::uint8_t> bytes(random() % 4 == 0 ? random() % 9000 : random() % 64);
      for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
      const bool is_ours = bytes.size() >= kMinPayload && random() % 2 == 0;
      if (is_ours)
        write_payload(bytes,
                      {kRun, random() % 4 == 0 ? random() * 0x100000001ULL : random() % 100, static_cast<std::int64_t>(random()) - 1000});
      if (is_ours && random() % 4 == 0) bytes[random() % kMinPayload] ^= 1;  // damaged
      ours += is_ours;
      pair.send(bytes);
    }
    const UdpReceived received = receive_waiting(pair, {.is_gro = round % 2 == 0, .interval = kMillisecond});
    accounted += received.received + received.duplicates + received.too_old + received.foreign;
    sum.received += received.received;
    sum.foreign += received.foreign;
  }
  EXPECT_EQ(accounted, sent);
  EXPECT_GT(sum.received, 0U);
  EXPECT_GE(sum.foreign, sent - ours);
}

TEST(UdpSink, TakesApartWhatGroPutTogether) {
  const UdpPair pair;
  const int size = 100;
  ASSERT_EQ(setsockopt(pair.sender.get(), IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size), 0);
  const int on = 1;
  ASSERT_EQ(setsockopt(pair.sink.get(), IPPROTO_UDP, UDP_GRO, &on, sizeof on), 0);  // before anything is queued
  std::vector<std::uint8_t> train(9 * 100 + 50);                                    // the last is shorter
  for (std::size_t i = 0; i < 10; ++i) write_payload(std::span(train).subspan(i * 100), {kRun, i, monotonic_now()});
  pair.send(train);
  const UdpReceived received = receive_waiting(pair, {.is_gro = true});
  EXPECT_EQ(received.received, 10U);
  EXPECT_EQ(received.bytes, 950U);
  EXPECT_EQ(received.receives, 1U);
  EXPECT_EQ(received.reordered, 0U);
}

TEST(UdpSink, SaysWhatItsOwnBufferCouldNotHold) {
  const UdpPair pair;
  const int small = 4096;
  ASSERT_EQ(setsockopt(pair.sink.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
  for (std::uint64_t i = 0; i < 200; ++i) pair.send({kRun, i, monotonic_now()}, 1000);
  const UdpReceived before = receive_waiting(pair);
  EXPECT_LT(before.received, 200U);
  EXPECT_EQ(before.overflowed, 0U);  // they were dropped before this sink began: not its account

  StopEvent stop;
  UdpReceived received{};
  Alongside sink(
      [&] { received = receive_udp(pair.sink.get(), {.run = kRun, .drain = 10 * kMillisecond}, StopSignal(stop.fd.get())).value(); });
  std::uint64_t sent = 0;
  pair.send({kRun, sent++, monotonic_now()}, 1000);
  for (int waiting = 1; waiting > 0; sleep_briefly()) ASSERT_EQ(ioctl(pair.sink.get(), SIOCINQ, &waiting), 0);  // until the sink runs
  while (sent < 100'000) pair.send({kRun, sent++, monotonic_now()}, 1000);
  stop.set();
  sink.join();
  EXPECT_EQ(received.received + received.overflowed, sent);  // every datagram, on either account
}

TEST(UdpSink, EndsAtItsBoundAtStopAndAtTheNumberAwaited) {
  const UdpPair pair;
  const std::int64_t begin = monotonic_now();
  const UdpReceived bounded = receive_udp(pair.sink.get(), {.run = kRun, .duration = 20 * kMillisecond, .drain = 5 * kMillisecond}).value();
  EXPECT_GE(monotonic_now() - begin, 25 * kMillisecond);
  EXPECT_FALSE(bounded.was_stopped);

  pair.send({kRun, 0, begin});
  const UdpReceived awaited = receive_udp(pair.sink.get(), {.run = kRun, .duration = 60 * kSecond, .until_received = 1}).value();
  EXPECT_EQ(awaited.received, 1U);

  StopEvent stop;
  stop.set();
  pair.send({kRun, 0, begin});
  const UdpReceived stopped = receive_udp(pair.sink.get(), {.run = kRun, .duration = 60 * kSecond}, StopSignal(stop.fd.get())).value();
  EXPECT_TRUE(stopped.was_stopped);
  EXPECT_EQ(stopped.received, 1U);  // what is there when it is stopped still counts
  EXPECT_LT(monotonic_now() - begin, 30 * kSecond);
}

// Foreign traffic that never falls silent must not keep it from returning.
TEST(UdpSink, DrainsOnlySoLong) {
  const UdpPair pair;
  StopEvent stop;
  stop.set();
  std::atomic<bool> is_begun = false, is_over = false;
  Alongside noise([&] {
    for (; !is_over; is_begun = true) pair.send(std::vector<std::uint8_t>(10));
  });
  while (!is_begun) sleep_briefly();
  const std::int64_t begin = monotonic_now();
  const UdpReceived received = receive_udp(pair.sink.get(), {.run = kRun, .drain = 2 * kMillisecond}, StopSignal(stop.fd.get())).value();
  is_over = true;
  EXPECT_LT(monotonic_now() - begin, 5 * kSecond);
  EXPECT_GT(received.foreign, 0U);
}

TEST(UdpSink, RefusesSenselessOptions) {
  const UdpPair pair;
  EXPECT_EQ(receive_udp(pair.sink.get(), {.duration = 0}).error().code, EINVAL);
  EXPECT_EQ(receive_udp(pair.sink.get(), {.batch = 0}).error().code, EINVAL);
  EXPECT_EQ(receive_udp(-1, {}).error().code, EBADF);
}

}  // namespace
}  // namespace wgu::bench
