#pragma once
// From what the kernel has put into one of the loop's read buffers to packets of the pools: datagrams, alone or coalesced
// (UDP_GRO), and device packets, alone or as a super-packet (virtio header). At most one copy. What came in one piece lies in one
// piece, as slices of a large buffer, and so can leave.

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/loop.h"
#include "io/split.h"
#include "io/udp.h"

namespace wgu::io {

// What fits one read: the largest IP packet, and a virtio header in front of it.
inline constexpr std::size_t kReadSize = 65'535 + 1 + 64;

// ... of a socket, and what recvmsg tells beside it: [io_uring_recvmsg_out 16][name 32][control kControlSize][payload].
inline constexpr std::size_t kReceivePrefix = 16 + 32 + kControlSize;
inline constexpr std::size_t kReceiveBuffer = kReceivePrefix + kReadSize;

class Intake {
 public:
  explicit Intake(const LoopOptions& options) noexcept;

  // How many reads may wait for packets at once, `wanted` at the most, so that the pool has room for all that they can bring. At
  // least one while the pool holds anything.
  [[nodiscard]] std::size_t affordable_reads(std::size_t wanted) const noexcept;
  [[nodiscard]] bool is_starved() const noexcept { return affordable_reads(1) == 0; }

  // `message`: what recvmsg filled in but the payload, which lies in `payload`. Where that is a part of the buffer of `whole`, trains
  // become slices of it and share it.
  void receive(msghdr& message, std::span<const std::uint8_t> payload, Arrivals& arrivals, const Packet& whole = Packet());
  // One read of the device.
  void read_device(std::span<const std::uint8_t> bytes, Arrivals& arrivals);

  void set_device_format(const DeviceFormat& format) noexcept { has_virtio_header_ = format.has_virtio_header; }

 private:
  // Around a packet, in its buffer; and where is counted what gets none.
  struct Room {
    std::size_t headroom = 0;
    std::size_t tailroom = 0;
    std::uint64_t Arrivals::*too_long = nullptr;
    std::uint64_t Arrivals::*unplaced = nullptr;
  };
  // A packet of `size` bytes to be written; none when it was counted instead.
  [[nodiscard]] Packet take(const Room& room, std::size_t size, Arrivals& arrivals) noexcept;
  void read_virtio(std::span<const std::uint8_t> bytes, Arrivals& arrivals);
  [[nodiscard]] std::size_t split_together(const SuperPacket& super, std::size_t first, Arrivals& arrivals);

  const std::uint8_t worker_;
  PacketPool& pool_;
  PacketPool* const large_pool_;
  const Room of_datagrams_;
  const Room of_device_packets_;
  const std::function<std::size_t(std::size_t)> departing_size_;
  bool has_virtio_header_ = false;
};

}  // namespace wgu::io
