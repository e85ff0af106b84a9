// Tables of the kernel's, which grow columns and lines from version to version: columns are found by their header or, in
// softnet_stat, which has none, by the width of the row.
#include "bench/host_counters.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <vector>

namespace wgu::bench {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) return parts;
    text.remove_prefix(begin);
    parts.push_back(text.substr(0, text.find_first_of(separators)));
    text.remove_prefix(parts.back().size());
  }
}

std::optional<std::uint64_t> number(std::string_view text, int base = 10) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(value) : std::nullopt;
}

void put(HostCounters& counters, const std::string& name, std::optional<std::uint64_t> value) {
  if (value) counters.insert_or_assign(name, *value);
}

}  // namespace

HostCounters parse_softnet_stat(std::string_view text) {
  constexpr std::size_t kLeastWidth = 9;   // since 2.6; narrower is something else
  constexpr std::size_t kReceivedRps = 9;  // from 10 columns
  constexpr std::size_t kFlowLimit = 10;   // from 11
  constexpr std::size_t kCpu = 12;         // from 13; before, rows are the CPUs that are online, in their order
  HostCounters counters;
  std::uint64_t row = 0;
  for (const std::string_view line : split(text, "\n")) {
    const std::vector<std::string_view> columns = split(line, " ");
    if (columns.size() < kLeastWidth) continue;
    const auto cpu = columns.size() > kCpu ? number(columns[kCpu], 16) : std::optional(row);
    ++row;
    if (!cpu) continue;
    const std::string prefix = "softnet/" + std::to_string(*cpu) + "/";
    put(counters, prefix + "processed", number(columns[0], 16));
    put(counters, prefix + "dropped", number(columns[1], 16));
    put(counters, prefix + "time_squeeze", number(columns[2], 16));
    if (columns.size() > kReceivedRps) put(counters, prefix + "received_rps", number(columns[kReceivedRps], 16));
    if (columns.size() > kFlowLimit) put(counters, prefix + "flow_limit", number(columns[kFlowLimit], 16));
  }
  return counters;
}

HostCounters parse_udp(std::string_view snmp) {
  HostCounters counters;
  std::vector<std::string_view> names;
  for (const std::string_view line : split(snmp, "\n")) {
    const std::vector<std::string_view> words = split(line, " ");
    if (words.empty() || words[0] != "Udp:") continue;
    if (names.empty()) {
      names = words;
      continue;
    }
    for (std::size_t i = 1; i < std::min(names.size(), words.size()); ++i) put(counters, "udp/" + std::string(names[i]), number(words[i]));
    break;
  }
  return counters;
}

HostCounters parse_udp6(std::string_view snmp6) {
  constexpr std::string_view kPrefix = "Udp6";
  HostCounters counters;
  for (const std::string_view line : split(snmp6, "\n")) {
    const std::vector<std::string_view> words = split(line, " \t");
    if (words.size() == 2 && words[0].starts_with(kPrefix)) {
      put(counters, "udp6/" + std::string(words[0].substr(kPrefix.size())), number(words[1]));
    }
  }
  return counters;
}

HostCounters parse_stat(std::string_view stat, std::uint64_t ticks_per_second) {
  constexpr std::array kStates = {"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"};
  constexpr std::uint64_t kMilliseconds = 1000;
  HostCounters counters;
  for (const std::string_view line : split(stat, "\n")) {
    const std::vector<std::string_view> words = split(line, " ");
    if (words.size() < 2) continue;
    if (words[0] == "intr") put(counters, "interrupts", number(words[1]));
    if (words[0] == "ctxt") put(counters, "context_switches", number(words[1]));
    const auto cpu = words[0].starts_with("cpu") ? number(words[0].substr(3)) : std::nullopt;  // the line "cpu" is their sum
    if (!cpu) continue;
    for (std::size_t i = 0; i < std::min(kStates.size(), words.size() - 1); ++i) {
      const auto ticks = number(words[i + 1]);
      if (ticks) put(counters, "cpu/" + std::to_string(*cpu) + "/" + kStates[i], *ticks * kMilliseconds / ticks_per_second);
    }
  }
  return counters;
}

HostCounters read_host_counters(const std::string& root) {
  const long ticks = sysconf(_SC_CLK_TCK);
  HostCounters counters;
  if (ticks > 0) counters = parse_stat(contents(root + "/proc/stat"), static_cast<std::uint64_t>(ticks));
  counters.merge(parse_softnet_stat(contents(root + "/proc/net/softnet_stat")));
  counters.merge(read_udp_counters(root));
  return counters;
}

HostCounters read_udp_counters(const std::string& root) {
  // Of the thread rather than the process: a testbed's namespace is visited by one thread.
  const bool has_threads = !contents(root + "/proc/thread-self/net/snmp").empty();
  const std::string net = root + (has_threads ? "/proc/thread-self/net/" : "/proc/net/");
  HostCounters counters = parse_udp(contents(net + "snmp"));
  counters.merge(parse_udp6(contents(net + "snmp6")));
  return counters;
}

void add(HostCounters& sum, const HostCounters& more) {
  for (const auto& [name, count] : more) sum[name] += count;
}

HostCounters counted_between(const HostCounters& before, const HostCounters& after) {
  HostCounters difference;
  for (const auto& [name, end] : after) {
    const auto begin = before.find(name);
    if (begin == before.end()) continue;
    if (name.starts_with("softnet/")) {
      difference[name] = static_cast<std::uint32_t>(end - begin->second);
    } else if (end >= begin->second) {
      difference[name] = end - begin->second;
    }
  }
  return difference;
}

}  // namespace wgu::bench
