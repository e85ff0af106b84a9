// A buffer's way: pool -> lend() -> the kernel's ring -> completion with its id -> at() -> give_back() -> pool.

#include "io/buffer_ring.h"

#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <string>
#include <utility>

#include "io/system_error.h"

namespace wgu::io {
namespace {

constexpr std::size_t kPage = 4096;  // the kernel wants the ring to begin on a page

constexpr std::size_t round_up(std::size_t size, std::size_t to) { return (size + to - 1) / to * to; }

}  // namespace

BufferRing::BufferRing(std::uint16_t group, std::size_t count, PacketPool& pool)
    : group_(group),
      pool_(pool),
      entries_(std::bit_ceil(static_cast<unsigned>(count))),
      ring_size_(round_up(entries_ * sizeof(io_uring_buf), kPage)),
      lent_(count) {
  free_ids_.reserve(count);
  for (std::size_t id = count; id-- > 0;) free_ids_.push_back(static_cast<std::uint16_t>(id));
}

Result<void> BufferRing::open(io_uring& ring) {
  void* memory = ::mmap(nullptr, ring_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return system_error(errno, "mmap(buffer ring)");
  ring_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_ring_init(ring_);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
  registration.ring_entries = entries_;
  registration.bgid = group_;
  if (const int result = io_uring_register_buf_ring(&ring, &registration, 0); result < 0)
    return system_error(-result, "io_uring_register(buffer ring of " + std::to_string(entries_) + ")");
  owner_ = &ring;
  return {};
}

BufferRing::~BufferRing() {
  if (owner_ != nullptr) io_uring_unregister_buf_ring(owner_, group_);
  if (ring_ != nullptr) ::munmap(ring_, ring_size_);
}

void BufferRing::lend(std::size_t wanted) noexcept {
  int added = 0;
  while (!free_ids_.empty() && lent_.size() - free_ids_.size() < wanted) {
    Packet buffer = pool_.take(0);
    if (!buffer) break;
    const std::uint16_t id = free_ids_.back();
    free_ids_.pop_back();
    io_uring_buf_ring_add(ring_, buffer.data(), static_cast<unsigned>(pool_.capacity()), id, io_uring_buf_ring_mask(entries_), added++);
    lent_[id] = std::move(buffer);
  }
  if (added != 0) io_uring_buf_ring_advance(ring_, added);
}

void BufferRing::give_back(std::uint16_t id) noexcept {
  lent_[id] = Packet();
  free_ids_.push_back(id);
}

void BufferRing::release() noexcept {
  for (const Packet& buffer : lent_) {
    if (buffer) pool_.release_contents(buffer);
  }
}

}  // namespace wgu::io
