#pragma once
// What was dropped since somebody last asked, by reason: for a tracer, who is told once a round instead of once a packet.

#include <array>
#include <cstdint>

#include "wgu/stats.h"

namespace wgu::engine {

class DropDeltas {
 public:
  // Calls tell(reason, packets) for each reason that has grown since the last call. The first call, and that after forget(), only looks.
  template <class Tell>
  void tell(const Counters& counters, Tell tell) {
    for (std::size_t i = 0; i < kDropCount; ++i) {
      const std::uint64_t before = told_[i];
      told_[i] = counters.drops[i];
      if (has_looked_ && told_[i] != before) tell(static_cast<Drop>(i), told_[i] - before);
    }
    has_looked_ = true;
  }
  void forget() noexcept { has_looked_ = false; }

 private:
  bool has_looked_ = false;
  std::array<std::uint64_t, kDropCount> told_{};
};

}  // namespace wgu::engine
