#pragma once
// What both loops share: what an answer of the kernel means, and how long a source then rests.

#include <chrono>
#include <cstdint>
#include <span>

#include "io/intake.h"
#include "io/loop.h"

namespace wgu::io {

// How long a source stays out of the kernel's sight when reading from it cannot succeed. Short enough to go unnoticed when a
// packet comes back to the pool on another thread, long enough not to burn a core.
inline constexpr Duration kStarvedPause = std::chrono::milliseconds(1);
inline constexpr Duration kErrorPause = std::chrono::milliseconds(10);

// \errors EINVAL: no pool, or buffers too small for the room asked for
Result<void> check_options(const LoopOptions& options);

// The first of `datagrams` cannot be sent: reports it, gives its packet back, goes on to the next.
void fail_first(std::span<Datagram>& datagrams, int error, Arrivals& arrivals);

enum class DeviceRead : std::uint8_t {
  kPacket,   // counted or delivered; there may be more
  kEmpty,    // nothing to read (EAGAIN)
  kStarved,  // no buffer in the pool
  kFailed,   // an error that may pass (EIO of an interface that is down): pause
  kGone,     // the device was deleted, or the other end of a connected socket was closed
};

// Does zero bytes read mean the end? For a SOCK_SEQPACKET or SOCK_STREAM socket and a pipe, yes; a SOCK_DGRAM socket carries
// empty packets, and these are delivered.
bool zero_means_end(int fd) noexcept;
// What -errno of a read says. \pre error > 0
DeviceRead classify_device_error(int error) noexcept;
// One read(2) into `buffer`, and from there into packets.
DeviceRead read_device(int fd, bool zero_is_end, std::span<std::uint8_t> buffer, Intake& intake, Arrivals& arrivals);

void make_nonblocking(int fd) noexcept;
bool is_readable_now(int fd) noexcept;
[[nodiscard]] bool has_news(const Arrivals& arrivals) noexcept;
// Moves everything from `source` behind what `target` holds; true when there was anything.
bool move_arrivals(Arrivals& source, Arrivals& target);

}  // namespace wgu::io
