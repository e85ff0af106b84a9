#pragma once
// Sends UDP open loop: every datagram has an intended time, fixed beforehand. Who falls behind catches up and records how late; who
// never catches up says how many were not sent. Nothing is skipped in silence, so nothing of a stall is hidden from what is measured.

#include <cstdint>
#include <span>
#include <vector>

#include "wgu/histogram.h"
#include "bench/traffic/intervals.h"
#include "bench/traffic/pacing.h"
#include "wgu/net.h"
#include "wgu/result.h"

namespace wgu::bench {

struct UdpSendOptions {
  std::uint32_t run = 0;
  std::int64_t begin = 0;                  // ns of CLOCK_MONOTONIC; 0: at once
  std::int64_t duration = kSecond;         // ns
  double rate = 0;                         // datagrams a second; 0: as fast as the socket takes them
  std::span<const std::uint32_t> sizes{};  // of the UDP payloads, in turn, over and over; each in [kMinPayload, kMaxPayload]
  unsigned segments = 1;                   // > 1: trains of so many in one UDP_SEGMENT send, all meant for the time of the first
  unsigned batch = 32;                     // messages in one sendmmsg at most
  Pacing pacing = kThrifty;
  std::int64_t interval = 0;        // ns; > 0: fill UdpSent::intended_by_time
  std::uint64_t max_datagrams = 0;  // 0: no bound but the duration
};

struct UdpSent {
  std::int64_t begin = 0;         // when the first was due
  std::uint64_t intended = 0;     // that fell due within the duration (stopped early: until then)
  std::uint64_t sent = 0;         // that the kernel took
  std::uint64_t bytes = 0;        // UDP payload of those
  std::uint64_t unsent = 0;       // due, but never tried: the sender was too slow. intended = sent + failed + unsent
  std::uint64_t failed = 0;       // refused by the kernel with one of the errors below; never on the wire
  std::uint64_t no_buffers = 0;   // of those, ENOBUFS
  std::uint64_t refused = 0;      // of those, ECONNREFUSED and the unreachables
  std::uint64_t socket_full = 0;  // times the socket's buffer was full (EAGAIN): waited, then sent late
  std::int32_t last_errno = 0;    // of those that failed; 0: none
  bool was_stopped = false;       // before the duration was over
  Histogram lateness{};    // of each sent: actual less intended. Empty when as fast as possible
  Intervals intended_by_time{};   // sent, by intended time
  OwnTime time{};
};

// On a connected socket, in the calling thread. segments > 1 needs sizes of one length.
// \errors EINVAL: options; EMSGSIZE: a size above the path's MTU; EIO: the device cannot segment; others of sendmmsg(2)
Result<UdpSent> send_udp(int fd, const UdpSendOptions& options, StopSignal stop = StopSignal());

// The largest number of segments of this size that one send carries. \pre size >= 1
[[nodiscard]] unsigned max_segments(std::uint32_t size) noexcept;

// Bytes of the IP and UDP headers in front of a datagram.
[[nodiscard]] constexpr std::uint32_t udp_headers(Family family) noexcept { return (family == Family::kIpv6 ? 40 : 20) + 8; }

// `count` payload sizes of Internet-like packets (bench/micro/imix.h), less their headers, at least kMinPayload, none above what `mtu`
// carries.
[[nodiscard]] std::vector<std::uint32_t> imix_payloads(std::size_t count, std::uint32_t mtu, Family family);

}  // namespace wgu::bench
