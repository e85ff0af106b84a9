#include "bench/tunnel/testbed_options.h"

#include <fmt/format.h>

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
  command
      .add_option_function<int>(
          "--ip", [&family = into.testbed.family](int version) { family = version == 6 ? Family::kIpv6 : Family::kIpv4; },
          "IP version of the packets inside the tunnels and of the tunnels' own: 4 (default) or 6")
      ->check(CLI::IsMember({4, 6}));
  command.add_flag("!--no-wire-gso", into.testbed.has_wire_gso,
                   "A wire that does not pass UDP super-packets on whole, as most network cards: veth flatters who sends them");
  command.add_option("--out", into.files.out, "Where the results go, with every sample (JSON; default: wgu-bench-COMMAND-TIME.json here)")
      ->type_name("FILE.json");
  command.add_option("--page", into.files.page, "... and what `report` makes of them (default: FILE.html beside FILE.json)")
      ->type_name("FILE.html");
  command.add_flag("!--no-files", into.files.are_wanted, "Only the table");
}

void check_testbed_options(const TestbedOptions& options) {
  constexpr std::uint32_t kLeastIpv6Mtu = 1280;  // RFC 8200, section 5
  if (options.family == Family::kIpv6 && options.inner_mtu < kLeastIpv6Mtu) {
    throw CLI::ValidationError("--mtu", fmt::format("IPv6 takes at least {}", kLeastIpv6Mtu));
  }
}

void settle_files(ResultFiles& files, const std::string& command) {
  auto settled = settle(std::move(files), command, utc_now());
  if (!settled) throw CLI::ValidationError(settled.error().message);
  files = std::move(*settled);
}

}  // namespace wgu::bench
