#pragma once
// Sliding window over received counters (RFC 6479's ring of words). Moves only when told: after the tag check.

#include <array>
#include <cstdint>

#include "noise/limits.h"

namespace wgu::noise {

class ReplayWindow {
 public:
  // True, and remembers `counter`, when it is new, within the window and below kRejectAfterMessages.
  [[nodiscard]] bool accept(std::uint64_t counter) noexcept;
  [[nodiscard]] std::uint64_t greatest() const noexcept { return greatest_; }  // 0 when none was accepted

 private:
  static constexpr std::size_t kWords = kReplayWindowBits / 64;
  std::uint64_t greatest_ = 0;
  std::array<std::uint64_t, kWords> words_{};
};

}  // namespace wgu::noise
