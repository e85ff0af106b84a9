#pragma once
// Long-lived secrets lie in a few guarded slabs: memory with guard pages on both sides, locked, kept out of core dumps and
// (where the kernel can) wiped in a fork's child. One guarded allocation a key would cost 8 KiB and 4 mappings each.
// One thread at a time; a Secret may be destroyed only on the slab's thread, and the slab outlives its secrets.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace wgu::crypto {

// Slots of one size. Grows by whole guarded chunks of `slots_per_chunk`; chunks stay until the slab goes.
class SecretSlab {
 public:
  explicit SecretSlab(std::size_t slot_size, std::size_t slots_per_chunk = 64);
  ~SecretSlab();
  SecretSlab(const SecretSlab&) = delete;
  SecretSlab& operator=(const SecretSlab&) = delete;

  [[nodiscard]] void* take();            // `slot_size` zeroed bytes. \throws std::bad_alloc
  void give_back(void* slot) noexcept;   // erases it
  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }
  [[nodiscard]] std::size_t chunks() const noexcept { return chunks_.size(); }

 private:
  void grow();
  std::size_t slot_size_;
  std::size_t slots_per_chunk_;
  std::size_t in_use_ = 0;
  std::vector<void*> chunks_;
  std::vector<void*> free_;
};

// A T in a slab: plain secrets, erased (not destroyed) when this goes.
template <class T>
class Secret {
 public:
  Secret() noexcept = default;
  explicit Secret(SecretSlab& slab) : slab_(&slab), value_(new (slab.take()) T{}) {}
  Secret(Secret&& other) noexcept : slab_(other.slab_), value_(std::exchange(other.value_, nullptr)) {}
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      reset();
      slab_ = other.slab_;
      value_ = std::exchange(other.value_, nullptr);
    }
    return *this;
  }
  ~Secret() { reset(); }
  void reset() noexcept {
    if (value_ != nullptr) slab_->give_back(std::exchange(value_, nullptr));
  }
  explicit operator bool() const noexcept { return value_ != nullptr; }
  T* operator->() const noexcept { return value_; }
  T& operator*() const noexcept { return *value_; }

 private:
  SecretSlab* slab_ = nullptr;
  T* value_ = nullptr;
};

// Not optimised away: as far as the compiler knows, somebody looks at it. Inline, for a handshake erases a hundred times.
inline void erase(void* memory, std::size_t size) noexcept {
  std::memset(memory, 0, size);
  asm volatile("" : : "r"(memory) : "memory");
}

// 32 secret bytes on the stack or in a struct, erased when they go.
struct SecretBytes {
  std::array<std::uint8_t, 32> bytes{};
  SecretBytes() noexcept = default;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() { erase(bytes.data(), bytes.size()); }
  std::uint8_t* data() noexcept { return bytes.data(); }
  operator std::span<const std::uint8_t, 32>() const noexcept { return bytes; }
};

}  // namespace wgu::crypto
