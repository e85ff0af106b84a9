#include "bench/traffic/pacing.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace wgu::bench {
namespace {

std::int64_t nanoseconds(const timeval& time) noexcept { return time.tv_sec * kSecond + time.tv_usec * kMicrosecond; }

}  // namespace

std::int64_t monotonic_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

std::int64_t Schedule::due(std::uint64_t number) const noexcept {
  return begin_ + static_cast<std::int64_t>(std::llround(static_cast<double>(number) * interval_));
}

std::uint64_t Schedule::count_before(std::int64_t time) const noexcept {
  if (time <= begin_) return 0;
  // Division and rounding may be one off at the border, where the definition decides.
  auto count = static_cast<std::uint64_t>(static_cast<double>(time - begin_) / interval_);
  while (count > 0 && due(count - 1) >= time) --count;
  while (due(count) < time) ++count;
  return count;
}

bool StopSignal::is_set(std::int64_t now) noexcept {
  if (is_set_ || fd_ < 0 || now - asked_ < kMillisecond) return is_set_;
  asked_ = now;
  pollfd stop = {fd_, POLLIN, 0};
  is_set_ = poll(&stop, 1, 0) > 0;
  return is_set_;
}

void sleep_until(std::int64_t time, int fd, short events, StopSignal& stop) noexcept {
  const std::int64_t left = std::max<std::int64_t>(0, time - monotonic_now());
  const timespec timeout = {left / kSecond, left % kSecond};
  std::array<pollfd, 2> waited = {{{fd, events, 0}, {stop.fd(), POLLIN, 0}}};  // a negative descriptor is passed over
  if (ppoll(waited.data(), waited.size(), &timeout, nullptr) > 0 && waited[1].revents != 0) stop.set();
}

PreciseTimer::PreciseTimer() noexcept : slack_(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0)) { prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); }
PreciseTimer::~PreciseTimer() {
  if (slack_ > 0) prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack_), 0, 0, 0);
}

OwnTimer::OwnTimer() noexcept : wall_(monotonic_now()), user_(0), system_(0) {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  user_ = nanoseconds(usage.ru_utime);
  system_ = nanoseconds(usage.ru_stime);
}

OwnTime OwnTimer::elapsed(std::int64_t spun) const noexcept {
  const OwnTimer now;
  return {now.wall_ - wall_, now.user_ - user_, now.system_ - system_, spun};
}

}  // namespace wgu::bench
