#pragma once
// The read buffers which io_uring chooses from when something arrives (a provided buffer ring): packets of a pool whose buffers are as
// large as the largest thing that can arrive. What one brings is copied into packets of its own size, or sliced where it lies: then
// the buffer is back in its pool when the last slice is gone.

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wgu/packet.h"
#include "wgu/result.h"

namespace wgu::io {

class BufferRing {
 public:
  // At most `count` buffers of `pool` at once, which outlives this.
  BufferRing(std::uint16_t group, std::size_t count, PacketPool& pool);
  ~BufferRing();
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;

  // `ring` outlives this. \errors of mmap(2) and io_uring_register(2), EINVAL before Linux 5.19
  Result<void> open(io_uring& ring);

  // Lends buffers to the kernel until it has `wanted` of them, or all that there are.
  void lend(std::size_t wanted) noexcept;
  // The buffer behind a completion, until it is given back; the packet's size says nothing.
  [[nodiscard]] const Packet& at(std::uint16_t id) const noexcept { return lent_[id]; }
  void give_back(std::uint16_t id) noexcept;

  // Gives the memory of the lent buffers back to the system, until they are filled. \pre none holds anything that is still wanted
  void release() noexcept;

  [[nodiscard]] bool is_empty() const noexcept { return free_ids_.size() == lent_.size(); }
  [[nodiscard]] std::uint16_t group() const noexcept { return group_; }

 private:
  const std::uint16_t group_;
  PacketPool& pool_;
  const unsigned entries_;  // a power of two, as the kernel wants it
  const std::size_t ring_size_;
  io_uring* owner_ = nullptr;
  io_uring_buf_ring* ring_ = nullptr;
  std::vector<Packet> lent_;              // by id
  std::vector<std::uint16_t> free_ids_;   // capacity reserved at construction
};

}  // namespace wgu::io
