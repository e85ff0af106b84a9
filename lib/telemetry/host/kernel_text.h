#pragma once
// The kernel's text files: read whole, cut into lines and words, numbers taken exactly. The words point into the text.

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wgu::telemetry {

// None when it cannot be opened or read; an empty file is an empty text.
[[nodiscard]] std::optional<std::string> read_text(const std::string& path);
// For files of one value. None when there is no such file, or nothing in it.
[[nodiscard]] std::optional<std::string> read_line(const std::string& path);

[[nodiscard]] std::vector<std::string_view> split(std::string_view text, std::string_view separators);
[[nodiscard]] inline std::vector<std::string_view> lines_of(std::string_view text) { return split(text, "\n"); }
[[nodiscard]] inline std::vector<std::string_view> words_of(std::string_view line) { return split(line, " \t"); }

// All of `text`, or none: no sign of another type's, no space, nothing behind it, no overflow.
template <std::integral T>
[[nodiscard]] std::optional<T> number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// May stand in a path as one of its parts: interfaces may be named almost anything, but neither "..", nor with a slash.
[[nodiscard]] bool is_path_part(std::string_view name);

}  // namespace wgu::telemetry
