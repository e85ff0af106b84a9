#include "bench/tunnel/testbed_options.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>

#include "bench/tunnel/options.h"

namespace wgu::bench {

void add_testbed_options(CLI::App& command, TestbedArguments into) {
  command
      .add_option_function<std::vector<std::string>>(
          "--peer",
          [&peers = into.peers](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              auto peer = parse_peer(text);
              if (!peer) throw CLI::ValidationError(peer.error().message);
              peers.push_back(std::move(*peer));
            }
          },
          "NAME='COMMAND': another daemon with the UAPI, measured in turns with wgu; the interface's name replaces {}, or is appended")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("--wgu-tunnel", into.wgu_tunnel, "The daemon to measure (default: the one that was built with this program)")
      ->check(CLI::ExistingFile);
  command.add_option("--mtu", into.testbed.inner_mtu, "MTU inside the tunnels")->check(CLI::Range(576, 9000))->capture_default_str();
  command.add_flag("!--no-wire-gso", into.testbed.has_wire_gso,
                   "A wire that does not pass UDP super-packets on whole, as most network cards: veth flatters who sends them");
  command.add_option("--out", into.out, "Write the results, with every sample, to this file (JSON)");
}

Result<std::string> file_outside_sandbox(const std::string& out) {
  namespace fs = std::filesystem;
  if (out.empty()) return out;
  const auto relative = fs::weakly_canonical(out).lexically_relative(fs::weakly_canonical("/var/run"));
  if (!relative.empty() && *relative.begin() != "..") {
    return Error{EINVAL, fmt::format("--out {}: nothing that is written below /run survives the run", fs::absolute(out).string())};
  }
  return fs::absolute(out).string();
}

}  // namespace wgu::bench
