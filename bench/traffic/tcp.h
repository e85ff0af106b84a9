#pragma once
// N TCP streams in one direction, each end in one thread. What arrives is what counts: bytes by time are the sink's.

#include <cstdint>

#include "bench/traffic/intervals.h"
#include "bench/traffic/pacing.h"
#include "wgu/net.h"
#include "wgu/result.h"

namespace wgu::bench {

struct TcpSendOptions {
  unsigned streams = 1;                        // 1..256
  std::int64_t duration = kSecond;             // ns from when all streams stand
  std::int64_t connect_timeout = 5 * kSecond;  // ns, for all
  std::size_t chunk = 128 << 10;               // bytes a write
};

struct TcpSent {
  std::uint64_t bytes = 0;              // that the kernel took
  std::uint64_t retransmits = 0;        // segments, of all streams (TCP_INFO)
  std::uint64_t segments = 0;           // sent, with retransmissions
  std::int64_t min_rtt = 0;             // ns: the least smoothed round trip of the streams at their end
  std::uint32_t congestion_window = 0;  // segments: mean of the streams at their end
  bool was_stopped = false;
  OwnTime time{};  // from when all streams stand
};

// Connects and sends. A stream that breaks ends the run. \errors EINVAL: options; ETIMEDOUT, ECONNREFUSED; those of send(2)
Result<TcpSent> send_tcp(const Endpoint& remote, const TcpSendOptions& options, StopSignal stop = StopSignal(), const Endpoint& local = {});

struct TcpSinkOptions {
  unsigned streams = 1;                        // to accept
  std::int64_t duration = 10 * kSecond;        // ns from the call: an upper bound; ends when all streams are closed
  std::int64_t interval = 100 * kMillisecond;  // of by_time
  std::size_t chunk = 256 << 10;               // bytes a read
};

struct TcpReceived {
  std::uint64_t bytes = 0;
  std::uint32_t accepted = 0;        // streams
  std::uint32_t ended = 0;           // of those, closed by the sender
  std::int64_t first = 0, last = 0;  // arrival of the first and the last byte; ns of CLOCK_MONOTONIC
  bool was_stopped = false;
  Intervals by_time{};  // bytes; begins with the first byte
  OwnTime time{};       // from the first byte
  // Bytes a second between two times, while the sender sent: of the full intervals that lie between them. A stall counts, before the first
  // byte as well. 0 if there is no such interval.
  [[nodiscard]] double rate(std::int64_t from, std::int64_t to) const noexcept;
};

// \errors EINVAL: options; those of accept4(2), recv(2)
Result<TcpReceived> receive_tcp(int listener, const TcpSinkOptions& options, StopSignal stop = StopSignal());

}  // namespace wgu::bench
