// wait until something is due -> write run, sequence and intended time into the next messages -> sendmmsg -> account
//
// A message is one datagram, or a train of equal ones that the kernel cuts (UDP_SEGMENT). Messages have numbers; message n is due at
// n * segments / rate. When the duration is over, what fell due is still sent for kCatchUp: a wake-up that came late is not a sender
// that is too slow. What then remains is `unsent`.
#include "bench/traffic/udp_sender.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <type_traits>

#include "bench/micro/imix.h"
#include "bench/traffic/payload.h"
#include "io/system_error.h"

namespace wgu::bench {

static_assert(std::is_trivially_copyable_v<UdpSent>);

namespace {

constexpr std::int64_t kCatchUp = 20 * kMillisecond;
constexpr unsigned kMaxSegments = 64;  // of UDP_SEGMENT before Linux 6.9; later ones take 128
constexpr unsigned kMaxBatch = 1024;   // UIO_MAXIOV

Result<void> check(const UdpSendOptions& options) {
  const auto is_size = [](std::uint32_t size) { return size >= kMinPayload && size <= kMaxPayload; };
  if (options.sizes.empty() || !std::all_of(options.sizes.begin(), options.sizes.end(), is_size)) {
    return Error{EINVAL, "payload sizes are from " + std::to_string(kMinPayload) + " to " + std::to_string(kMaxPayload) + " bytes"};
  }
  if (options.duration <= 0 || !(options.rate >= 0) || options.batch == 0 || options.batch > kMaxBatch || options.segments == 0) {
    return Error{EINVAL, "duration, rate, batch or segments out of range"};
  }
  if (options.segments == 1) return {};
  if (std::any_of(options.sizes.begin(), options.sizes.end(), [&](std::uint32_t size) { return size != options.sizes[0]; })) {
    return Error{EINVAL, "a train has datagrams of one size"};
  }
  if (options.segments > max_segments(options.sizes[0])) {
    return Error{EINVAL,
                 std::to_string(options.segments) + " datagrams of " + std::to_string(options.sizes[0]) + " bytes do not fit one train"};
  }
  return {};
}

// Errors that are about this socket or these options, not about this moment: they would come back for every datagram.
bool is_fatal(int error) {
  return error == EMSGSIZE || error == EINVAL || error == EBADF || error == EIO || error == ENOTSOCK || error == EDESTADDRREQ ||
         error == EOPNOTSUPP || error == ENOTCONN;
}

// Says what an ICMP message said of an earlier datagram; the one at hand was not tried.
bool is_unreachable(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH || error == EHOSTDOWN || error == ENETDOWN;
}

class UdpSender {
 public:
  UdpSender(int fd, const UdpSendOptions& options, StopSignal stop);
  Result<UdpSent> run();

 private:
  [[nodiscard]] std::uint64_t due_before(std::int64_t time) const;
  void wait_for_next(std::int64_t now);
  void write_messages(std::uint64_t count, std::int64_t now);
  bool send_messages(std::uint64_t count);
  void account_sent(std::size_t begin, std::size_t end, std::int64_t now);
  void account_failed(int error);
  UdpSent finish();

  int fd_;
  const UdpSendOptions& options_;
  StopSignal stop_;
  std::int64_t begin_, end_;
  std::optional<Schedule> schedule_;  // of messages; none: as fast as possible
  std::uint64_t max_messages_;

  std::size_t stride_;  // bytes from a message to the next
  std::vector<std::uint8_t> bytes_;
  std::vector<iovec> pieces_;
  std::vector<mmsghdr> messages_;
  std::vector<std::int64_t> intended_;  // of the messages written

  std::uint64_t next_ = 0;   // message to write
  std::size_t size_at_ = 0;  // in options_.sizes
  std::int64_t woken_ = 0, spun_ = 0;
  int error_ = 0;  // that ended the run
  UdpSent sent_{};
};

UdpSender::UdpSender(int fd, const UdpSendOptions& options, StopSignal stop)
    : fd_(fd),
      options_(options),
      stop_(stop),
      begin_(options.begin > 0 ? options.begin : monotonic_now()),
      end_(begin_ + options.duration),
      max_messages_(options.max_datagrams > 0 ? (options.max_datagrams - 1) / options.segments + 1
                                              : std::numeric_limits<std::uint64_t>::max()),
      stride_(std::size_t{*std::max_element(options.sizes.begin(), options.sizes.end())} * options.segments),
      bytes_(stride_ * options.batch),
      pieces_(options.batch),
      messages_(options.batch),
      intended_(options.batch) {
  if (options.rate > 0) schedule_.emplace(begin_, options.rate / options.segments);
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    pieces_[i].iov_base = &bytes_[i * stride_];
    messages_[i].msg_hdr.msg_iov = &pieces_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
  sent_.begin = begin_;
  sent_.intended_by_time.begin = begin_;
  sent_.intended_by_time.length = options.interval;
}

std::uint64_t UdpSender::due_before(std::int64_t time) const {
  return std::min(max_messages_, schedule_ ? schedule_->count_before(time) : std::numeric_limits<std::uint64_t>::max());
}

Result<UdpSent> UdpSender::run() {
  const PreciseTimer precise;
  while (monotonic_now() < begin_ && !stop_.is_set(monotonic_now())) sleep_until(begin_, -1, 0, stop_);
  const OwnTimer timer;
  while (error_ == 0 && next_ < max_messages_) {
    const std::int64_t now = monotonic_now();
    if (stop_.is_set(now)) {
      sent_.was_stopped = now < end_;
      end_ = std::min(end_, now);
      break;
    }
    const std::uint64_t due = due_before(std::min(now + 1, end_));
    if (now >= end_ && (!schedule_ || due == next_ || now >= end_ + kCatchUp)) break;
    if (due == next_) {
      wait_for_next(now);
      continue;
    }
    const std::uint64_t count = std::min<std::uint64_t>(due - next_, options_.batch);
    write_messages(count, now);
    if (!send_messages(count)) break;
  }
  if (error_ != 0) return io::system_error(error_, "sending " + std::to_string(pieces_[0].iov_len) + " bytes");
  sent_.time = timer.elapsed(spun_);
  return finish();
}

void UdpSender::wait_for_next(std::int64_t now) {
  const std::int64_t due = std::min(std::max(schedule_->due(next_), woken_ + options_.pacing.tick), end_);
  if (due - now > options_.pacing.spin) sleep_until(due - options_.pacing.spin, -1, 0, stop_);
  const std::int64_t spin_begin = monotonic_now();
  woken_ = spin_begin;
  while (woken_ < due && options_.pacing.spin > 0) woken_ = monotonic_now();
  spun_ += woken_ - spin_begin;
}

void UdpSender::write_messages(std::uint64_t count, std::int64_t now) {
  for (std::size_t i = 0; i < count; ++i, ++next_) {
    const std::size_t size = options_.sizes[size_at_];
    size_at_ = size_at_ + 1 == options_.sizes.size() ? 0 : size_at_ + 1;
    intended_[i] = schedule_ ? schedule_->due(next_) : now;
    for (unsigned segment = 0; segment < options_.segments; ++segment) {
      write_payload({&bytes_[i * stride_ + segment * size], size}, {options_.run, next_ * options_.segments + segment, intended_[i]});
    }
    pieces_[i].iov_len = size * options_.segments;
  }
}

// Whether the sender may go on.
bool UdpSender::send_messages(std::uint64_t count) {
  bool is_second_try = false;
  for (std::size_t done = 0; done < count;) {
    const std::int64_t now = monotonic_now();
    const int taken = sendmmsg(fd_, &messages_[done], static_cast<unsigned>(count - done), MSG_DONTWAIT);
    const int error = taken < 0 ? errno : 0;
    if (taken > 0) {
      account_sent(done, done + static_cast<std::size_t>(taken), now);
      done += static_cast<std::size_t>(taken);
      is_second_try = false;
    } else if (error == EAGAIN) {
      ++sent_.socket_full;
      const std::int64_t last = end_ + kCatchUp;
      if (now >= last || stop_.is_set(now)) return true;  // the loop above ends for the same reason and says so
      sleep_until(last, fd_, POLLOUT, stop_);
    } else if (is_fatal(error)) {
      error_ = error;
      return false;
    } else if (error != EINTR) {
      if (is_unreachable(error) && !is_second_try) {
        is_second_try = true;
        continue;
      }
      account_failed(error);
      ++done;
      is_second_try = false;
    }
  }
  return true;
}

void UdpSender::account_sent(std::size_t begin, std::size_t end, std::int64_t now) {
  for (std::size_t i = begin; i < end; ++i) {
    sent_.sent += options_.segments;
    sent_.bytes += pieces_[i].iov_len;
    if (schedule_) sent_.lateness.record(time_between(intended_[i], now));
    sent_.intended_by_time.add(intended_[i], options_.segments);
  }
}

void UdpSender::account_failed(int error) {
  sent_.failed += options_.segments;
  if (error == ENOBUFS) sent_.no_buffers += options_.segments;
  if (is_unreachable(error)) sent_.refused += options_.segments;
  sent_.last_errno = error;
}

UdpSent UdpSender::finish() {
  const std::uint64_t tried = sent_.sent + sent_.failed;
  // As fast as possible, what was tried is what was intended.
  sent_.intended = schedule_ ? std::max(tried, due_before(end_) * options_.segments) : tried;
  sent_.unsent = sent_.intended - tried;
  return sent_;
}

// For every datagram of a run, so that a socket which once sent trains sends none now.
Result<void> set_train(int fd, const UdpSendOptions& options) {
  const int size = options.segments > 1 ? static_cast<int>(options.sizes[0]) : 0;
  if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) != 0 && size > 0) {
    return io::system_error(errno, "UDP_SEGMENT of " + std::to_string(size));
  }
  return {};
}

}  // namespace

Result<UdpSent> send_udp(int fd, const UdpSendOptions& options, StopSignal stop) {
  if (auto valid = check(options); !valid) return std::move(valid).error();
  if (auto set = set_train(fd, options); !set) return std::move(set).error();
  return UdpSender(fd, options, stop).run();
}

unsigned max_segments(std::uint32_t size) noexcept {
  return std::min<unsigned>(kMaxSegments, static_cast<unsigned>(kMaxPayload / std::max<std::uint32_t>(size, 1)));
}

std::vector<std::uint32_t> imix_payloads(std::size_t count, std::uint32_t mtu, Family family) {
  const std::uint32_t overhead = udp_headers(family);
  std::vector<std::uint32_t> sizes = imix_lengths(count, 1);
  for (std::uint32_t& size : sizes) {
    const std::uint32_t packet = std::min(size, mtu);
    size = std::max<std::uint32_t>(packet - std::min(packet, overhead), kMinPayload);
  }
  return sizes;
}

}  // namespace wgu::bench
