#pragma once
// Something counted by time, for warm-up, for the time line of a rekey. Trivially copyable.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace wgu::bench {

struct Intervals {
  static constexpr std::size_t kMax = 1024;

  std::int64_t begin = 0;   // ns of CLOCK_MONOTONIC: of the first
  std::int64_t length = 0;  // ns each; 0: nothing is counted
  std::array<std::uint64_t, kMax> counts{};

  // Before the first counts in the first, after the last in the last.
  void add(std::int64_t time, std::uint64_t count) noexcept {
    if (length <= 0) return;
    const std::int64_t index = (time - begin) / length;
    counts[static_cast<std::size_t>(std::clamp<std::int64_t>(index, 0, kMax - 1))] += count;
  }
};

}  // namespace wgu::bench
