#pragma once
/// \file
/// Packets in flight. A Packet owns one fixed buffer with room in front (data header) and behind (padding and tag), so that it
/// is sealed and opened where it lies. Buffers come from a PacketPool and go back to the pool they came from, from any thread.
/// Packets that the kernel hands over in one piece are slices of one large buffer, and leave in one piece when they still lie together.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "wgu/net.h"

namespace wgu {

class PacketPool;

/// A buffer and what of it is in use. Owned by a pool; handled through Packet.
struct PacketBlock {
  PacketPool* pool = nullptr;
  PacketBlock* next = nullptr;
  std::uint8_t* storage = nullptr;  ///< `capacity` bytes
  std::uint32_t capacity = 0;       ///< bytes
  std::uint32_t offset = 0;         ///< where the packet begins
  std::uint32_t length = 0;         ///< bytes of packet
  PacketBlock* whole = nullptr;     ///< of a slice: whose buffer `storage` lies in
  std::atomic<std::uint32_t> holders{1};  ///< the buffer's own packet, and its slices
};

/// Owns one block; empty after a move. One thread at a time; slices of one buffer may be on several threads.
class Packet {
 public:
  Packet() noexcept = default;
  explicit Packet(PacketBlock* block) noexcept : block_(block) {}
  Packet(Packet&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Packet& operator=(Packet&& other) noexcept {
    if (this != &other) {
      give_back();
      block_ = std::exchange(other.block_, nullptr);
    }
    return *this;
  }
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  ~Packet() { give_back(); }

  explicit operator bool() const noexcept { return block_ != nullptr; }
  [[nodiscard]] std::uint8_t* data() const noexcept { return block_->storage + block_->offset; }
  [[nodiscard]] std::size_t size() const noexcept { return block_->length; }
  [[nodiscard]] std::span<std::uint8_t> bytes() const noexcept { return {data(), size()}; }
  [[nodiscard]] std::size_t headroom() const noexcept { return block_->offset; }
  [[nodiscard]] std::size_t tailroom() const noexcept { return block_->capacity - block_->offset - block_->length; }

  /// Does its buffer lie in another's, which goes back to its pool only when the last slice has?
  [[nodiscard]] bool is_slice() const noexcept { return block_->whole != nullptr; }

  /// Makes the packet the `length` bytes at `offset` of its buffer. \pre both fit.
  void place(std::size_t offset, std::size_t length) noexcept {
    block_->offset = static_cast<std::uint32_t>(offset);
    block_->length = static_cast<std::uint32_t>(length);
  }
  /// Moves the front by `count` bytes: grow_front into the headroom, trim_front off the packet. \pre it fits.
  void grow_front(std::size_t count) noexcept { place(block_->offset - count, block_->length + count); }
  void trim_front(std::size_t count) noexcept { place(block_->offset + count, block_->length - count); }
  /// Sets the length; the front stays. \pre it fits.
  void resize(std::size_t length) noexcept { block_->length = static_cast<std::uint32_t>(length); }

  /// Gives up ownership, for a queue that carries plain pointers; Packet(block) takes it again.
  [[nodiscard]] PacketBlock* release() noexcept { return std::exchange(block_, nullptr); }

 private:
  friend class PacketPool;
  inline void give_back() noexcept;
  PacketBlock* block_ = nullptr;
};

/// A fixed number of equal buffers. take() on the owner's thread only; packets may be destroyed on any thread. The pool must
/// outlive its packets. Memory is reserved at construction and never grows: an empty pool means a counted drop.
class PacketPool {
 public:
  /// `count` buffers of `capacity` bytes each, aligned to 64 bytes; not resident until used. The calling thread
  /// becomes the owner. \throws std::bad_alloc
  PacketPool(std::size_t count, std::size_t capacity);
  ~PacketPool();
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  /// Makes the calling thread the owner, e.g. the worker that the pool was built for. Not while another thread uses the pool.
  void bind_to_this_thread() noexcept;

  /// An empty packet that begins at `headroom` of its buffer; no packet when the pool is exhausted.
  [[nodiscard]] Packet take(std::size_t headroom) noexcept;

  /// An empty packet whose buffer is the `capacity` bytes at `offset` of the buffer of `whole`, a packet of another pool, which gets
  /// its buffer back when the last slice is gone, and `whole` too. It takes one buffer out of this pool, unused. No packet when the
  /// pool is exhausted. \pre `whole` is no slice; `whole`'s thread
  [[nodiscard]] Packet take_slice(const Packet& whole, std::size_t offset, std::size_t capacity) noexcept;

  void give_back(PacketBlock* block) noexcept;  ///< any thread; Packet's destructor calls it

  /// Gives the memory of buffers that no packet uses back to the system, until packets use them again. Owner's thread; takes about a
  /// microsecond a buffer.
  void release_unused();
  /// Likewise for what `packet`, one of this pool's, holds: it becomes anything. \pre no slices; any thread
  void release_contents(const Packet& packet) noexcept;

  [[nodiscard]] std::size_t count() const noexcept { return blocks_.size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  /// Buffers out of the pool. Exact on the owner's thread while no other thread gives back.
  [[nodiscard]] std::size_t in_use() noexcept;

 private:
  struct FreeStorage {
    void operator()(std::uint8_t* storage) const noexcept;
  };
  [[nodiscard]] PacketBlock* take_block() noexcept;
  void end_slice(PacketBlock& slice) noexcept;
  void collect_returned() noexcept;

  std::size_t capacity_;
  std::size_t stride_;  // from a buffer to the next
  std::unique_ptr<std::uint8_t[], FreeStorage> storage_;
  std::vector<PacketBlock> blocks_;
  PacketBlock* free_ = nullptr;
  std::size_t free_count_ = 0;
  std::thread::id owner_;
  alignas(64) std::atomic<PacketBlock*> returned_{nullptr};  // pushed by other threads, emptied whole by the owner
};

inline void Packet::give_back() noexcept {
  if (block_ != nullptr) block_->pool->give_back(block_);
  block_ = nullptr;
}

/// A UDP payload on its way: received from `remote` at `local`, or to be sent to `remote` from `local`.
struct Datagram {
  Packet packet;
  Endpoint remote;
  LocalAddress local;
  std::uint8_t traffic_class = 0;  ///< DSCP and ECN bits of the outer IP header (RFC 2474, RFC 3168)
  std::uint64_t tag = 0;           ///< the sender's own; comes back with a send failure (TunnelOutput)
};

/// Room that sealing in place needs: 16 bytes of data header in front; padding (15) and tag (16) behind. Whitepaper 5.4.6.
inline constexpr std::size_t kPacketHeadroom = 16;
inline constexpr std::size_t kPacketTailroom = 31;

}  // namespace wgu
