#include "quantities.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>

namespace wgu::status {
namespace {

// Three digits, in the largest unit of which there is one.
template <std::size_t N>
std::string scaled(double value, double step, const std::array<std::string_view, N>& units) {
  std::size_t unit = 0;
  // 999.5 would print as 1000.
  while (unit + 1 < N && std::abs(value) >= step - step / 2000) {
    value /= step;
    ++unit;
  }
  const int digits = unit == 0 || std::abs(value) >= 99.95 ? 0 : std::abs(value) >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f}{}{}", value, digits, units[unit].empty() ? "" : " ", units[unit]);
}

}  // namespace

std::string bytes_text(double bytes) {
  return scaled(bytes, 1024, std::array<std::string_view, 6>{"B", "KiB", "MiB", "GiB", "TiB", "PiB"});
}

std::string count_text(double count) { return scaled(count, 1000, std::array<std::string_view, 5>{"", "k", "M", "G", "T"}); }

std::string bit_rate_text(double bits_a_second) {
  return scaled(bits_a_second, 1000, std::array<std::string_view, 5>{"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"});
}

std::string duration_text(double nanoseconds) { return scaled(nanoseconds, 1000, std::array<std::string_view, 4>{"ns", "us", "ms", "s"}); }

std::string age_text(std::int64_t seconds) {
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 86400) return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{} d", seconds / 86400);
}

}  // namespace wgu::status
