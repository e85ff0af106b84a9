#pragma once
// Whether a live device accounts for every packet, proven from snapshots taken one after the other while packets flow.
//
// A worker answers between two rounds, when it holds no packet that is not counted: of each worker
//   received + adopted = delivered + consumed + dropped + queued + forwarded
// is exact at any time. Workers answer at different moments, so of what is on its way from one to another only bounds are known. All of
// an earlier snapshot lies before all of a later one, therefore
//   forwarded(earlier) - adopted(later)  <=  lost between workers  <=  forwarded(later) - adopted(earlier)
// and the snapshots together prove a defect when a lower bound is above zero, or an upper bound below. One quiet moment closes both.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "wgu/telemetry.h"

namespace wgu::status {

// Packets that were handed over and never taken, by all that is known: zero is possible, or it is not.
struct Bounds {
  std::int64_t least, most;
  [[nodiscard]] bool holds_zero() const noexcept { return least <= 0 && most >= 0; }
  [[nodiscard]] bool is_exact() const noexcept { return least == most; }
};

struct Conservation {
  Snapshot last;
  std::array<Bounds, 2> between_workers;                 // by Direction
  std::vector<std::array<std::int64_t, 2>> unexplained;  // by worker and Direction: of the last snapshot in which it was not zero

  [[nodiscard]] bool holds() const noexcept;
  // Nothing that further snapshots could add.
  [[nodiscard]] bool is_settled() const noexcept;
};

// \pre one snapshot at least; in the order in which they were taken
[[nodiscard]] Conservation judge(std::span<const Snapshot> snapshots);

// A block for each direction, a line for each worker and drop reason, and the verdict.
[[nodiscard]] std::string to_text(const Conservation& conservation);

}  // namespace wgu::status
