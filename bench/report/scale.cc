// Each kind of axis is a monotone function ("warped") and a linear map of its range to 0..1. Ticks are chosen before the ends, and the
// ends are ticks wherever that costs little room: an axis that begins and ends at a round number is read faster.
#include "bench/report/scale.h"

#include <algorithm>
#include <cmath>

namespace wgu::bench {
namespace {

constexpr double kLargest = 1e300;  // beyond, steps of an axis overflow

double bounded(double value) { return std::isfinite(value) ? std::clamp(value, -kLargest, kLargest) : 0; }

// 1, 2 or 5 times a power of ten, not below `rough`. \pre rough > 0
double round_step(double rough) {
  const double decade = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * decade >= rough * (1 - 1e-9)) return factor * decade;
  }
  return 10 * decade;
}

double nines(double percentile) { return -std::log10(1 - percentile / 100); }

}  // namespace

Scale Scale::from_zero(double least, double greatest) {
  double low = std::min(0.0, bounded(least));
  double high = std::max(0.0, bounded(greatest));
  if (low == high) high = 1;
  if (high - low < 1e-290) high = low + 1e-290;
  const double step = round_step((high - low) / 5);
  Scale scale;
  const double first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
  for (double i = first; i <= last; ++i) scale.ticks_.push_back(i * step);
  scale.begin_ = scale.ticks_.front();
  scale.end_ = scale.ticks_.back();
  return scale;
}

Scale Scale::logarithmic(double least, double greatest) {
  Scale scale;
  scale.kind_ = Kind::kLogarithmic;
  const double first = std::floor(std::log10(least)), last = std::floor(std::log10(greatest)) + 1;
  // The 1-2-5 numbers around: the ends, even where only decades are named.
  scale.begin_ = first;
  scale.end_ = last;
  for (double exponent = first; exponent <= last; ++exponent) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double at = exponent + std::log10(factor);
      if (at <= std::log10(least) + 1e-9) scale.begin_ = std::max(scale.begin_, at);
      if (at >= std::log10(greatest) - 1e-9) scale.end_ = std::min(scale.end_, at);
    }
  }
  if (scale.end_ <= scale.begin_) scale.end_ = scale.begin_ + 1;
  const double length = scale.end_ - scale.begin_;
  for (double exponent = first; exponent <= last; exponent += std::max(1.0, std::ceil(length / 8))) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double at = exponent + std::log10(factor);
      const bool is_named = factor == 1 || length <= 3.2;
      if (is_named && at >= scale.begin_ - 1e-9 && at <= scale.end_ + 1e-9) scale.ticks_.push_back(factor * std::pow(10.0, exponent));
    }
  }
  return scale;
}

Scale Scale::logarithmic_with_zero(double least_positive, double greatest) {
  Scale scale;
  scale.kind_ = Kind::kLogarithmicWithZero;
  const double first = std::floor(std::log10(least_positive) + 1e-9), last = std::max(first + 1, std::ceil(std::log10(greatest) - 1e-9));
  scale.decade_ = std::pow(10.0, first);
  scale.ticks_.push_back(0);
  for (double exponent = first; exponent <= last; exponent += std::max(1.0, std::ceil((last - first) / 6))) {
    scale.ticks_.push_back(std::pow(10.0, exponent));
  }
  scale.begin_ = 0;
  scale.end_ = 1 + last - first;
  return scale;
}

Scale Scale::percentile(double least, double greatest, bool has_maximum) {
  Scale scale;
  scale.kind_ = Kind::kPercentile;
  scale.greatest_below_100_ = greatest;
  for (const double tick : {0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999}) {
    if (tick >= least && tick <= greatest) scale.ticks_.push_back(tick);
  }
  scale.begin_ = nines(least);
  scale.end_ = nines(greatest);
  if (has_maximum) {
    scale.ticks_.push_back(100);
    scale.end_ += 1.0 / 3;
  }
  if (scale.end_ <= scale.begin_) scale.end_ = scale.begin_ + 1;
  return scale;
}

Scale Scale::through(std::span<const double> values) {
  constexpr double kRoom = 0.09;  // of the axis, for a label
  Scale scale;
  if (values.empty()) return scale;
  if (values.front() > 0 && values.back() / values.front() >= 8) scale.kind_ = Kind::kLogarithmic;
  scale.begin_ = scale.warped(values.front());
  scale.end_ = scale.warped(values.back());
  if (scale.end_ <= scale.begin_) scale.end_ = scale.begin_ + 1;
  for (const double value : values) {
    const bool is_last = value == values.back();
    const auto too_close = [&](double other) { return std::abs(scale.position(value) - scale.position(other)) < kRoom; };
    if (is_last || ((scale.ticks_.empty() || !too_close(scale.ticks_.back())) && !too_close(values.back()))) scale.ticks_.push_back(value);
  }
  return scale;
}

Scale Scale::sequence(std::size_t count) {
  Scale scale;
  const double last = count == 0 ? 0 : static_cast<double>(count - 1);
  scale.begin_ = -0.5;
  scale.end_ = last + 0.5;
  const double step = std::max(1.0, std::ceil(last / 4));
  for (double i = last; i >= 0; i -= step) scale.ticks_.insert(scale.ticks_.begin(), i);
  return scale;
}

double Scale::warped(double value) const {
  switch (kind_) {
    case Kind::kLinear:
      break;
    case Kind::kLogarithmic:
      return value > 0 ? std::log10(value) : begin_;
    case Kind::kLogarithmicWithZero:
      return value < decade_ ? std::max(0.0, value / decade_) : 1 + std::log10(value / decade_);
    case Kind::kPercentile:
      return value >= 100 ? end_ : nines(std::clamp(value, 0.0, greatest_below_100_));
  }
  return value;
}

double Scale::position(double value) const {
  if (std::isnan(value)) return 0;
  return std::clamp((warped(value) - begin_) / (end_ - begin_), 0.0, 1.0);
}

}  // namespace wgu::bench
