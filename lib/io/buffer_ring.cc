// A packet's way: pool -> replenish() -> the kernel's ring -> completion with its id -> take() -> the caller, without a copy.

#include "io/buffer_ring.h"

#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <utility>

#include "io/system_error.h"

namespace wgu::io {

BufferRing::BufferRing(PacketPool& pool, const Shape& shape)
    : pool_(pool), shape_(shape), entries_(std::bit_ceil(static_cast<unsigned>(shape.count))), packets_(shape.count) {
  free_ids_.reserve(shape.count);
  for (std::size_t id = shape.count; id-- > 0;) free_ids_.push_back(static_cast<std::uint16_t>(id));
}

Result<void> BufferRing::open(io_uring& ring) {
  void* memory = ::mmap(nullptr, entries_ * sizeof(io_uring_buf), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return system_error(errno, "mmap(buffer ring)");
  ring_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_ring_init(ring_);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
  registration.ring_entries = entries_;
  registration.bgid = shape_.group;
  if (const int result = io_uring_register_buf_ring(&ring, &registration, 0); result < 0)
    return system_error(-result, "io_uring_register(buffer ring of " + std::to_string(entries_) + ")");
  owner_ = &ring;
  return {};
}

BufferRing::~BufferRing() {
  if (owner_ != nullptr) io_uring_unregister_buf_ring(owner_, shape_.group);
  if (ring_ != nullptr) ::munmap(ring_, entries_ * sizeof(io_uring_buf));
}

void BufferRing::replenish() noexcept {
  int added = 0;
  while (!free_ids_.empty()) {
    Packet packet = pool_.take(shape_.front);
    if (!packet) break;
    const std::size_t misalignment = reinterpret_cast<std::uintptr_t>(packet.data()) % shape_.alignment;
    if (misalignment != 0) packet.place(shape_.front + shape_.alignment - misalignment, 0);
    const std::uint16_t id = free_ids_.back();
    free_ids_.pop_back();
    const auto length = static_cast<unsigned>(packet.tailroom() - shape_.back);
    io_uring_buf_ring_add(ring_, packet.data(), length, id, io_uring_buf_ring_mask(entries_), added++);
    packets_[id] = std::move(packet);
    ++lent_;
  }
  if (added != 0) io_uring_buf_ring_advance(ring_, added);
}

Packet BufferRing::take(std::uint16_t id) noexcept {
  free_ids_.push_back(id);
  --lent_;
  return std::move(packets_[id]);
}

}  // namespace wgu::io
