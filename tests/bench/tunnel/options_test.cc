#include "bench/tunnel/options.h"

#include <gtest/gtest.h>

namespace wgu::bench {
namespace {

TEST(ParsePeer, SplitsAtTheFirstEquals) {
  const auto peer = parse_peer("boringtun=env WG_SUDO=true boringtun-cli {}");
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->name, "boringtun");
  EXPECT_EQ(peer->command, "env WG_SUDO=true boringtun-cli {}");
}

TEST(ParsePeer, RefusesWhatIsNoPeer) {
  for (const char* wrong : {"", "name", "=command", "name=", "name=  ", "veth=x", "wgu=x", "null cipher=x"}) {
    EXPECT_FALSE(parse_peer(wrong)) << wrong;
  }
}

TEST(SettingsOf, TellRunsApartThatMeasureDifferentThings) {
  TunnelOptions options;
  const Settings plain = settings_of(options);
  EXPECT_EQ(plain.at("profile"), "default");
  EXPECT_EQ(plain.at("wire_gso"), "on");
  EXPECT_EQ(plain.at("ip"), "4");
  options.testbed.has_wire_gso = false;
  EXPECT_NE(settings_of(options), plain);
  options = {};
  options.peers = {{"other", "command"}};
  EXPECT_EQ(settings_of(options).at("peer/other"), "command");
  options = {};
  options.testbed.family = Family::kIpv6;
  EXPECT_EQ(settings_of(options).at("ip"), "6");
  EXPECT_NE(settings_of(options), plain);
  options = {};
  options.files.out = "/somewhere";
  EXPECT_EQ(settings_of(options), plain) << "where results go measures nothing";
}

}  // namespace
}  // namespace wgu::bench
