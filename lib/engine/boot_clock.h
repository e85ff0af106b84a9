#pragma once
// The engine's clock: CLOCK_BOOTTIME, so that keys age while the machine sleeps (kernel: ktime_get_coarse_boottime).

#include <time.h>

#include "wgu/time.h"

namespace wgu::engine {

inline Instant boot_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return Instant(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace wgu::engine
