// Strict readers of single values. std::from_chars does the numbers: it takes neither sign, space nor locale, and says when a
// number does not fit.

#include "control/field.h"

#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>

#include "values/quote_value.h"

namespace wgu::control {
namespace {

// Shorter than a key in base64 (43 characters before its '=') or in hex (64).
constexpr std::size_t kMaxNameLength = 32;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name_character(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

Error bad_endpoint(std::string_view text, const char* why) { return {EINVAL, quote_value(text) + why}; }

}  // namespace

std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max) noexcept {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, 10);
  if (text.empty() || error != std::errc{} || stop != end || number > max) return std::nullopt;
  return number;
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  constexpr const char* kNotNumeric = " is not a numeric address and port (host names are not resolved here)";
  const std::size_t percent = text.find('%');
  const std::size_t bracket = text.find(']');
  std::string with_index;
  if (percent != std::string_view::npos && bracket != std::string_view::npos && percent < bracket) {
    const std::string_view scope = text.substr(percent + 1, bracket - percent - 1);
    if (!std::all_of(scope.begin(), scope.end(), is_digit)) {
      const unsigned index = scope.size() < IF_NAMESIZE ? ::if_nametoindex(std::string(scope).c_str()) : 0;
      if (index == 0) return bad_endpoint(text, " names an interface that does not exist");
      with_index.append(text.substr(0, percent + 1)).append(std::to_string(index)).append(text.substr(bracket));
      text = with_index;
    }
  }
  auto endpoint = Endpoint::parse(text);
  if (!endpoint) return bad_endpoint(text, kNotNumeric);
  return endpoint;
}

std::string quoted_name(std::string_view name) {
  const bool is_plausible = name.size() <= kMaxNameLength && std::all_of(name.begin(), name.end(), is_name_character);
  return is_plausible ? quote_value(name) : "(not shown, " + std::to_string(name.size()) + " characters)";
}

}  // namespace wgu::control
