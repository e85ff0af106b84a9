// Host::system(): the kernel's random source and wall clock.
#include <sys/random.h>
#include <time.h>

#include <cerrno>
#include <cstdlib>

#include "wgu/host.h"

namespace wgu {

Host Host::system() {
  return {
      [](std::span<std::uint8_t> out) {
        while (!out.empty()) {
          const ssize_t count = getrandom(out.data(), out.size(), 0);
          // Only a broken sandbox gets here; keys without randomness would be worse than no process.
          if (count < 0 && errno != EINTR) std::abort();
          if (count > 0) out = out.subspan(static_cast<std::size_t>(count));
        }
      },
      [] {
        timespec now{};
        clock_gettime(CLOCK_REALTIME, &now);
        return WallTime{now.tv_sec, static_cast<std::uint32_t>(now.tv_nsec)};
      },
  };
}

}  // namespace wgu
