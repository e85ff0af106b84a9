// Buffers: owner's free list (a stack, so that the next packet lies where the last one warmed the cache) and a stack of what
// other threads gave back:
//
//   owner:   take <- free_ <- give_back        others:   give_back -> returned_ -(emptied whole by the owner)-> free_
//
// Others only push and the owner only takes everything, so no compare-exchange can mistake a recycled head for an old one
// (ABA). Storage is reserved untouched: pages become resident as packets first use them.

#include <sys/mman.h>
#include <unistd.h>

#include <cassert>
#include <limits>
#include <new>

#include "wgu/packet.h"

namespace wgu {
namespace {

constexpr std::size_t kCacheLine = 64;  // a vector load at a buffer's start never splits a line, and no two buffers share one

std::size_t stride_of(std::size_t count, std::size_t capacity) {
  if (capacity > std::numeric_limits<std::uint32_t>::max()) throw std::bad_alloc();
  const std::size_t stride = (capacity + kCacheLine - 1) / kCacheLine * kCacheLine;
  if (stride != 0 && count > std::numeric_limits<std::size_t>::max() / stride) throw std::bad_alloc();
  return stride;
}

// For the whole pages inside of `size` bytes. Best effort: memory that is not given back, say, is only resident for longer.
void advise(std::uint8_t* storage, std::size_t size, int advice) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(storage) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(storage) + size) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

}  // namespace

void PacketPool::FreeStorage::operator()(std::uint8_t* storage) const noexcept {
  ::operator delete[](storage, std::align_val_t{kCacheLine});
}

PacketPool::PacketPool(std::size_t count, std::size_t capacity)
    : capacity_(capacity),
      stride_(stride_of(count, capacity)),
      storage_(static_cast<std::uint8_t*>(::operator new[](count* stride_, std::align_val_t{kCacheLine}))),
      blocks_(count),
      owner_(std::this_thread::get_id()) {
  // Buffers are as large as the largest datagram, most packets touch one page of theirs: where the system gives every mapping huge
  // pages, a page in use would make 30 buffers resident.
  advise(storage_.get(), count * stride_, MADV_NOHUGEPAGE);
  for (std::size_t i = count; i-- > 0;) {
    PacketBlock& block = blocks_[i];
    block.pool = this;
    block.storage = storage_.get() + i * stride_;
    block.capacity = static_cast<std::uint32_t>(capacity);
    block.next = std::exchange(free_, &block);
  }
  free_count_ = count;
}

PacketPool::~PacketPool() { assert(in_use() == 0 && "a packet outlives its pool"); }

void PacketPool::bind_to_this_thread() noexcept { owner_ = std::this_thread::get_id(); }

PacketBlock* PacketPool::take_block() noexcept {
  assert(owner_ == std::this_thread::get_id());
  if (free_ == nullptr) collect_returned();
  if (free_ == nullptr) return nullptr;
  PacketBlock* const block = std::exchange(free_, free_->next);
  --free_count_;
  block->next = nullptr;
  block->length = 0;
  return block;
}

Packet PacketPool::take(std::size_t headroom) noexcept {
  assert(headroom <= capacity_);
  PacketBlock* const block = take_block();
  if (block != nullptr) block->offset = static_cast<std::uint32_t>(headroom);
  return Packet(block);
}

Packet PacketPool::take_slice(const Packet& whole, std::size_t offset, std::size_t capacity) noexcept {
  PacketBlock& shared = *whole.block_;
  assert(shared.whole == nullptr && shared.pool != this && offset + capacity <= shared.capacity);
  PacketBlock* const block = take_block();
  if (block == nullptr) return Packet();
  shared.holders.fetch_add(1, std::memory_order_relaxed);
  block->whole = &shared;
  block->storage = shared.storage + offset;
  block->capacity = static_cast<std::uint32_t>(capacity);
  block->offset = 0;
  return Packet(block);
}

void PacketPool::end_slice(PacketBlock& slice) noexcept {
  PacketBlock* const whole = std::exchange(slice.whole, nullptr);
  slice.storage = storage_.get() + static_cast<std::size_t>(&slice - blocks_.data()) * stride_;
  slice.capacity = static_cast<std::uint32_t>(capacity_);
  whole->pool->give_back(whole);
}

void PacketPool::give_back(PacketBlock* block) noexcept {
  assert(block->pool == this);
  if (block->whole != nullptr) end_slice(*block);
  // Who holds a buffer alone is the only one who could make it shared. Release and acquire: the last sees all others' last accesses.
  if (block->holders.load(std::memory_order_acquire) != 1) {
    if (block->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    block->holders.store(1, std::memory_order_relaxed);
  }
  if (owner_ == std::this_thread::get_id()) {
    block->next = std::exchange(free_, block);
    ++free_count_;
    return;
  }
  block->next = returned_.load(std::memory_order_relaxed);
  // Release: the owner sees our last writes to the buffer before it hands it out again.
  while (!returned_.compare_exchange_weak(block->next, block, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

void PacketPool::release_unused() {
  collect_returned();
  std::vector<bool> is_free(blocks_.size());
  for (const PacketBlock* block = free_; block != nullptr; block = block->next)
    is_free[static_cast<std::size_t>(block - blocks_.data())] = true;
  for (std::size_t begin = 0; begin < is_free.size();) {
    std::size_t end = begin;
    while (end < is_free.size() && is_free[end]) ++end;
    if (end != begin) advise(storage_.get() + begin * stride_, (end - begin) * stride_, MADV_DONTNEED);
    begin = end + 1;
  }
}

void PacketPool::release_contents(const Packet& packet) noexcept { advise(packet.block_->storage, capacity_, MADV_DONTNEED); }

std::size_t PacketPool::in_use() noexcept {
  collect_returned();
  return blocks_.size() - free_count_;
}

void PacketPool::collect_returned() noexcept {
  PacketBlock* block = returned_.exchange(nullptr, std::memory_order_acquire);
  while (block != nullptr) {
    PacketBlock* const next = block->next;
    block->next = std::exchange(free_, block);
    ++free_count_;
    block = next;
  }
}

}  // namespace wgu
