#include "bench/lab/many_peers.h"

#include <gtest/gtest.h>

#include <set>

namespace wgu::bench {
namespace {

TEST(ManyPeers, EachHasAKeyAndAddressesOfItsOwn) {
  const auto peers = many_peers(30, 100, Family::kIpv4);
  ASSERT_EQ(peers.size(), 30U);
  std::set<std::string> keys;
  std::set<Prefix> prefixes;
  for (const PeerChange& peer : peers) {
    keys.insert(peer.public_key.base64());
    EXPECT_EQ(peer.allowed_ips.size(), 100U);
    EXPECT_FALSE(peer.endpoint);
    for (const auto& allowed : peer.allowed_ips) prefixes.insert(allowed.prefix);
  }
  EXPECT_EQ(keys.size(), 30U);
  EXPECT_EQ(prefixes.size(), 3000U);
  EXPECT_EQ(prefixes.begin()->to_string(), "10.0.0.0/32");
  EXPECT_EQ(prefixes.rbegin()->to_string(), "10.0.11.183/32");
}

TEST(ManyPeers, AreOfTheFamilyThatWasAskedFor) {
  const auto peers = many_peers(2, 300, Family::kIpv6);
  EXPECT_EQ(peers[0].allowed_ips.front().prefix.to_string(), "fd10::/128");
  EXPECT_EQ(peers[1].allowed_ips.back().prefix.to_string(), "fd10::257/128");
}

// Whoever takes a testbed's own addresses ends its traffic.
TEST(ManyPeers, AMillionAddressesAreNoTestbeds) {
  const auto inner = Prefix::parse("10.77.0.0/16").value();
  const auto peers = many_peers(2, 500'000, Family::kIpv4);
  for (const PeerChange& peer : peers) {
    EXPECT_FALSE(inner.contains(peer.allowed_ips.front().prefix.address));
    EXPECT_FALSE(inner.contains(peer.allowed_ips.back().prefix.address));
  }
  EXPECT_EQ(peers[1].allowed_ips.back().prefix.to_string(), "10.15.66.63/32") << "they rise one by one, so none of them is in there";
}

}  // namespace
}  // namespace wgu::bench
