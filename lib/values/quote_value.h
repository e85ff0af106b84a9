#pragma once
// How an Error shows the value it refuses: in quotes, on one line, of bounded length, whatever bytes a stranger sent.
// Never for secrets.

#include <string>
#include <string_view>

namespace wgu {

inline std::string quote_value(std::string_view value) {
  constexpr std::size_t kShown = 80;  // longer than any address, endpoint or key
  constexpr char kHexDigits[] = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : value.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      text += {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
    } else {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
  }
  text += value.size() > kShown ? "\"..." : "\"";
  return text;
}

}  // namespace wgu
