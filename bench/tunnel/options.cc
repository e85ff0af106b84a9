#include "bench/tunnel/options.h"

#include <fmt/format.h>

#include <cerrno>

namespace wgu::bench {

Result<Subject> parse_peer(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return Error{EINVAL, fmt::format("--peer {}: expected NAME=COMMAND", text)};
  const std::string name(text.substr(0, equals));
  const std::string command(text.substr(equals + 1));
  if (name.empty()) return Error{EINVAL, fmt::format("--peer {}: a NAME is missing before '='", text)};
  if (command.find_first_not_of(' ') == std::string::npos)
    return Error{EINVAL, fmt::format("--peer {}: a COMMAND is missing after '='", text)};
  if (name == kBare || name == kNull || name == kWgu)
    return Error{EINVAL, fmt::format("--peer {}: {} is always part of the run", text, name)};
  return Subject{name, command};
}

Settings settings_of(const TestbedOptions& options) {
  return {{"ip", fmt::format("{}", static_cast<int>(options.family))},
          {"inner_mtu", std::to_string(options.inner_mtu)},
          {"outer_mtu", std::to_string(options.outer_mtu())},
          {"wire_gso", options.has_wire_gso ? "on" : "off"}};
}

Settings settings_of(const TunnelOptions& options) {
  Settings settings = {
      {"rounds", std::to_string(options.rounds)},
      {"seconds", fmt::format("{}", options.seconds)},
      {"warm_up", fmt::format("{}", options.warm_up)},
      {"profile", options.is_full ? "full" : "default"},
      {"rows", options.rows},
      {"privileges", options.is_root ? "root" : "user namespace"},
  };
  settings.merge(settings_of(options.testbed));
  if (options.is_full) settings["rekey_seconds"] = fmt::format("{}", options.rekey_seconds);
  for (const Subject& peer : options.peers) settings["peer/" + peer.name] = peer.command;
  return settings;
}

}  // namespace wgu::bench
