// /proc/net/dev:  Inter-| Receive | Transmit      the header's two lines tell the columns; `drop` of /proc is rx_dropped plus
//                  face |bytes packets ... |...   rx_missed_errors of /sys, which keeps them apart
//                  eth0: 1 2 ...
#include "telemetry/host/interface_counters.h"

#include <algorithm>
#include <array>

#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {
namespace {

void put(InterfaceDirection& direction, std::string_view name, std::optional<std::uint64_t> value) {
  if (name == "bytes") direction.bytes = value;
  if (name == "packets") direction.packets = value;
  if (name == "errs") direction.errors = value;
  if (name == "drop") direction.dropped = value;
  if (name == "fifo") direction.fifo_errors = value;
}

std::optional<std::uint64_t> read_number(const std::string& path) {
  const auto line = read_line(path);
  return line ? number<std::uint64_t>(*line) : std::nullopt;
}

InterfaceDirection read_direction(const std::string& prefix) {
  InterfaceDirection direction;
  direction.bytes = read_number(prefix + "bytes");
  direction.packets = read_number(prefix + "packets");
  direction.errors = read_number(prefix + "errors");
  direction.dropped = read_number(prefix + "dropped");
  direction.fifo_errors = read_number(prefix + "fifo_errors");
  direction.missed_errors = read_number(prefix + "missed_errors");
  return direction;
}

}  // namespace

std::map<std::string, InterfaceCounters, std::less<>> parse_net_dev(std::string_view text) {
  std::map<std::string, InterfaceCounters, std::less<>> interfaces;
  std::vector<std::string_view> receive;
  std::vector<std::string_view> transmit;
  for (const std::string_view line : lines_of(text)) {
    if (const std::vector<std::string_view> parts = split(line, "|"); parts.size() == 3) {
      receive = words_of(parts[1]);
      transmit = words_of(parts[2]);
      continue;
    }
    // The name ends at the last colon: old alias interfaces have one in it.
    const std::size_t colon = line.rfind(':');
    if (colon == std::string_view::npos) continue;
    const std::vector<std::string_view> name = words_of(line.substr(0, colon));
    const std::vector<std::string_view> values = words_of(line.substr(colon + 1));
    if (name.size() != 1 || receive.empty() || values.size() != receive.size() + transmit.size()) continue;
    InterfaceCounters& counters = interfaces[std::string(name[0])];
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool is_received = i < receive.size();
      put(is_received ? counters.receive : counters.transmit, is_received ? receive[i] : transmit[i - receive.size()],
          number<std::uint64_t>(values[i]));
    }
  }
  return interfaces;
}

std::optional<InterfaceCounters> read_interface(const std::string& root, std::string_view interface_name) {
  if (!is_path_part(interface_name)) return std::nullopt;
  const std::string statistics = root + "/sys/class/net/" + std::string(interface_name) + "/statistics/";
  InterfaceCounters counters{read_direction(statistics + "rx_"), read_direction(statistics + "tx_")};
  if (counters != InterfaceCounters{}) return counters;
  const auto net_dev = read_text(root + "/proc/net/dev");
  if (!net_dev) return std::nullopt;
  const auto interfaces = parse_net_dev(*net_dev);
  const auto found = interfaces.find(interface_name);
  return found == interfaces.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace wgu::telemetry
