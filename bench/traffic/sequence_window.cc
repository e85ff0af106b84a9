#include "bench/traffic/sequence_window.h"

#include <algorithm>

namespace wgu::bench {

SequenceWindow::Arrival SequenceWindow::add(std::uint64_t sequence) noexcept {
  if (sequence >= next_) {
    // The second keeps next_ from wrapping, however many leaps there are.
    if (sequence - next_ > kMaxLeap || sequence >> 63 != 0) return Arrival::kForeign;
    if (sequence - next_ >= kWindow) {
      std::fill(seen_.begin(), seen_.end(), 0);
    } else {
      for (std::uint64_t unseen = next_; unseen < sequence; ++unseen) {
        seen_[unseen % kWindow / 64] &= ~(std::uint64_t{1} << unseen % 64);
      }
    }
    seen_[sequence % kWindow / 64] |= std::uint64_t{1} << sequence % 64;
    next_ = sequence + 1;
    return Arrival::kFirst;
  }
  if (next_ - sequence > kWindow) return Arrival::kTooOld;
  return test_and_set(sequence) ? Arrival::kDuplicate : Arrival::kReordered;
}

bool SequenceWindow::test_and_set(std::uint64_t sequence) noexcept {
  std::uint64_t& word = seen_[sequence % kWindow / 64];
  const std::uint64_t bit = std::uint64_t{1} << sequence % 64;
  const bool was_set = (word & bit) != 0;
  word |= bit;
  return was_set;
}

}  // namespace wgu::bench
