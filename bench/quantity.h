#pragma once
// Numbers for people: engineering units, three digits that mean something. For the page and, in ASCII, for the tables on a terminal.

#include <string>
#include <string_view>

#include "bench/results.h"

namespace wgu::bench {

// In what a quantity is shown: value / divisor, then the label. One for all values of a chart, so that they can be compared by eye.
struct DisplayUnit {
  double divisor = 1;
  std::string label;  // "Gbit/s", "µs", "%"; empty for a plain number
};

// A unit of results.h -> the display unit in which `greatest` has one to three digits before the point. Seconds are never kiloseconds,
// bytes go by 1024; a unit that takes no prefix (s/GB) keeps its own. kFraction is the unit "1" of what is read as per cent.
inline constexpr std::string_view kFraction = "fraction";
[[nodiscard]] DisplayUnit display_unit(std::string_view unit, double greatest);

// The unit of a row or a curve; kFraction instead of "1" for a part of a whole: what was lost, sent again, kept.
[[nodiscard]] std::string_view unit_of(std::string_view unit, std::string_view metric);

// Three significant digits: "9.21", "163", "12 300" (with narrow spaces), "0.00123", "1.2×10⁻⁹".
[[nodiscard]] std::string format_number(double value);
[[nodiscard]] std::string format_quantity(double value, const DisplayUnit& unit);  // "9.21 Gbit/s"
[[nodiscard]] std::string format_quantity(double value, std::string_view unit);    // in the unit that suits it best
[[nodiscard]] std::string format_plainly(double value, std::string_view unit);     // the same in ASCII, for terminals: "48.1 us"
[[nodiscard]] std::string format_share(double share);                              // "61 %", "2.1 %"
[[nodiscard]] std::string format_duration(double seconds);                         // "4 min 10 s"

// "p99 latency", "CPU seconds per GB": what a metric of results.h is called in a heading.
[[nodiscard]] std::string metric_title(std::string_view metric);
// "tcp/streams:1/forward" -> "tcp · streams 1 · forward"
[[nodiscard]] std::string name_title(std::string_view name);

[[nodiscard]] std::string_view limit_title(Limit limit);  // "CPU"; empty when it is not known

}  // namespace wgu::bench
