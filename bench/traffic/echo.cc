// The asker is one thread: take the answers that are there -> send what is due -> wait for an answer or for the next intended time.
// Shortly before that time it does not sleep but looks for answers over and over, so that neither waits for the other.
#include "bench/traffic/echo.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <type_traits>
#include <vector>

#include "bench/traffic/payload.h"
#include "bench/traffic/receive_batch.h"
#include "bench/traffic/sequence_window.h"
#include "io/system_error.h"

namespace wgu::bench {

static_assert(std::is_trivially_copyable_v<EchoMeasured>);
static_assert(std::is_trivially_copyable_v<EchoServed>);

namespace {

constexpr unsigned kBatch = 32;

// Errors of the moment: a full buffer, or what an ICMP message said of an earlier datagram.
bool is_passing(int error) {
  return error == EAGAIN || error == EINTR || error == ENOBUFS || error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
         error == EPERM;
}

class Asker {
 public:
  Asker(int fd, const EchoOptions& options, StopSignal stop)
      : fd_(fd),
        options_(options),
        stop_(stop),
        begin_(options.begin > 0 ? options.begin : monotonic_now()),
        end_(begin_ + options.duration),
        schedule_(begin_, options.rate),
        request_(options.size),
        batch_(kBatch) {}

  Result<EchoMeasured> run();

 private:
  bool take_answers();
  bool send_due(std::int64_t now);
  [[nodiscard]] bool is_done(std::int64_t now) const;
  void wait(std::int64_t now);

  int fd_;
  const EchoOptions& options_;
  StopSignal stop_;
  std::int64_t begin_, end_;
  Schedule schedule_;
  std::vector<std::uint8_t> request_;
  ReceiveBatch batch_;
  SequenceWindow window_;
  std::uint64_t next_ = 0;
  std::int64_t spun_ = 0, spinning_since_ = 0;
  int error_ = 0;  // that ended the run
  EchoMeasured measured_{};
};

Result<EchoMeasured> Asker::run() {
  const PreciseTimer precise;
  const OwnTimer timer;
  for (;;) {
    if (!take_answers()) break;
    const std::int64_t now = monotonic_now();
    if (now < end_ && stop_.is_set(now)) {
      measured_.was_stopped = true;
      end_ = now;
    }
    if (!send_due(now)) break;
    if (is_done(now)) break;
    wait(now);
  }
  if (error_ != 0) return io::system_error(error_, "echo");
  measured_.intended = std::max(next_, schedule_.count_before(end_));
  measured_.unsent = measured_.intended - next_;
  measured_.time = timer.elapsed(spun_);
  return measured_;
}

bool Asker::take_answers() {
  int count = 0;
  do {
    count = batch_.receive(fd_);
    const std::int64_t now = monotonic_now();
    for (int i = 0; i < count; ++i) {
      const std::optional<Payload> payload = read_payload(batch_.message(i), options_.run);
      // An answer to what was never asked is not ours, whatever it looks like.
      const auto arrival = payload && payload->sequence < next_ ? window_.add(payload->sequence) : SequenceWindow::Arrival::kForeign;
      switch (arrival) {
        case SequenceWindow::Arrival::kReordered:
          ++measured_.reordered;
          [[fallthrough]];
        case SequenceWindow::Arrival::kFirst:
          ++measured_.answered;
          measured_.latency.record(time_between(payload->intended, now));
          break;
        case SequenceWindow::Arrival::kDuplicate:
          ++measured_.duplicates;
          break;
        case SequenceWindow::Arrival::kTooOld:
        case SequenceWindow::Arrival::kForeign:
          ++measured_.foreign;
          break;
      }
    }
  } while (count == static_cast<int>(kBatch));
  if (count < 0 && !is_passing(-count)) error_ = -count;
  return error_ == 0;
}

bool Asker::send_due(std::int64_t now) {
  // A sender that wakes late after the end still sends what fell due before it; one that is stopped does not.
  const std::uint64_t due = measured_.was_stopped ? next_ : schedule_.count_before(std::min(now + 1, end_));
  // Not more at once than the answers that fit between: an asker who catches up still looks for answers.
  for (const std::uint64_t last = std::min(due, next_ + kBatch); next_ < last; ++next_) {
    const std::int64_t intended = schedule_.due(next_);
    write_payload(request_, {options_.run, next_, intended});
    const std::int64_t tried = monotonic_now();
    if (send(fd_, request_.data(), request_.size(), MSG_DONTWAIT) >= 0) {
      ++measured_.sent;
      measured_.lateness.record(time_between(intended, tried));
    } else if (is_passing(errno)) {
      ++measured_.failed;
    } else {
      error_ = errno;
      return false;
    }
  }
  return true;
}

bool Asker::is_done(std::int64_t now) const {
  if (now < end_) return false;
  const bool is_all_sent = measured_.was_stopped || next_ >= schedule_.count_before(end_);
  return (is_all_sent && measured_.answered == measured_.sent) || now >= end_ + options_.drain;
}

void Asker::wait(std::int64_t now) {
  const std::int64_t due = schedule_.due(next_);
  const bool is_sending = !measured_.was_stopped && due < end_;
  const std::int64_t until = is_sending ? due : now < end_ ? end_ : end_ + options_.drain;
  if (until - now > options_.pacing.spin) {
    StopSignal never;
    sleep_until(until - options_.pacing.spin, fd_, POLLIN, measured_.was_stopped ? never : stop_);
    spinning_since_ = 0;
  } else {
    if (spinning_since_ > 0) spun_ += now - spinning_since_;
    spinning_since_ = now;
  }
}

}  // namespace

Result<EchoMeasured> measure_echo(int fd, const EchoOptions& options, StopSignal stop) {
  if (options.size < kMinPayload || options.size > kMaxPayload || options.duration <= 0 || !(options.rate > 0) || options.drain < 0) {
    return Error{EINVAL, "size, duration, rate or drain out of range"};
  }
  return Asker(fd, options, stop).run();
}

Result<EchoServed> serve_echo(int fd, std::uint32_t run, std::int64_t duration, StopSignal stop) {
  const OwnTimer timer;
  ReceiveBatch batch(kBatch);
  std::vector<iovec> pieces(kBatch);
  std::vector<mmsghdr> answers(kBatch);
  EchoServed served;
  const std::int64_t end = monotonic_now() + duration;
  for (std::int64_t now = monotonic_now(); now < end && !stop.is_set(now); now = monotonic_now()) {
    const int count = batch.receive(fd);
    if (count < 0) {
      if (!is_passing(-count)) return io::system_error(-count, "receiving");
      if (count == -EAGAIN) sleep_until(end, fd, POLLIN, stop);
      continue;
    }
    std::size_t filled = 0;
    for (int i = 0; i < count; ++i) {
      const std::span<const std::uint8_t> request = batch.message(i);
      if (!read_payload(request, run)) {
        ++served.foreign;
        continue;
      }
      pieces[filled] = {const_cast<std::uint8_t*>(request.data()), request.size()};
      answers[filled].msg_hdr = batch.answer(i);
      answers[filled].msg_hdr.msg_iov = &pieces[filled];
      ++filled;
    }
    for (std::size_t done = 0; done < filled;) {
      const int taken = sendmmsg(fd, &answers[done], static_cast<unsigned>(filled - done), MSG_DONTWAIT);
      if (taken > 0) {
        served.answered += static_cast<std::uint64_t>(taken);
        done += static_cast<std::size_t>(taken);
      } else {
        ++served.not_sent;
        ++done;
      }
    }
  }
  served.time = timer.elapsed();
  return served;
}

}  // namespace wgu::bench
