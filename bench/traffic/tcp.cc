// Each end serves all its streams from one thread, one chunk a ready stream and turn, so that none starves.
#include "bench/traffic/tcp.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "bench/traffic/sockets.h"
#include "io/file_descriptor.h"
#include "io/system_error.h"

namespace wgu::bench {

static_assert(std::is_trivially_copyable_v<TcpSent>);
static_assert(std::is_trivially_copyable_v<TcpReceived>);

namespace {

using io::FileDescriptor;

constexpr unsigned kMaxStreams = 256;
constexpr std::size_t kMaxChunk = 16 << 20;

class Readiness {
 public:
  static Result<Readiness> create() {
    FileDescriptor fd(epoll_create1(EPOLL_CLOEXEC));
    if (!fd) return io::system_error(errno, "epoll_create1");
    return Readiness(std::move(fd));
  }

  Result<void> add(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return io::system_error(errno, "epoll_ctl");
    return {};
  }
  void remove(int fd) { epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr); }

  // The descriptors that are ready; none once `until` has come. A stop signal is a descriptor like any other.
  std::span<const epoll_event> wait(std::int64_t until) {
    const std::int64_t left = std::max<std::int64_t>(0, until - monotonic_now());
    const int timeout = static_cast<int>(std::min<std::int64_t>((left + kMillisecond - 1) / kMillisecond, 1000));
    const int count = epoll_wait(fd_.get(), events_.data(), static_cast<int>(events_.size()), timeout);
    return {events_.data(), static_cast<std::size_t>(std::max(count, 0))};
  }

 private:
  explicit Readiness(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
  std::array<epoll_event, kMaxStreams + 1> events_{};
};

Result<void> await_stop(Readiness& readiness, const StopSignal& stop) {
  return stop.fd() < 0 ? Result<void>() : readiness.add(stop.fd(), EPOLLIN);
}

// Adds what the streams say of themselves at their end.
void add_tcp_info(const std::vector<FileDescriptor>& streams, TcpSent& sent) {
  std::uint64_t window = 0;
  std::uint32_t least_rtt = std::numeric_limits<std::uint32_t>::max();
  for (const FileDescriptor& stream : streams) {
    tcp_info info{};
    socklen_t length = sizeof info;
    if (getsockopt(stream.get(), IPPROTO_TCP, TCP_INFO, &info, &length) != 0) continue;
    sent.retransmits += info.tcpi_total_retrans;
    sent.segments += info.tcpi_segs_out;
    window += info.tcpi_snd_cwnd;
    least_rtt = std::min(least_rtt, info.tcpi_rtt);
  }
  sent.min_rtt = least_rtt == std::numeric_limits<std::uint32_t>::max() ? 0 : least_rtt * kMicrosecond;
  sent.congestion_window = static_cast<std::uint32_t>(window / streams.size());
}

}  // namespace

Result<TcpSent> send_tcp(const Endpoint& remote, const TcpSendOptions& options, StopSignal stop, const Endpoint& local) {
  if (options.streams == 0 || options.streams > kMaxStreams || options.duration <= 0 || options.chunk == 0 || options.chunk > kMaxChunk) {
    return Error{EINVAL, "streams, duration or chunk out of range"};
  }
  auto readiness = Readiness::create();
  if (!readiness) return std::move(readiness).error();
  if (auto awaited = await_stop(*readiness, stop); !awaited) return std::move(awaited).error();
  std::vector<FileDescriptor> streams;
  const std::int64_t patience = monotonic_now() + options.connect_timeout;
  for (unsigned i = 0; i < options.streams; ++i) {
    auto stream = connect_tcp(remote, patience - monotonic_now(), local);
    if (!stream) return std::move(stream).error();
    if (auto added = readiness->add(stream->get(), EPOLLOUT); !added) return std::move(added).error();
    streams.push_back(std::move(*stream));
  }

  const std::vector<std::uint8_t> chunk(options.chunk);
  const OwnTimer timer;
  const std::int64_t end = monotonic_now() + options.duration;
  TcpSent sent;
  for (std::int64_t now = monotonic_now(); now < end && !sent.was_stopped; now = monotonic_now()) {
    for (const epoll_event& event : readiness->wait(end)) {
      if (event.data.fd == stop.fd()) {
        sent.was_stopped = true;
        break;
      }
      const ssize_t taken = send(event.data.fd, chunk.data(), chunk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (taken >= 0) {
        sent.bytes += static_cast<std::uint64_t>(taken);
      } else if (errno != EAGAIN && errno != EINTR) {
        return io::system_error(errno, "sending on a stream to " + remote.to_string());
      }
    }
  }
  sent.time = timer.elapsed();
  add_tcp_info(streams, sent);
  return sent;  // closing sends what the kernel still has, then the end of the stream
}

namespace {

class TcpSink {
 public:
  TcpSink(int listener, const TcpSinkOptions& options, StopSignal stop, Readiness readiness)
      : listener_(listener), options_(options), stop_(stop), readiness_(std::move(readiness)), chunk_(options.chunk) {
    received_.by_time.length = options.interval;
  }
  Result<TcpReceived> run();

 private:
  Result<void> accept_stream();
  Result<void> read_stream(int fd);
  void end_stream(int fd);

  int listener_;
  const TcpSinkOptions& options_;
  StopSignal stop_;
  Readiness readiness_;
  std::vector<std::uint8_t> chunk_;
  std::vector<FileDescriptor> streams_;
  OwnTimer timer_;  // from the first byte on
  TcpReceived received_{};
};

Result<TcpReceived> TcpSink::run() {
  if (auto awaited = await_stop(readiness_, stop_); !awaited) return std::move(awaited).error();
  if (auto added = readiness_.add(listener_, EPOLLIN); !added) return std::move(added).error();
  const std::int64_t end = monotonic_now() + options_.duration;
  while (received_.ended < options_.streams && monotonic_now() < end && !received_.was_stopped) {
    for (const epoll_event& event : readiness_.wait(end)) {
      if (event.data.fd == stop_.fd()) {
        received_.was_stopped = true;
        break;
      }
      auto served = event.data.fd == listener_ ? accept_stream() : read_stream(event.data.fd);
      if (!served) return std::move(served).error();
    }
  }
  if (received_.bytes > 0) received_.time = timer_.elapsed();
  return received_;
}

Result<void> TcpSink::accept_stream() {
  FileDescriptor stream(accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!stream) {
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return {};
    return io::system_error(errno, "accept");
  }
  if (auto added = readiness_.add(stream.get(), EPOLLIN); !added) return added;
  streams_.push_back(std::move(stream));
  // Who comes after the last that is awaited stays in the kernel's queue.
  if (++received_.accepted == options_.streams) readiness_.remove(listener_);
  return {};
}

Result<void> TcpSink::read_stream(int fd) {
  const ssize_t length = recv(fd, chunk_.data(), chunk_.size(), MSG_DONTWAIT);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (length < 0 && errno != ECONNRESET) return io::system_error(errno, "receiving on a stream");
  if (length <= 0) {
    end_stream(fd);
    return {};
  }
  const std::int64_t now = monotonic_now();
  if (received_.bytes == 0) {
    received_.first = received_.by_time.begin = now;
    timer_ = OwnTimer();
  }
  received_.last = now;
  received_.bytes += static_cast<std::uint64_t>(length);
  received_.by_time.add(now, static_cast<std::uint64_t>(length));
  return {};
}

void TcpSink::end_stream(int fd) {
  ++received_.ended;
  readiness_.remove(fd);
  std::erase_if(streams_, [fd](const FileDescriptor& stream) { return stream.get() == fd; });
}

}  // namespace

Result<TcpReceived> receive_tcp(int listener, const TcpSinkOptions& options, StopSignal stop) {
  const std::int64_t longest = options.interval * static_cast<std::int64_t>(Intervals::kMax);
  if (options.streams == 0 || options.streams > kMaxStreams || options.duration <= 0 || options.chunk == 0 || options.chunk > kMaxChunk ||
      options.interval <= 0 || options.duration > longest) {
    return Error{EINVAL, "streams, duration, interval or chunk out of range"};
  }
  auto readiness = Readiness::create();
  if (!readiness) return std::move(readiness).error();
  return TcpSink(listener, options, stop, std::move(*readiness)).run();
}

double TcpReceived::rate(std::int64_t from, std::int64_t to) const noexcept {
  if (by_time.length <= 0) return 0;
  // Before the first byte there were none, and after the last one neither: a stall is part of the rate.
  const std::int64_t left = (std::max<std::int64_t>(from - by_time.begin, 0) + by_time.length - 1) / by_time.length;
  const std::int64_t right = std::min((to - by_time.begin) / by_time.length, static_cast<std::int64_t>(Intervals::kMax) - 1);
  if (right <= left) return 0;
  const std::int64_t begin = from < by_time.begin ? from : by_time.begin + left * by_time.length;
  const std::int64_t end = by_time.begin + right * by_time.length;
  const auto sum = std::accumulate(by_time.counts.begin() + left, by_time.counts.begin() + right, std::uint64_t{0});
  return static_cast<double>(sum) * 1e9 / static_cast<double>(end - begin);
}

}  // namespace wgu::bench
