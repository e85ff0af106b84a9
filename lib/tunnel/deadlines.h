#pragma once
// The earliest deadline among many slots: an indexed binary heap. A slot whose deadline moves later may keep its old, too early
// place until it surfaces: the data path then only compares two numbers. Exactness is restored by whoever looks at the top.

#include <cstdint>
#include <vector>

#include "wgu/time.h"

namespace wgu::tunnel {

class Deadlines {
 public:
  struct Top {
    std::uint32_t slot;
    Instant when;
  };

  // Sets the slot's deadline, either way; kNever takes it out.
  void set(std::uint32_t slot, Instant when);
  // Moves the slot's deadline earlier only.
  void set_no_later(std::uint32_t slot, Instant when) {
    if (when < at(slot)) set(slot, when);
  }
  [[nodiscard]] Instant at(std::uint32_t slot) const noexcept;  // kNever when the slot has none
  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  [[nodiscard]] Top top() const noexcept { return {heap_.front().slot, heap_.front().when}; }  // \pre !empty()

 private:
  struct Entry {
    Instant when;
    std::uint32_t slot;
  };
  static constexpr std::uint32_t kAbsent = UINT32_MAX;

  void sift_up(std::size_t position) noexcept;
  void sift_down(std::size_t position) noexcept;
  void place(std::size_t position, Entry entry) noexcept;

  std::vector<Entry> heap_;
  std::vector<std::uint32_t> positions_;  // slot -> place in heap_
};

}  // namespace wgu::tunnel
