// insert -> (grow) -> a random index nobody has -> slot; assign, find, erase by index. Linear probing from the index's own
// random bits: they are as good as a hash, and no outsider chooses them. Erasing moves later entries of the run back, so a run
// holds no tombstones and a probe ends at the first free slot, which exists as the table is at most half full.

#include "tunnel/index_table.h"

#include <array>
#include <cassert>
#include <utility>

namespace wgu::tunnel {
namespace {

constexpr std::size_t kFirstSlots = 16;
// Even with 2^22 indices in use of 2^24, 32 draws all fail once in 2^64 tables: more means that the source is broken.
constexpr int kDraws = 32;

}  // namespace

IndexTable::IndexTable(std::uint8_t worker, std::function<void(std::span<std::uint8_t>)> random)
    : worker_(worker), random_(std::move(random)), slots_(kFirstSlots) {}

std::uint32_t IndexTable::insert(Peer* peer) {
  if ((size_ + 1) * 2 > slots_.size()) grow();
  std::uint32_t index = 0;
  std::size_t slot = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::array<std::uint8_t, 3> bytes{};
    random_(bytes);
    index = std::uint32_t{bytes[2]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[0]} << 8 | worker_;
    slot = slot_of(index);
    if (!slots_[slot].is_used) break;
  }
  while (slots_[slot].is_used) {  // the nearest free one: unique, if no longer hard to guess
    index += 1U << 8;
    slot = slot_of(index);
  }
  slots_[slot] = {.index = index, .is_used = true, .entry = {.peer = peer, .keypair = nullptr}};
  ++size_;
  return index;
}

void IndexTable::assign(std::uint32_t index, noise::Keypair* keypair) noexcept {
  Slot& slot = slots_[slot_of(index)];
  assert(slot.is_used);
  if (slot.is_used) slot.entry.keypair = keypair;
}

void IndexTable::erase(std::uint32_t index) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = slot_of(index);
  if (!slots_[hole].is_used) return;
  for (std::size_t next = (hole + 1) & mask; slots_[next].is_used; next = (next + 1) & mask) {
    // An entry may move back only if that leaves it at or after the slot its search begins with.
    const std::size_t home = (slots_[next].index >> 8) & mask;
    if (((next - home) & mask) < ((next - hole) & mask)) continue;
    slots_[hole] = slots_[next];
    hole = next;
  }
  slots_[hole] = {};
  --size_;
}

const IndexTable::Entry* IndexTable::find(std::uint32_t index) const noexcept {
  const Slot& slot = slots_[slot_of(index)];
  return slot.is_used ? &slot.entry : nullptr;
}

void IndexTable::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.is_used) slots_[slot_of(slot.index)] = slot;
  }
}

// Where `index` is, or the free slot where it would go.
std::size_t IndexTable::slot_of(std::uint32_t index) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = (index >> 8) & mask;
  while (slots_[slot].is_used && slots_[slot].index != index) slot = (slot + 1) & mask;
  return slot;
}

}  // namespace wgu::tunnel
