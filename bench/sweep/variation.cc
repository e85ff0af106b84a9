// A value is whatever stands between two commas; what it means is up to the command.
#include "bench/sweep/variation.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <tuple>

#include "values/quote_value.h"

namespace wgu::bench {
namespace {

constexpr std::string_view kEnvironment = "ENV:";

Error refused(std::string_view text, const std::string& why) { return {EINVAL, quote_value(text) + ": " + why}; }

bool is_name(std::string_view name, std::string_view also) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || also.find(c) != std::string_view::npos;
  });
}

// Notes stand one after the other, each once.
void add_note(std::string& notes, const std::string& more) {
  constexpr std::string_view kBetween = "; ";
  const std::string all = std::string(kBetween) + notes + std::string(kBetween);
  if (more.empty() || all.find(std::string(kBetween) + more + std::string(kBetween)) != std::string::npos) return;
  if (!notes.empty()) notes += kBetween;
  notes += more;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

Result<Variation> parse_variation(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return refused(text, "KEY=V1,V2,... is expected");
  std::string_view key = text.substr(0, equals);
  Variation variation;
  variation.is_environment = key.starts_with(kEnvironment);
  if (variation.is_environment) {
    key.remove_prefix(kEnvironment.size());
    if (!is_name(key, "_")) return refused(text, "ENV: is followed by the name of an environment variable");
  } else {
    key.remove_prefix(std::min(key.find_first_not_of('-'), key.size()));
    if (!is_name(key, "-_")) return refused(text, "the name of an option is expected in front of \"=\"");
    if (key == "out") return refused(text, "where the results go is not what is measured");
  }
  variation.name = key;
  variation.values = split(text.substr(equals + 1));
  if (variation.values.size() < 2) return refused(text, "at least two values are needed, with a comma between them");
  for (auto value = variation.values.begin(); value != variation.values.end(); ++value) {
    if (value->empty()) return refused(text, "a value is empty");
    if (std::find(variation.values.begin(), value, *value) != value) return refused(text, quote_value(*value) + " is there twice");
  }
  return variation;
}

std::string Variation::key() const { return (is_environment ? std::string(kEnvironment) : std::string()) + name; }

std::vector<std::string> Variation::arguments(const std::string& value) const {
  return is_environment ? std::vector<std::string>{} : std::vector<std::string>{"--" + name + "=" + value};
}

Settings Variation::environment(const std::string& value) const { return is_environment ? Settings{{name, value}} : Settings{}; }

std::string Variation::file_name(const std::string& prefix, const std::string& value) const {
  std::string last = name + "=" + value;
  std::replace_if(
      last.begin(), last.end(), [](char c) { return !is_name(std::string_view(&c, 1), "=._-+:"); }, '_');
  return prefix + "-" + last + ".json";
}

std::size_t turn(std::size_t round, std::size_t place, std::size_t values) { return (round + place) % values; }

void add_round(Results& sum, const Results& round) {
  for (const Row& row : round.rows) {
    const auto same = std::find_if(sum.rows.begin(), sum.rows.end(), [&](const Row& each) {
      return std::tie(each.name, each.subject, each.metric) == std::tie(row.name, row.subject, row.metric);
    });
    if (same == sum.rows.end()) {
      sum.rows.push_back(row);
    } else {
      same->samples.insert(same->samples.end(), row.samples.begin(), row.samples.end());
      if (same->limit != row.limit) add_note(same->note, "limited by " + std::string(limit_name(row.limit)) + " in some rounds");
      add_note(same->note, row.note);
    }
  }
  for (const auto& entry : round.left_out) {
    if (std::find(sum.left_out.begin(), sum.left_out.end(), entry) == sum.left_out.end()) sum.left_out.push_back(entry);
  }
  sum.seconds += round.seconds;
  sum.host_after = round.host_after;
}

}  // namespace wgu::bench
