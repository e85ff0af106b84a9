// One bit a counter, in a ring of 64-bit words (RFC 6479): a counter's word is counter / 64 mod 128. Moving the window forward
// clears whole words, never shifts bits. The word being filled may still hold bits to come, so of 8192 bits 8128 are surely
// behind the greatest counter: that is how far back a packet may lie.

#include "noise/replay.h"

#include <algorithm>

namespace wgu::noise {

bool ReplayWindow::accept(std::uint64_t counter) noexcept {
  if (counter >= kRejectAfterMessages) return false;
  const std::uint64_t word = counter / 64;
  if (counter > greatest_) {
    const std::uint64_t greatest_word = greatest_ / 64;
    const std::uint64_t entered = std::min<std::uint64_t>(word - greatest_word, kWords);
    for (std::uint64_t i = 1; i <= entered; ++i) words_[(greatest_word + i) % kWords] = 0;
    greatest_ = counter;
  } else if (greatest_ - counter > kReplayWindowUsable) {
    return false;
  }
  std::uint64_t& bits = words_[word % kWords];
  const std::uint64_t bit = std::uint64_t{1} << (counter % 64);
  if ((bits & bit) != 0) return false;
  bits |= bit;
  return true;
}

}  // namespace wgu::noise
