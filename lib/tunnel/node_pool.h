#pragma once
// Storage for the nodes of one trie: chunks that never move, each freed when its last node comes back. A chunk is aligned to its
// size, so a node finds its chunk by its address and pays no header of its own.
//
// One list holds every chunk; those with a node to give stand before those without. One thread.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <type_traits>

namespace wgu::tunnel {

template <typename Node>
class NodePool {
  static_assert(std::is_trivially_destructible_v<Node>);

 public:
  NodePool() = default;
  ~NodePool() {
    while (list_.next != &list_) free_chunk(static_cast<Chunk*>(list_.next));
  }
  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;

  // Throws std::bad_alloc. The node is a copy of `value`.
  [[nodiscard]] Node* take(const Node& value) {
    if (list_.next == &list_ || is_full(static_cast<Chunk*>(list_.next))) add_chunk();
    auto* chunk = static_cast<Chunk*>(list_.next);
    void* place;
    if (chunk->returned != nullptr) {
      place = chunk->returned;
      chunk->returned = chunk->returned->next;
    } else {
      place = reinterpret_cast<std::byte*>(chunk) + kHeaderBytes + chunk->touched++ * sizeof(Node);
    }
    ++chunk->in_use;
    if (is_full(chunk)) {
      chunk->unlink();
      chunk->link_after(*list_.previous);
    }
    return new (place) Node(value);
  }

  void return_node(Node* node) noexcept {
    auto* chunk = reinterpret_cast<Chunk*>(reinterpret_cast<std::uintptr_t>(node) & ~(std::uintptr_t{kChunkAlignment} - 1));
    if (is_full(chunk)) {
      chunk->unlink();
      chunk->link_after(list_);
    }
    chunk->returned = new (node) Returned{chunk->returned};
    if (--chunk->in_use == 0) free_chunk(chunk);
  }

  [[nodiscard]] std::size_t memory_bytes() const noexcept { return chunks_ * kChunkAlignment; }

 private:
  struct Link {
    Link* previous = this;
    Link* next = this;
    void unlink() noexcept {
      previous->next = next;
      next->previous = previous;
    }
    void link_after(Link& other) noexcept {
      previous = &other;
      next = other.next;
      next->previous = this;
      other.next = this;
    }
  };
  struct Returned {
    Returned* next;
  };
  struct Chunk : Link {
    Returned* returned = nullptr;
    std::uint32_t touched = 0;  // nodes that were ever given out; the rest of the chunk is not yet backed by memory
    std::uint32_t in_use = 0;
  };
  static_assert(sizeof(Node) >= sizeof(Returned));

  static constexpr std::size_t kChunkAlignment = 1U << 15;
  // A little less than the alignment: malloc's own header then fits between two chunks instead of costing a whole gap.
  static constexpr std::size_t kChunkBytes = kChunkAlignment - 128;
  static constexpr std::size_t kHeaderBytes = 64;
  static constexpr std::size_t kNodesPerChunk = (kChunkBytes - kHeaderBytes) / sizeof(Node);
  static_assert(sizeof(Chunk) <= kHeaderBytes);

  static bool is_full(const Chunk* chunk) noexcept { return chunk->in_use == kNodesPerChunk; }

  void add_chunk() {
    void* memory = nullptr;
    // Not the aligned operator new, which rounds the size up to the alignment.
    if (posix_memalign(&memory, kChunkAlignment, kChunkBytes) != 0) throw std::bad_alloc();
    auto* chunk = new (memory) Chunk;
    chunk->link_after(list_);
    ++chunks_;
  }

  void free_chunk(Chunk* chunk) noexcept {
    chunk->unlink();
    std::free(chunk);
    --chunks_;
  }

  Link list_;
  std::size_t chunks_ = 0;
};

}  // namespace wgu::tunnel
