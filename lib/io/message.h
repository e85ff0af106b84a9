#pragma once
// What both loops share about one datagram or one device packet: how it is laid out for the kernel, and what an answer means.

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <chrono>
#include <cstdint>

#include "io/loop.h"
#include "io/udp.h"

namespace wgu::io {

// How long a source stays out of the kernel's sight when reading from it cannot succeed. Short enough to go unnoticed when a
// packet comes back to the pool on another thread, long enough not to burn a core.
inline constexpr Duration kStarvedPause = std::chrono::milliseconds(1);
inline constexpr Duration kErrorPause = std::chrono::milliseconds(10);

// \errors EINVAL: no pool, or buffers too small for the room asked for
Result<void> check_options(const LoopOptions& options);

// One datagram on its way out, with everything sendmsg points to. Must not move while the kernel holds `header`.
struct OutgoingMessage {
  Datagram datagram;
  sockaddr_storage address;
  iovec payload;
  msghdr header;
  alignas(cmsghdr) std::array<std::uint8_t, kControlSize> control;

  void prepare(Datagram&& outgoing) noexcept;
  [[nodiscard]] bool has_source() const noexcept { return datagram.local.address.family != Family::kNone; }
};

// Accounts for the result of one sendmsg (bytes, or -errno) and gives the packet back. When the sticky local address is gone the
// datagram is sent once more from whatever address the kernel chooses; its tag is then reported in stale_sources.
void finish_send(OutgoingMessage& message, int fd, int result, Arrivals& arrivals) noexcept;

void report_send_failure(const Datagram& datagram, int error, Arrivals& arrivals);

// Reads of a device. One byte more than usable is offered, because a read that fills its buffer may have been cut short: a
// packet that reaches this byte was too long.
struct DeviceBuffer {
  std::size_t headroom = 0;
  std::size_t usable = 0;  // bytes of the longest packet
  explicit DeviceBuffer(const LoopOptions& options) noexcept;
  [[nodiscard]] std::size_t read_size() const noexcept { return usable + 1; }
};

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
// Hands over `packet` with `length` bytes read at buffer.headroom, or counts it as truncated.
void deliver_device_packet(Packet packet, const DeviceBuffer& buffer, std::size_t length, Arrivals& arrivals);
// One read(2) into a packet from the pool.
DeviceRead read_device(int fd, bool zero_is_end, const DeviceBuffer& buffer, PacketPool& pool, Arrivals& arrivals);

void make_nonblocking(int fd) noexcept;
bool is_readable_now(int fd) noexcept;
[[nodiscard]] bool has_news(const Arrivals& arrivals) noexcept;
// Moves everything from `source` behind what `target` holds; true when there was anything.
bool move_arrivals(Arrivals& source, Arrivals& target);

}  // namespace wgu::io
