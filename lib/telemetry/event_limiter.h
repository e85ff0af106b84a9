#pragma once
// How many events of a kind are told: a burst at once, then so many a second; a flood of handshakes must not become a flood of lines. What
// is held back is counted, and the next that is told says how many were. One for each worker, its thread only.

#include <array>
#include <cstdint>

#include "wgu/events.h"

namespace wgu::telemetry {

class EventLimiter {
 public:
  // About what a person reads and a log bears; 10,000 peers that rekey every two minutes make 83 handshakes a second.
  static constexpr unsigned kPerSecond = 100;
  static constexpr unsigned kBurst = 200;

  // True: tell it; `event.held_back` has grown by those held back here. False: it is held back.
  [[nodiscard]] bool admit(Event& event) noexcept;
  // An admitted event that could not be told after all: held back like the others.
  void take_back(const Event& event) noexcept;

 private:
  struct Kind {
    Instant arrival = Instant::min();  // theoretical arrival time (GCRA, ITU-T I.371), as in tunnel/rate_limiter.h
    std::uint32_t held_back = 0;
  };
  std::array<Kind, kEventKindCount> kinds_{};
};

}  // namespace wgu::telemetry
