// Kernels add counters anywhere in a line, so only the names say which is which.
#include "telemetry/host/protocol_counters.h"

#include <algorithm>

#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {

NamedCounters parse_protocol(std::string_view text, std::string_view protocol) {
  NamedCounters counters;
  std::vector<std::string_view> names;
  for (const std::string_view line : lines_of(text)) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.empty() || !words[0].ends_with(':') || words[0].substr(0, words[0].size() - 1) != protocol) continue;
    if (names.empty()) {
      names = words;
      continue;
    }
    for (std::size_t i = 1; i < std::min(names.size(), words.size()); ++i) {
      if (const auto value = number<std::uint64_t>(words[i])) counters.insert_or_assign(std::string(names[i]), *value);
    }
    break;
  }
  return counters;
}

NamedCounters parse_protocol_6(std::string_view text, std::string_view protocol) {
  NamedCounters counters;
  for (const std::string_view line : lines_of(text)) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() != 2 || !words[0].starts_with(protocol)) continue;
    if (const auto value = number<std::uint64_t>(words[1]))
      counters.insert_or_assign(std::string(words[0].substr(protocol.size())), *value);
  }
  return counters;
}

}  // namespace wgu::telemetry
