// accept = media-range *( ";" name "=" value ) *( "," ... )      of the ranges that match a format the most specific one gives the weight:
//                                                                type/subtype;version=... > type/subtype > type/* > */*
// Of parameters only `version` (it names the format) and `q` count: a charset is always UTF-8, and others (`escaping` of
// Prometheus 3) ask for what is true of our names anyway. A range with a malformed weight says nothing.
#include "accept.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace {

struct Offer {
  std::string_view type, subtype, version;
};
constexpr Offer kPrometheus{"text", "plain", "0.0.4"};
constexpr Offer kOpenMetrics{"application", "openmetrics-text", "1.0.0"};

struct MediaRange {
  std::string type, subtype, version;  // lower case; version empty: any
  unsigned weight = 1000;              // thousandths
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const std::size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

// Cuts at `separator`, but for those inside quotes.
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      is_quoted = !is_quoted;
    } else if (!is_quoted && text[i] == separator) {
      parts.push_back(trimmed(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  parts.push_back(trimmed(text.substr(begin)));
  return parts;
}

// qvalue = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3"0" ]
std::optional<unsigned> weight_of(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1') || (text.size() > 1 && text[1] != '.')) return std::nullopt;
  unsigned thousandths = text[0] == '1' ? 1000 : 0;
  unsigned scale = 100;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    thousandths += static_cast<unsigned>(digit - '0') * scale;
    scale /= 10;
  }
  return thousandths <= 1000 ? std::optional(thousandths) : std::nullopt;
}

std::optional<MediaRange> parse(std::string_view text) {
  const std::vector<std::string_view> parts = parts_of(text, ';');
  const std::size_t slash = parts[0].find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  MediaRange range{lower(parts[0].substr(0, slash)), lower(parts[0].substr(slash + 1)), {}};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    if (equals == std::string_view::npos) continue;
    const std::string name = lower(trimmed(parts[i].substr(0, equals)));
    std::string_view value = trimmed(parts[i].substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    if (name == "version") range.version = value;
    if (name != "q") continue;
    const auto weight = weight_of(value);
    if (!weight) return std::nullopt;
    range.weight = *weight;
  }
  return range;
}

// 0: does not match.
int specificity(const MediaRange& range, const Offer& offer) {
  if (range.type == "*" && range.subtype == "*") return 1;
  if (range.type != offer.type) return 0;
  if (range.subtype == "*") return 2;
  if (range.subtype != offer.subtype) return 0;
  if (range.version.empty()) return 3;
  return range.version == offer.version ? 4 : 0;
}

unsigned weight_for(const Offer& offer, const std::vector<MediaRange>& ranges) {
  unsigned weight = 0;
  int best = 0;
  for (const MediaRange& range : ranges) {
    const int here = specificity(range, offer);
    if (here > best || (here == best && here > 0 && range.weight > weight)) {
      best = here;
      weight = range.weight;
    }
  }
  return weight;
}

}  // namespace

wgu::MetricsFormat preferred_format(std::string_view accept) {
  std::vector<MediaRange> ranges;
  for (const std::string_view part : parts_of(accept, ',')) {
    if (auto range = parse(part)) ranges.push_back(std::move(*range));
  }
  return weight_for(kOpenMetrics, ranges) > weight_for(kPrometheus, ranges) ? wgu::MetricsFormat::kOpenMetrics
                                                                            : wgu::MetricsFormat::kPrometheus;
}
