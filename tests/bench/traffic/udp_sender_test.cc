#include "bench/traffic/udp_sender.h"

#include <cerrno>
#include <map>
#include <numeric>
#include <utility>

#include "bench/traffic/loopback.h"
#include "bench/traffic/udp_sink.h"

namespace wgu::bench {
namespace {

constexpr std::uint32_t kRun = 5;
constexpr std::uint32_t kSizes[] = {64};

UdpSendOptions options_of(double rate, std::int64_t duration) {
  UdpSendOptions options;
  options.run = kRun;
  options.rate = rate;
  options.duration = duration;
  options.sizes = kSizes;
  return options;
}

std::pair<UdpSent, UdpReceived> send_to_sink(const UdpSendOptions& sending, UdpSinkOptions receiving = {}) {
  const UdpPair pair;
  const StopEvent stop;
  receiving.run = sending.run;
  receiving.duration = 60 * kSecond;
  receiving.drain = 20 * kMillisecond;
  UdpReceived received{};
  Alongside sink([&] { received = receive_udp(pair.sink.get(), receiving, StopSignal(stop.fd.get())).value(); });
  const Result<UdpSent> sent = send_udp(pair.sender.get(), sending);
  stop.set();
  sink.join();
  return {sent.value(), received};
}

// What is there, datagram by datagram.
std::vector<std::vector<std::uint8_t>> drain(int fd) {
  std::vector<std::vector<std::uint8_t>> datagrams;
  std::vector<std::uint8_t> bytes(65536);
  for (;;) {
    const ssize_t length = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (length < 0) return datagrams;
    datagrams.emplace_back(bytes.begin(), bytes.begin() + length);
  }
}

void expect_account(const UdpSent& sent) { EXPECT_EQ(sent.intended, sent.sent + sent.failed + sent.unsent); }

TEST(UdpSender, SendsWhatFallsDueWithinTheDuration) {
  const auto [sent, received] = send_to_sink(options_of(1000, 200 * kMillisecond));
  EXPECT_EQ(sent.intended, 200U);
  EXPECT_EQ(sent.sent, 200U);
  EXPECT_EQ(sent.bytes, 200U * 64);
  EXPECT_EQ(sent.unsent, 0U);
  EXPECT_EQ(sent.lateness.count(), 200U);
  EXPECT_EQ(received.received, 200U);
  EXPECT_EQ(received.reordered, 0U);
  EXPECT_EQ(received.latency.count(), 200U);
  expect_account(sent);
}

TEST(UdpSender, CarriesRunSequenceAndIntendedTime) {
  const UdpPair pair;
  UdpSendOptions options = options_of(100, 50 * kMillisecond);
  options.begin = monotonic_now() + 5 * kMillisecond;
  const UdpSent sent = send_udp(pair.sender.get(), options).value();
  EXPECT_EQ(sent.begin, options.begin);
  const auto datagrams = drain(pair.sink.get());
  ASSERT_EQ(datagrams.size(), 5U);
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    EXPECT_EQ(read_payload(datagrams[i], kRun), (Payload{kRun, i, options.begin + static_cast<std::int64_t>(i) * 10 * kMillisecond}));
    EXPECT_EQ(datagrams[i].size(), 64U);
  }
}

TEST(UdpSender, NeverSendsBeforeTheIntendedTime) {
  for (const Pacing pacing : {kPrecise, kThrifty}) {
    UdpSendOptions options = options_of(5000, 100 * kMillisecond);
    options.pacing = pacing;
    const auto [sent, received] = send_to_sink(options);
    EXPECT_EQ(sent.intended, 500U);
    EXPECT_EQ(received.latency.bucket_count(0), 0U) << "arrived before, or as it was to leave";
    EXPECT_GE(received.last - received.first, 90 * kMillisecond);  // spread over the time, not sent at once
  }
}

// A start in the past is a sender that stalled: all that was missed is sent, and every one is recorded as late.
TEST(UdpSender, CatchesUpAndRecordsHowLate) {
  UdpSendOptions options = options_of(1000, 300 * kMillisecond);
  options.begin = monotonic_now() - 150 * kMillisecond;
  const auto [sent, received] = send_to_sink(options);
  EXPECT_EQ(sent.intended, 300U);
  EXPECT_EQ(sent.sent, 300U);
  EXPECT_GE(sent.lateness.max(), 149UL * kMillisecond);
  EXPECT_GE(sent.lateness.percentile(60), 1 * kMillisecond);  // the first half is late by up to 150 ms
  EXPECT_EQ(received.received, 300U);
  EXPECT_GE(received.latency.max(), 149UL * kMillisecond);
}

TEST(UdpSender, SaysWhatItNeverGotToSend) {
  // Begun so long ago that all is due and the time to catch up is over.
  UdpSendOptions options = options_of(1000, kSecond);
  options.begin = monotonic_now() - 2 * kSecond;
  const auto [sent, received] = send_to_sink(options);
  EXPECT_EQ(sent.intended, 1000U);
  EXPECT_EQ(sent.unsent, 1000U);
  EXPECT_EQ(sent.sent, 0U);
  expect_account(sent);

  const auto [too_fast, rest] = send_to_sink(options_of(1e9, 30 * kMillisecond));  // nobody sends 10^9 a second
  EXPECT_EQ(too_fast.intended, 30'000'000U);
  EXPECT_GT(too_fast.sent, 0U);
  EXPECT_GT(too_fast.unsent, 0U);
  expect_account(too_fast);
}

TEST(UdpSender, AsFastAsPossibleHasNoSchedule) {
  UdpSendOptions options = options_of(0, 50 * kMillisecond);
  const auto [sent, received] = send_to_sink(options);
  EXPECT_GT(sent.sent, 100U);
  EXPECT_EQ(sent.unsent, 0U);
  EXPECT_EQ(sent.lateness.count(), 0U);
  EXPECT_EQ(received.received + received.overflowed, sent.sent);
  EXPECT_GT(sent.time.busy_share(), 0);
}

TEST(UdpSender, SendsTrainsThatTheKernelCuts) {
  UdpSendOptions options = options_of(10'000, 64 * kMillisecond);
  options.segments = 16;
  const auto [sent, received] = send_to_sink(options, {.is_gro = true});
  EXPECT_EQ(sent.intended, 640U);
  EXPECT_EQ(sent.sent, 640U);
  EXPECT_EQ(sent.bytes, 640U * 64);
  EXPECT_EQ(received.received, 640U);
  EXPECT_EQ(received.reordered + received.duplicates, 0U);
  EXPECT_LE(received.receives, 80U);  // whole trains, on the same socket type as without
  expect_account(sent);
}

// A socket that sent trains does not send some when it is not asked to.
TEST(UdpSender, SendsSingleDatagramsAfterTrains) {
  const UdpPair pair;
  UdpSendOptions options = options_of(1000, 32 * kMillisecond);
  options.segments = 8;
  ASSERT_EQ(send_udp(pair.sender.get(), options).value().sent, 32U);
  EXPECT_EQ(drain(pair.sink.get()).size(), 32U);
  options.segments = 1;
  constexpr std::uint32_t kLong[] = {600};  // would be cut into pieces of 64
  options.sizes = kLong;
  ASSERT_EQ(send_udp(pair.sender.get(), options).value().sent, 32U);
  const auto datagrams = drain(pair.sink.get());
  ASSERT_EQ(datagrams.size(), 32U);
  EXPECT_EQ(datagrams[0].size(), 600U);
}

// Seven of 40 bytes (52 with our payload), four of 576 and one of 1420 as IPv4 packets: less 28 bytes of headers.
TEST(UdpSender, SendsImixInItsProportions) {
  const auto sizes = imix_payloads(12, 1420, Family::kIpv4);
  UdpSendOptions options = options_of(2400, 100 * kMillisecond);
  options.sizes = sizes;
  const UdpPair pair;
  const UdpSent sent = send_udp(pair.sender.get(), options).value();
  EXPECT_EQ(sent.sent, 240U);
  std::map<std::size_t, int> counts;
  for (const auto& datagram : drain(pair.sink.get())) ++counts[datagram.size()];
  EXPECT_EQ(counts, (std::map<std::size_t, int>{{24, 140}, {548, 80}, {1392, 20}}));
  EXPECT_EQ(sent.bytes, 140U * 24 + 80U * 548 + 20U * 1392);
}

TEST(ImixPayloads, FitTheMtuAndHoldOurPayload) {
  for (const std::uint32_t size : imix_payloads(120, 576, Family::kIpv6)) {
    EXPECT_GE(size, 24U);
    EXPECT_LE(size, 576U - 48);
  }
}

TEST(UdpSender, CountsByIntendedTimeWhatItSent) {
  UdpSendOptions options = options_of(1000, 100 * kMillisecond);
  options.interval = 10 * kMillisecond;
  options.begin = monotonic_now() + 5 * kMillisecond;
  const auto [sent, received] = send_to_sink(options, {.begin = options.begin, .interval = options.interval});
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(sent.intended_by_time.counts[i], 10U);
    EXPECT_EQ(received.by_time.counts[i], 10U);
  }
}

TEST(UdpSender, StopsWhenTold) {
  const UdpPair pair;
  const StopEvent stop;
  Alongside stopper([&] {
    StopSignal never;
    sleep_until(monotonic_now() + 30 * kMillisecond, -1, 0, never);
    stop.set();
  });
  const std::int64_t begin = monotonic_now();
  const UdpSent sent = send_udp(pair.sender.get(), options_of(1000, 60 * kSecond), StopSignal(stop.fd.get())).value();
  EXPECT_TRUE(sent.was_stopped);
  EXPECT_LT(monotonic_now() - begin, 30 * kSecond);
  EXPECT_GE(sent.sent, 25U);
  EXPECT_LT(sent.intended, 30'000U);  // not the duration's
  expect_account(sent);
}

TEST(UdpSender, StopsBeforeItBegins) {
  const UdpPair pair;
  const StopEvent stop;
  stop.set();
  UdpSendOptions options = options_of(1000, kSecond);
  options.begin = monotonic_now() + 60 * kSecond;
  const UdpSent sent = send_udp(pair.sender.get(), options, StopSignal(stop.fd.get())).value();
  EXPECT_TRUE(sent.was_stopped);
  EXPECT_EQ(sent.intended, 0U);
}

TEST(UdpSender, SendsNoMoreThanAskedFor) {
  const UdpPair pair;
  UdpSendOptions options = options_of(0, 10 * kSecond);
  options.max_datagrams = 100;
  const UdpSent sent = send_udp(pair.sender.get(), options).value();
  EXPECT_EQ(sent.sent, 100U);
  options.rate = 1e5;
  EXPECT_EQ(send_udp(pair.sender.get(), options).value().intended, 100U);
}

// The sink is gone: ICMP says so, and every other send reports it. Neither is a datagram lost on the way.
TEST(UdpSender, GoesOnWhenNobodyListens) {
  UdpPair pair;
  pair.sink.reset();
  const UdpSent sent = send_udp(pair.sender.get(), options_of(1000, 50 * kMillisecond)).value();
  EXPECT_EQ(sent.intended, 50U);
  EXPECT_GT(sent.sent, 0U);
  EXPECT_EQ(sent.unsent, 0U);
  expect_account(sent);
}

TEST(UdpSender, SleepsBetweenRareDatagrams) {
  const auto [sent, received] = send_to_sink(options_of(200, 200 * kMillisecond));
  EXPECT_EQ(sent.sent, 40U);
  EXPECT_LT(sent.time.user + sent.time.system, 100 * kMillisecond);
}

TEST(UdpSender, RefusesSenselessOptions) {
  const UdpPair pair;
  const auto error_of = [&](auto change) {
    UdpSendOptions options = options_of(1000, kMillisecond);
    change(options);
    const auto sent = send_udp(pair.sender.get(), options);
    return sent ? 0 : sent.error().code;
  };
  static constexpr std::uint32_t kTooShort[] = {23}, kTooLong[] = {65508}, kMixed[] = {64, 65};
  EXPECT_EQ(error_of([](UdpSendOptions&) {}), 0);
  EXPECT_EQ(error_of([](UdpSendOptions& o) { o.sizes = {}; }), EINVAL);
  EXPECT_EQ(error_of([](UdpSendOptions& o) { o.sizes = kTooShort; }), EINVAL);
  EXPECT_EQ(error_of([](UdpSendOptions& o) { o.sizes = kTooLong; }), EINVAL);
  EXPECT_EQ(error_of([](UdpSendOptions& o) { o.rate = -1; }), EINVAL);
  EXPECT_EQ(error_of([](UdpSendOptions& o) { o.batch = 0; }), EINVAL);
  EXPECT_EQ(error_of([](UdpSendOptions& o) { o.duration = 0; }), EINVAL);
  EXPECT_EQ(error_of([](UdpSendOptions& o) { o.sizes = kMixed, o.segments = 2; }), EINVAL);
  EXPECT_EQ(error_of([](UdpSendOptions& o) { o.segments = 65; }), EINVAL);
}

TEST(MaxSegments, FitsOneDatagramsLength) {
  EXPECT_EQ(max_segments(24), 64U);
  EXPECT_EQ(max_segments(1392), 47U);  // 65507 / 1392 = 47.06
  EXPECT_EQ(max_segments(65507), 1U);
}

}  // namespace
}  // namespace wgu::bench
