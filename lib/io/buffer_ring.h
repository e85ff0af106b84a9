#pragma once
// The loop's own read buffers, which io_uring chooses from when something arrives (a provided buffer ring). They are as large as
// the largest thing that can arrive; what one brings is copied into packets of its own size at once, so a handful is enough and
// none ever leaves the loop.

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wgu/result.h"

namespace wgu::io {

class BufferRing {
 public:
  // `count` buffers of `size` bytes, aligned to 64; not resident until used.
  BufferRing(std::uint16_t group, std::size_t count, std::size_t size);
  ~BufferRing();
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;

  // `ring` outlives this. \errors of mmap(2) and io_uring_register(2), EINVAL before Linux 5.19
  Result<void> open(io_uring& ring);

  // Lends buffers to the kernel until it has `wanted` of them, or all.
  void lend(std::size_t wanted) noexcept;
  // The buffer behind a completion, until it is given back.
  [[nodiscard]] std::span<std::uint8_t> at(std::uint16_t id) const noexcept { return {storage_ + id * stride_, size_}; }
  void give_back(std::uint16_t id) noexcept;

  // Gives the buffers' memory back to the system, until they are filled again. \pre none holds anything that is still wanted
  void release() noexcept;

  [[nodiscard]] bool is_empty() const noexcept { return lent_ == 0; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint16_t group() const noexcept { return group_; }

 private:
  [[nodiscard]] std::size_t mapping_size() const noexcept { return ring_size_ + count_ * stride_; }

  const std::uint16_t group_;
  const std::size_t count_;
  const std::size_t size_;
  const std::size_t stride_;
  const unsigned entries_;  // a power of two, as the kernel wants it
  const std::size_t ring_size_;
  io_uring* owner_ = nullptr;
  io_uring_buf_ring* ring_ = nullptr;  // one mapping: the ring, then the buffers
  std::uint8_t* storage_ = nullptr;
  std::vector<std::uint16_t> free_ids_;  // a stack, so that the buffers used last are used next; capacity reserved at construction
  std::size_t lent_ = 0;
};

}  // namespace wgu::io
