#include "bench/traffic/echo.h"

#include <cerrno>
#include <string>

#include "bench/traffic/loopback.h"

namespace wgu::bench {
namespace {

constexpr std::uint32_t kRun = 11;

struct Server {
  explicit Server(int fd) : thread_([this, fd] { served = serve_echo(fd, kRun, 60 * kSecond, StopSignal(stop_.fd.get())).value(); }) {}
  void finish() {
    stop_.set();
    thread_.join();
  }
  ~Server() { finish(); }
  EchoServed served{};

 private:
  StopEvent stop_;
  Alongside thread_;
};

TEST(Echo, MeasuresEveryRequest) {
  const UdpPair pair;
  Server server(pair.sink.get());
  const EchoMeasured measured = measure_echo(pair.sender.get(), {.run = kRun, .duration = 200 * kMillisecond, .rate = 500}).value();
  server.finish();
  EXPECT_EQ(measured.intended, 100U);
  EXPECT_EQ(measured.sent, 100U);
  EXPECT_EQ(measured.answered, 100U);
  EXPECT_EQ(measured.latency.count(), 100U);
  EXPECT_GT(measured.latency.min(), 0U);
  EXPECT_EQ(measured.duplicates + measured.reordered + measured.foreign + measured.failed + measured.unsent, 0U);
  EXPECT_EQ(server.served.answered, 100U);
}

// Open loop: answers that are late do not keep requests from leaving, and their wait is in the latency of each.
TEST(Echo, CountsAStallOfTheServerInEveryRequestThatMetIt) {
  const UdpPair pair;
  Alongside late_server([&] {
    StopSignal never;
    sleep_until(monotonic_now() + 100 * kMillisecond, -1, 0, never);
    (void)serve_echo(pair.sink.get(), kRun, 250 * kMillisecond).value();
  });
  const EchoMeasured measured = measure_echo(pair.sender.get(), {.run = kRun, .duration = 200 * kMillisecond, .rate = 1000}).value();
  EXPECT_EQ(measured.intended, 200U);
  EXPECT_EQ(measured.answered, 200U);
  EXPECT_GE(measured.latency.max(), 95UL * kMillisecond);
  EXPECT_GE(measured.latency.percentile(75), 40 * kMillisecond);  // the first half waited for 100 to 0 ms
}

TEST(Echo, SaysWhatWasNeverAnswered) {
  const UdpPair pair;  // a socket, but no server
  const std::int64_t begin = monotonic_now();
  const EchoMeasured measured =
      measure_echo(pair.sender.get(), {.run = kRun, .duration = 20 * kMillisecond, .rate = 1000, .drain = 30 * kMillisecond}).value();
  EXPECT_GE(monotonic_now() - begin, 50 * kMillisecond);  // it did wait
  EXPECT_EQ(measured.sent, 20U);
  EXPECT_EQ(measured.answered, 0U);
}

TEST(Echo, CountsDuplicatesAndForeignAnswers) {
  const UdpPair pair;
  // A server that answers twice, and with things nobody asked for.
  StopEvent stop;
  Alongside server([&] {
    StopSignal until(stop.fd.get());
    std::vector<std::uint8_t> bytes(2048);
    while (!until.is_set(monotonic_now())) {
      sleep_until(monotonic_now() + kMillisecond, pair.sink.get(), 1, until);
      sockaddr_storage from{};
      socklen_t length = sizeof from;
      const ssize_t size = recvfrom(pair.sink.get(), bytes.data(), bytes.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &length);
      if (size < 0) continue;
      const auto answer = [&](std::span<const std::uint8_t> what) {
        sendto(pair.sink.get(), what.data(), what.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
      };
      answer(std::span(bytes).first(static_cast<std::size_t>(size)));
      answer(std::span(bytes).first(static_cast<std::size_t>(size)));
      std::vector<std::uint8_t> invented(kMinPayload);
      write_payload(invented, {kRun, 1'000'000, monotonic_now()});  // never asked
      answer(invented);
    }
  });
  const EchoMeasured measured =
      measure_echo(pair.sender.get(), {.run = kRun, .duration = 100 * kMillisecond, .rate = 100, .drain = 50 * kMillisecond}).value();
  stop.set();
  EXPECT_EQ(measured.answered, 10U);
  EXPECT_EQ(measured.latency.count(), 10U);
  EXPECT_GE(measured.duplicates, 9U);  // the last ones may come after the end
  EXPECT_GE(measured.foreign, 9U);
}

TEST(Echo, ServerAnswersOnlyItsRun) {
  const UdpPair pair;
  Server server(pair.sink.get());
  pair.send({kRun + 1, 0, monotonic_now()});
  pair.send(std::vector<std::uint8_t>(3));
  pair.send({kRun, 0, monotonic_now()});
  const EchoMeasured measured = measure_echo(pair.sender.get(), {.run = kRun, .duration = 10 * kMillisecond, .rate = 100}).value();
  server.finish();
  EXPECT_EQ(measured.sent, 1U);
  EXPECT_EQ(server.served.foreign, 2U);
  EXPECT_EQ(server.served.answered, 2U);
}

TEST(Echo, StopsWhenTold) {
  const UdpPair pair;
  const StopEvent stop;
  stop.set();
  const std::int64_t begin = monotonic_now();
  const EchoMeasured measured =
      measure_echo(pair.sender.get(), {.run = kRun, .duration = 60 * kSecond, .rate = 10, .drain = 5 * kMillisecond},
                   StopSignal(stop.fd.get()))
          .value();
  EXPECT_TRUE(measured.was_stopped);
  EXPECT_LE(measured.intended, 1U);
  EXPECT_LT(monotonic_now() - begin, 30 * kSecond);
}

TEST(Echo, RefusesSenselessOptions) {
  const UdpPair pair;
  EXPECT_EQ(measure_echo(pair.sender.get(), {.rate = 0}).error().code, EINVAL);
  EXPECT_EQ(measure_echo(pair.sender.get(), {.size = 8}).error().code, EINVAL);
  EXPECT_EQ(serve_echo(-1, kRun, kSecond).error().code, EBADF);
}

}  // namespace
}  // namespace wgu::bench
