#pragma once
// Packets of one peer that wait for a session, oldest first, chained through their own blocks: staging allocates nothing.

#include <cstddef>
#include <utility>

#include "wgu/packet.h"

namespace wgu::tunnel {

class StagedQueue {
 public:
  StagedQueue() noexcept = default;
  StagedQueue(const StagedQueue&) = delete;
  StagedQueue& operator=(const StagedQueue&) = delete;
  ~StagedQueue() {
    while (pop()) {
    }
  }

  void push(Packet packet) noexcept {
    PacketBlock* block = packet.release();
    block->next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = block;
    last_ = block;
    ++size_;
  }

  Packet pop() noexcept {  // the oldest; no packet when empty
    if (first_ == nullptr) return Packet();
    PacketBlock* block = std::exchange(first_, first_->next);
    if (first_ == nullptr) last_ = nullptr;
    --size_;
    return Packet(block);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  PacketBlock* first_ = nullptr;
  PacketBlock* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace wgu::tunnel
