#include "tunnel/deadlines.h"

namespace wgu::tunnel {

Instant Deadlines::at(std::uint32_t slot) const noexcept {
  if (slot >= positions_.size() || positions_[slot] == kAbsent) return kNever;
  return heap_[positions_[slot]].when;
}

void Deadlines::set(std::uint32_t slot, Instant when) {
  if (slot >= positions_.size()) positions_.resize(slot + 1, kAbsent);
  const std::uint32_t position = positions_[slot];
  if (when == kNever) {
    if (position == kAbsent) return;
    positions_[slot] = kAbsent;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (last.slot == slot) return;
    place(position, last);
    sift_up(position);
    sift_down(positions_[last.slot]);
    return;
  }
  if (position == kAbsent) {
    heap_.push_back({when, slot});
    positions_[slot] = static_cast<std::uint32_t>(heap_.size() - 1);
    sift_up(heap_.size() - 1);
    return;
  }
  heap_[position].when = when;
  sift_up(position);
  sift_down(positions_[slot]);
}

void Deadlines::place(std::size_t position, Entry entry) noexcept {
  heap_[position] = entry;
  positions_[entry.slot] = static_cast<std::uint32_t>(position);
}

void Deadlines::sift_up(std::size_t position) noexcept {
  const Entry entry = heap_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (heap_[parent].when <= entry.when) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, entry);
}

void Deadlines::sift_down(std::size_t position) noexcept {
  const Entry entry = heap_[position];
  while (true) {
    std::size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].when < heap_[child].when) ++child;
    if (entry.when <= heap_[child].when) break;
    place(position, heap_[child]);
    position = child;
  }
  place(position, entry);
}

}  // namespace wgu::tunnel
