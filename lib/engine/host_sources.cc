#include "engine/host_sources.h"

namespace wgu::engine {

HostSources host_sources(const std::string& interface_name, const std::optional<io::UdpBinding>& binding) {
  HostSources sources;
  sources.interfaces = network_cards(sources.root);
  if (!interface_name.empty()) sources.interfaces.push_back(interface_name);
  for (std::size_t worker = 0; binding && worker < binding->workers.size(); ++worker) {
    const auto& [v4, v6] = binding->workers[worker];
    if (v4) sources.sockets.push_back({std::to_string(worker) + "/ipv4", v4.get()});
    if (v6) sources.sockets.push_back({std::to_string(worker) + "/ipv6", v6.get()});
  }
  return sources;
}

}  // namespace wgu::engine
