#pragma once
// Where a value stands on an axis, and which values the axis names.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wgu::bench {

class Scale {
 public:
  // From zero to the first round number not below `greatest`; when there are negative values, from a round number not above `least`.
  [[nodiscard]] static Scale from_zero(double least, double greatest);
  // Between the 1-2-5 numbers around both. \pre 0 < least <= greatest
  [[nodiscard]] static Scale logarithmic(double least, double greatest);
  // Decades down to the one of `least_positive`, and below it zero with a place of its own: for losses, where 0 and 0.01 % differ.
  // \pre 0 < least_positive <= greatest
  [[nodiscard]] static Scale logarithmic_with_zero(double least_positive, double greatest);
  // Each further nine gets the same room, so that the tail is not a hair at the right edge. The maximum (100) has a place one third of
  // that beyond the rest. \pre 0 <= least <= greatest < 100
  [[nodiscard]] static Scale percentile(double least, double greatest, bool has_maximum);
  // From the least to the greatest of these, with a tick at each that has room: sizes, numbers of streams. Logarithmic when all are
  // positive and far apart. \pre ascending, finite
  [[nodiscard]] static Scale through(std::span<const double> values);
  // Numbers 0 .. count-1 with a margin on either side: runs, one after another. Its ticks are at most five of them.
  [[nodiscard]] static Scale sequence(std::size_t count);

  [[nodiscard]] double position(double value) const;  // 0 at the axis' begin, 1 at its end; outside of it: at the nearer one
  [[nodiscard]] const std::vector<double>& ticks() const noexcept { return ticks_; }

 private:
  enum class Kind : std::uint8_t { kLinear, kLogarithmic, kLogarithmicWithZero, kPercentile };
  [[nodiscard]] double warped(double value) const;

  Kind kind_ = Kind::kLinear;
  double begin_ = 0, end_ = 1;     // warped
  double decade_ = 1;              // kLogarithmicWithZero: the lowest
  double greatest_below_100_ = 0;  // kPercentile
  std::vector<double> ticks_;
};

}  // namespace wgu::bench
