#pragma once
// Receives what send_udp() sends: counts, order, and latency from the intended send time. Whatever else arrives is counted as foreign.

#include <cstdint>

#include "wgu/histogram.h"
#include "bench/traffic/intervals.h"
#include "bench/traffic/pacing.h"
#include "wgu/result.h"

namespace wgu::bench {

struct UdpSinkOptions {
  std::uint32_t run = 0;
  std::int64_t duration = 10 * kSecond;     // ns from the call: an upper bound
  std::int64_t drain = 100 * kMillisecond;  // ns of silence after the stop signal (or the bound) before it returns; at most ten times that
  std::uint64_t until_received = 0;         // > 0: return as soon as so many distinct ones have arrived
  bool is_gro = false;                      // several datagrams in one receive
  unsigned batch = 32;                      // messages in one recvmmsg at most
  std::int64_t begin = 0;                   // of the first interval; 0: the first intended time that arrives
  std::int64_t interval = 0;                // ns; > 0: fill UdpReceived::by_time
};

struct UdpReceived {
  std::uint64_t received = 0;  // distinct
  std::uint64_t bytes = 0;     // UDP payload of those
  std::uint64_t duplicates = 0;
  std::uint64_t reordered = 0;       // of the distinct: after one with a greater sequence number
  std::uint64_t too_old = 0;         // out of the window that tells duplicates
  std::uint64_t foreign = 0;         // datagrams that are not of this run
  std::uint64_t overflowed = 0;      // dropped because this socket's buffer was full: lost by the sink, not by what is measured
  std::uint64_t receives = 0;        // system calls that returned something
  std::int64_t first = 0, last = 0;  // arrival of the first and the last distinct one; ns of CLOCK_MONOTONIC
  bool was_stopped = false;
  Histogram latency{};  // arrival less intended, of the distinct
  Intervals by_time{};         // the distinct, by intended time
  OwnTime time{};

  [[nodiscard]] std::uint64_t lost(std::uint64_t sent) const noexcept { return sent > received ? sent - received : 0; }
};

// On a bound socket, in the calling thread. \errors those of recvmmsg(2), setsockopt(2)
Result<UdpReceived> receive_udp(int fd, const UdpSinkOptions& options, StopSignal stop = StopSignal());

}  // namespace wgu::bench
