#pragma once
// Latency there and back, open loop: requests leave at their intended times whether or not answers come, and a reply's latency counts
// from the intended time of its request.

#include <cstdint>

#include "wgu/histogram.h"
#include "bench/traffic/pacing.h"
#include "bench/traffic/udp_sender.h"
#include "bench/traffic/udp_sink.h"
#include "wgu/result.h"

namespace wgu::bench {

struct EchoOptions {
  std::uint32_t run = 0;
  std::int64_t begin = 0;  // as in UdpSendOptions
  std::int64_t duration = kSecond;
  double rate = 1000;       // requests a second
  std::uint32_t size = 64;  // UDP payload
  Pacing pacing = kPrecise;
  std::int64_t drain = 200 * kMillisecond;  // ns to wait for answers after the last request
};

struct EchoMeasured {
  std::uint64_t intended = 0, sent = 0, failed = 0, unsent = 0;  // requests, as in UdpSent
  std::uint64_t answered = 0;                                    // distinct
  std::uint64_t duplicates = 0, reordered = 0, foreign = 0;
  bool was_stopped = false;
  Histogram latency{};   // answer's arrival less request's intended time
  Histogram lateness{};  // of the requests: actual less intended
  OwnTime time{};
};

// On a connected socket. \errors EINVAL: options; those of send(2), recvmmsg(2)
Result<EchoMeasured> measure_echo(int fd, const EchoOptions& options, StopSignal stop = StopSignal());

struct EchoServed {
  std::uint64_t answered = 0;
  std::uint64_t foreign = 0;   // not answered
  std::uint64_t not_sent = 0;  // the answer was refused by the kernel
  OwnTime time{};
};

// Answers every datagram of `run` to where it came from, until stopped or `duration` ns are over. On a bound socket.
// \errors those of recvmmsg(2)
Result<EchoServed> serve_echo(int fd, std::uint32_t run, std::int64_t duration, StopSignal stop = StopSignal());

}  // namespace wgu::bench
