#pragma once
// Names a peer across workers: its home, its slot there, and which of the slot's tenants it is. A stale id finds nobody.

#include <cstdint>
#include <compare>

namespace wgu::tunnel {

struct PeerId {
  std::uint32_t slot = UINT32_MAX;
  std::uint16_t home = 0;        // worker number
  std::uint16_t generation = 0;

  [[nodiscard]] bool is_set() const noexcept { return slot != UINT32_MAX; }
  friend bool operator==(const PeerId&, const PeerId&) = default;
};

}  // namespace wgu::tunnel
