// Keys are compared as they stand in the files; a key that only one file has is a difference.
#include "bench/compare/comparable.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

#include "values/quote_value.h"

namespace wgu::bench {
namespace {

constexpr const char* kAbsent = "(absent)";
constexpr std::array<std::string_view, 3> kBuiltWith = {"compiler", "libsodium", "liburing"};

std::string at(const Settings& settings, const std::string& key) {
  const auto entry = settings.find(key);
  return entry == settings.end() ? kAbsent : entry->second;
}

void compare(std::vector<Difference>& found, const Settings& base, const Settings& next) {
  std::set<std::string> keys;
  for (const auto& [key, value] : base) keys.insert(key);
  for (const auto& [key, value] : next) keys.insert(key);
  for (const std::string& key : keys) {
    if (at(base, key) != at(next, key)) found.push_back({key, at(base, key), at(next, key)});
  }
}

Settings machine(const Environment& environment) {
  Settings settings;
  for (const auto& [key, value] : environment) {
    if (must_be_equal(key)) settings.emplace(key, value);
  }
  return settings;
}

std::string build(const Environment& environment) { return value_of(environment, "wgu") + ", " + value_of(environment, "build"); }

bool is_built_with(const std::string& key) { return std::find(kBuiltWith.begin(), kBuiltWith.end(), key) != kBuiltWith.end(); }

}  // namespace

std::vector<Difference> differences(const Results& base, const Results& next) {
  std::vector<Difference> found;
  if (base.command != next.command) found.push_back({"command", base.command, next.command});
  compare(found, base.configuration, next.configuration);
  compare(found, machine(base.environment), machine(next.environment));
  if (build(base.environment) != build(next.environment)) {
    found.push_back({kBuildKey, build(base.environment), build(next.environment)});
  }
  return found;
}

Result<void> check_comparable(const Results& base, const Results& next, const std::string& varies) {
  std::string others;
  for (const Difference& difference : differences(base, next)) {
    if (difference.key == varies || (difference.key == kBuildKey && is_built_with(varies))) continue;
    others += "\n  " + difference.key + ": " + quote_value(difference.base) + " and " + quote_value(difference.next);
  }
  if (others.empty()) return {};
  return Error{EINVAL, "the runs differ in more than \"" + varies + "\", so a difference would say nothing about it:" + others};
}

bool keeps_references(const std::string& varies) { return varies == kBuildKey || is_built_with(varies); }

}  // namespace wgu::bench
