#pragma once
// Buffers that io_uring chooses from when something arrives (a provided buffer ring), and which are packets of the worker's
// pool: what the kernel fills is the packet itself. An idle ring must not drain the pool, so each holds a fixed small number.

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "wgu/packet.h"
#include "wgu/result.h"

namespace wgu::io {

class BufferRing {
 public:
  struct Shape {
    std::uint16_t group = 0;
    std::size_t front = 0;      // bytes of a packet's buffer in front of what the kernel may write, at the least
    std::size_t alignment = 1;  // of the address the kernel writes at
    std::size_t back = 0;       // bytes behind it
    std::size_t count = 1;      // buffers lent to the kernel at once
  };

  BufferRing(PacketPool& pool, const Shape& shape);
  ~BufferRing();
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;

  // `ring` outlives this. \errors of io_uring_register(2), EINVAL before Linux 5.19
  Result<void> open(io_uring& ring);

  // Lends packets to the kernel until it has `count` of them or the pool is empty.
  void replenish() noexcept;
  // The packet behind a completion; it begins where the kernel wrote.
  [[nodiscard]] Packet take(std::uint16_t id) noexcept;

  [[nodiscard]] bool is_empty() const noexcept { return lent_ == 0; }
  [[nodiscard]] std::uint16_t group() const noexcept { return shape_.group; }

 private:
  PacketPool& pool_;
  const Shape shape_;
  const unsigned entries_;  // a power of two, as the kernel wants it
  io_uring* owner_ = nullptr;
  io_uring_buf_ring* ring_ = nullptr;
  std::vector<Packet> packets_;          // by buffer id
  std::vector<std::uint16_t> free_ids_;  // capacity reserved at construction
  std::size_t lent_ = 0;
};

}  // namespace wgu::io
