#pragma once
// Time for generators and sinks: the clock, waiting for an intended time, being told to stop, and what the calling thread cost.

#include <cstdint>

namespace wgu::bench {

[[nodiscard]] std::int64_t monotonic_now() noexcept;  // ns of CLOCK_MONOTONIC

inline constexpr std::int64_t kMicrosecond = 1'000;
inline constexpr std::int64_t kMillisecond = 1'000'000;
inline constexpr std::int64_t kSecond = 1'000'000'000;

// ns, for a histogram; 0 where the clocks of two threads say that it was before.
[[nodiscard]] constexpr std::uint64_t time_between(std::int64_t earlier, std::int64_t later) noexcept {
  return later > earlier ? static_cast<std::uint64_t>(later - earlier) : 0;
}

// How closely intended times are met, and at what cost to whoever shares the CPUs.
struct Pacing {
  std::int64_t spin = 0;  // ns before a due time from which it is awaited busily; 0: sleep only, and be some tens of us late
  std::int64_t tick = 0;  // ns at least between two wake-ups: what falls due meanwhile leaves in one batch, at most this late
};
inline constexpr Pacing kPrecise{.spin = 20 * kMicrosecond, .tick = 0};  // for latency, at rates far below the CPU's
inline constexpr Pacing kThrifty{.spin = 0, .tick = 50 * kMicrosecond};  // for throughput on few cores

// The times of a schedule without drift: number n is due at begin + n / rate.
class Schedule {
 public:
  // \pre rate > 0, in events a second
  Schedule(std::int64_t begin, double rate) noexcept : begin_(begin), interval_(1e9 / rate) {}
  [[nodiscard]] std::int64_t due(std::uint64_t number) const noexcept;
  // How many fall due before `time`.
  [[nodiscard]] std::uint64_t count_before(std::int64_t time) const noexcept;

 private:
  std::int64_t begin_;
  double interval_;  // ns; a double is exact to 1 ns for centuries of any rate
};

// Told from outside, across processes if need be: the descriptor is readable (eventfd) or its other end is closed (pipe).
class StopSignal {
 public:
  explicit StopSignal(int fd = -1) noexcept : fd_(fd) {}  // -1: never. Not owned
  [[nodiscard]] int fd() const noexcept { return fd_; }
  // Asks the kernel at most once a millisecond of `now`; once set it stays set.
  [[nodiscard]] bool is_set(std::int64_t now) noexcept;
  void set() noexcept { is_set_ = true; }  // for who waits on fd() itself

 private:
  int fd_;
  std::int64_t asked_ = 0;
  bool is_set_ = false;
};

// Sleeps until `time`, until `fd` (-1: none) has one of `events` or an error, or until stop is set, whichever is first.
void sleep_until(std::int64_t time, int fd, short events, StopSignal& stop) noexcept;

class PreciseTimer {  // the kernel may otherwise delay a wake-up by 50 us (timer slack)
 public:
  PreciseTimer() noexcept;
  ~PreciseTimer();
  PreciseTimer(const PreciseTimer&) = delete;
  PreciseTimer& operator=(const PreciseTimer&) = delete;

 private:
  int slack_;
};

// What the calling thread did with its time. Trivially copyable.
struct OwnTime {
  std::int64_t wall = 0;    // ns
  std::int64_t user = 0;    // ns of CPU
  std::int64_t system = 0;  // ns of CPU; on loopback and veth it includes carrying the packets to the other end
  std::int64_t spun = 0;    // ns of CPU spent waiting for intended times: not work

  // Work as a share of one core.
  [[nodiscard]] double busy_share() const noexcept {
    return wall <= 0 ? 0 : static_cast<double>(user + system - spun) / static_cast<double>(wall);
  }
};

class OwnTimer {
 public:
  OwnTimer() noexcept;
  [[nodiscard]] OwnTime elapsed(std::int64_t spun = 0) const noexcept;

 private:
  std::int64_t wall_, user_, system_;
};

}  // namespace wgu::bench
