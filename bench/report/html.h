#pragma once
// Markup that is safe by construction. Names of peers, notes and whole files come from elsewhere: any text put into a pattern is
// escaped, and only what was made by html() goes in as it is. Every pattern is also well-formed XML, so that a test can parse the page.

#include <fmt/format.h>

#include <concepts>
#include <string>
#include <string_view>

namespace wgu::bench {

struct Html {
  std::string markup;

  Html& operator+=(const Html& other) {
    markup += other.markup;
    return *this;
  }
  [[nodiscard]] bool empty() const noexcept { return markup.empty(); }
};

// For element content and for attributes in double quotes. What HTML and XML may not hold (controls, broken UTF-8), and what would
// turn the direction of the text around it, becomes U+FFFD.
[[nodiscard]] std::string escaped(std::string_view text);

// A number for an attribute: two decimals at most, always with a point, never "nan" or "inf" (zero instead).
[[nodiscard]] std::string coordinate(double value);

namespace detail {
template <class T>
struct AsText {
  using type = std::string;
};
inline std::string safe(const Html& html) { return html.markup; }
inline std::string safe(std::string_view text) { return escaped(text); }
inline std::string safe(double value) { return coordinate(value); }
inline std::string safe(std::integral auto value) { return fmt::format("{}", value); }
}  // namespace detail

// Fills each {} of the pattern: Html as it is, text escaped, a number as coordinate().
template <class... Arguments>
[[nodiscard]] Html html(fmt::format_string<typename detail::AsText<Arguments>::type...> pattern, const Arguments&... arguments) {
  return Html{fmt::format(pattern, detail::safe(arguments)...)};
}

}  // namespace wgu::bench
