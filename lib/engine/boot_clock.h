#pragma once
// The engine's clock: CLOCK_BOOTTIME, so that keys age while the machine sleeps (kernel: ktime_get_coarse_boottime). And the one that
// the kernel's receive timestamps are of.

#include <time.h>

#include "wgu/time.h"

namespace wgu::engine {

inline Instant boot_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return Instant(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

inline WallTime real_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return {now.tv_sec, static_cast<std::uint32_t>(now.tv_nsec)};
}

}  // namespace wgu::engine
