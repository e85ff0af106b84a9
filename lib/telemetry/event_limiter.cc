#include "telemetry/event_limiter.h"

#include <algorithm>
#include <utility>

namespace wgu::telemetry {

bool EventLimiter::admit(Event& event) noexcept {
  constexpr Duration kInterval = std::chrono::nanoseconds(1'000'000'000 / kPerSecond);
  Kind& kind = kinds_[static_cast<std::size_t>(event.kind)];
  const Instant arrival = std::max(kind.arrival, event.when);
  if (arrival - event.when > kInterval * (kBurst - 1)) {
    take_back(event);
    return false;
  }
  kind.arrival = arrival + kInterval;
  event.held_back += std::exchange(kind.held_back, 0);
  return true;
}

void EventLimiter::take_back(const Event& event) noexcept { kinds_[static_cast<std::size_t>(event.kind)].held_back += event.held_back + 1; }

}  // namespace wgu::telemetry
