#pragma once
// Numbers as texts, without a locale and without rounding what need not be rounded.

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>

namespace wgu::telemetry {

template <std::integral Number>
void append_number(std::string& out, Number value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

// The shortest text that reads as the same number.
inline void append_number(std::string& out, double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

// A counter times its scale, which for nearly all is one.
inline void append_scaled(std::string& out, std::uint64_t value, double scale) {
  if (scale == 1) return append_number(out, value);
  append_number(out, static_cast<double>(value) * scale);
}

}  // namespace wgu::telemetry
