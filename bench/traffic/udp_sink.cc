// recvmmsg until nothing is left -> account every datagram at the time of the call's return -> sleep until more comes
//
// States: receiving -> (stop signal, or the bound is reached) -> draining -> (silence, or ten times that) -> done. Memory does not depend
// on what arrives.
#include "bench/traffic/udp_sink.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <type_traits>

#include "bench/traffic/payload.h"
#include "bench/traffic/receive_batch.h"
#include "bench/traffic/sequence_window.h"
#include "io/system_error.h"

namespace wgu::bench {

static_assert(std::is_trivially_copyable_v<UdpReceived>);

namespace {

// Dropped at this socket since it is there; 0 where the kernel does not say.
std::uint32_t drops_of(int fd) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t length = sizeof memory;
  return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory.data(), &length) == 0 ? memory[SK_MEMINFO_DROPS] : 0;
}

class UdpSink {
 public:
  UdpSink(int fd, const UdpSinkOptions& options, StopSignal stop)
      : fd_(fd), options_(options), stop_(stop), batch_(options.batch), begin_(options.begin) {
    counted_.by_time.begin = begin_;
    counted_.by_time.length = options.interval;
  }

  Result<UdpReceived> run();

 private:
  [[nodiscard]] bool is_done(std::int64_t now);
  void account(std::span<const std::uint8_t> datagram, std::int64_t now);
  void account_first(const Payload& payload, std::size_t length, std::int64_t now);

  int fd_;
  const UdpSinkOptions& options_;
  StopSignal stop_;
  ReceiveBatch batch_;
  SequenceWindow window_;
  std::int64_t begin_;
  std::int64_t bound_ = 0;     // when receiving ends by itself
  std::int64_t drain_ = 0;     // when draining began; 0: not yet
  std::int64_t activity_ = 0;  // the last arrival of anything
  UdpReceived counted_{};
};

Result<UdpReceived> UdpSink::run() {
  const PreciseTimer precise;
  const std::uint32_t drops = drops_of(fd_);
  const OwnTimer timer;
  bound_ = monotonic_now() + options_.duration;
  for (;;) {
    const int count = batch_.receive(fd_);
    const std::int64_t now = monotonic_now();
    if (count > 0) {
      ++counted_.receives;
      activity_ = now;
      for (int i = 0; i < count; ++i) {
        batch_.for_each_datagram(i, [&](std::span<const std::uint8_t> datagram) { account(datagram, now); });
      }
    } else if (count < 0 && count != -EAGAIN && count != -EINTR && count != -ECONNREFUSED) {
      return io::system_error(-count, "receiving");
    }
    if (options_.until_received > 0 && counted_.received >= options_.until_received) break;
    if (is_done(now)) break;
    if (count == static_cast<int>(batch_.capacity())) continue;
    if (drain_ == 0) {
      sleep_until(bound_, fd_, POLLIN, stop_);
    } else {
      StopSignal never;
      sleep_until(std::max(drain_, activity_) + options_.drain, fd_, POLLIN, never);
    }
  }
  counted_.overflowed = drops_of(fd_) - drops;  // modulo 2^32, as the kernel counts
  counted_.time = timer.elapsed();
  return counted_;
}

bool UdpSink::is_done(std::int64_t now) {
  if (drain_ == 0) {
    const bool is_stopped = stop_.is_set(now);
    if (!is_stopped && now < bound_) return false;
    counted_.was_stopped = is_stopped;
    drain_ = now;
  }
  return now >= std::max(drain_, activity_) + options_.drain || now >= drain_ + 10 * options_.drain;
}

void UdpSink::account(std::span<const std::uint8_t> datagram, std::int64_t now) {
  const std::optional<Payload> payload = read_payload(datagram, options_.run);
  if (!payload) {
    ++counted_.foreign;
    return;
  }
  switch (window_.add(payload->sequence)) {
    case SequenceWindow::Arrival::kFirst:
      return account_first(*payload, datagram.size(), now);
    case SequenceWindow::Arrival::kReordered:
      ++counted_.reordered;
      return account_first(*payload, datagram.size(), now);
    case SequenceWindow::Arrival::kDuplicate:
      ++counted_.duplicates;
      return;
    case SequenceWindow::Arrival::kTooOld:
      ++counted_.too_old;
      return;
    case SequenceWindow::Arrival::kForeign:
      ++counted_.foreign;
      return;
  }
}

void UdpSink::account_first(const Payload& payload, std::size_t length, std::int64_t now) {
  if (counted_.received++ == 0) {
    counted_.first = now;
    if (begin_ == 0) counted_.by_time.begin = payload.intended;
  }
  counted_.last = now;
  counted_.bytes += length;
  counted_.latency.record(time_between(payload.intended, now));
  counted_.by_time.add(payload.intended, 1);
}

}  // namespace

Result<UdpReceived> receive_udp(int fd, const UdpSinkOptions& options, StopSignal stop) {
  if (options.batch == 0 || options.batch > 1024 || options.duration <= 0 || options.drain < 0) {
    return Error{EINVAL, "batch, duration or drain out of range"};
  }
  const int is_gro = options.is_gro ? 1 : 0;
  if (setsockopt(fd, IPPROTO_UDP, UDP_GRO, &is_gro, sizeof is_gro) != 0 && options.is_gro) return io::system_error(errno, "UDP_GRO");
  return UdpSink(fd, options, stop).run();
}

}  // namespace wgu::bench
