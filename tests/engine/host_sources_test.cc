#include "engine/host_sources.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>

namespace wgu::engine {
namespace {

io::FileDescriptor udp_socket() { return io::FileDescriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }

TEST(HostSources, NameTheDeviceAndEachSocketThatThereIs) {
  std::optional<io::UdpBinding> binding(std::in_place);
  binding->workers.resize(2);
  for (auto& worker : binding->workers) worker.v4 = udp_socket();
  binding->workers[1].v6 = udp_socket();
  const wgu::HostSources sources = host_sources("wg7", binding);
  EXPECT_EQ(std::count(sources.interfaces.begin(), sources.interfaces.end(), "wg7"), 1);
  std::vector<std::string> labels;
  for (const auto& socket : sources.sockets) labels.push_back(socket.label);
  EXPECT_EQ(labels, (std::vector<std::string>{"0/ipv4", "1/ipv4", "1/ipv6"}));
  const auto readings = read_host(sources);
  EXPECT_EQ(std::count_if(readings.begin(), readings.end(),
                          [](const HostReading& each) { return each.metric == HostMetric::kSocketReceiveLimit && each.value > 0; }),
            3);
}

TEST(HostSources, HaveNoSocketsWhileTheInterfaceIsDown) {
  EXPECT_TRUE(host_sources("wg7", std::nullopt).sockets.empty());
  EXPECT_EQ(host_sources("", std::nullopt).interfaces, network_cards("")) << "a device without a name is not looked for";
}

}  // namespace
}  // namespace wgu::engine
