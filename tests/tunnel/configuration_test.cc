// What a change does to a device, as the shards are told of it and as status() shows it.

#include "tunnel/configuration.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <map>
#include <random>

#include "tunnel/packets.h"

namespace wgu::tunnel {
namespace {

PublicKey public_key(std::string_view name) { return key_of(name).public_key(); }

PeerChange peer(std::string_view name, std::initializer_list<const char*> allowed = {}) {
  PeerChange change;
  change.public_key = public_key(name);
  for (const char* text : allowed) change.allowed_ips.push_back({prefix(*text == '-' ? text + 1 : text), *text == '-'});
  return change;
}

template <class... Peers>
DeviceChange with(Peers... peers) {
  DeviceChange change;
  (change.peers.push_back(std::move(peers)), ...);
  return change;
}

class Configurations : public testing::Test {
 protected:
  Configuration::Commit commit(DeviceChange change, bool and_reclaim = true) {
    EXPECT_TRUE(configuration.check(change));
    Configuration::Commit result = configuration.commit(std::move(change));
    if (and_reclaim) configuration.reclaim();
    return result;
  }
  // "name: block block; name: ..." in the order of status().
  std::string text() {
    std::string all;
    for (const PeerStatus& status : configuration.status([](PeerId, PeerStatus&) {}).peers) {
      for (const char* name : {"a", "b", "c", "own"}) {
        if (status.public_key == public_key(name)) all += name;
      }
      all += ':';
      for (const Prefix& block : status.allowed_ips) all += ' ' + block.to_string();
      all += "; ";
    }
    return all;
  }
  PeerId route(const Configuration::Commit& commit, const char* address) { return commit.removals[0].routes.find(ip(address)); }

  Configuration configuration{2};
};

TEST_F(Configurations, PeersStandInTheOrderTheyCame) {
  commit(with(peer("b", {"10.2.0.0/16"}), peer("a", {"10.1.0.0/16", "fd00::/64"})));
  commit(with(peer("c"), peer("b")));
  EXPECT_EQ(text(), "b: 10.2.0.0/16; a: 10.1.0.0/16 fd00::/64; c:; ");
}

TEST_F(Configurations, ABlockMovesToWhoeverGotItLast) {
  commit(with(peer("a", {"10.0.0.0/8", "10.1.0.0/16"}), peer("b")));
  const auto moved = commit(with(peer("b", {"10.1.0.0/16"})));
  EXPECT_EQ(text(), "a: 10.0.0.0/8; b: 10.1.0.0/16; ");
  EXPECT_EQ(route(moved, "10.1.2.3"), configuration.find(public_key("b")));
  EXPECT_EQ(route(moved, "10.2.2.3"), configuration.find(public_key("a")));
  // Within one change too, in order.
  commit(with(peer("a", {"10.1.0.0/16"}), peer("b", {"10.1.0.0/16"}), peer("c", {"10.1.0.0/16"})));
  EXPECT_EQ(text(), "a: 10.0.0.0/8; b:; c: 10.1.0.0/16; ");
}

TEST_F(Configurations, ReplaceAllowedIpsAndTakeAway) {
  commit(with(peer("a", {"10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16"}), peer("b", {"10.3.0.0/16"})));
  commit(with(peer("a", {"-10.1.0.0/16", "-10.3.0.0/16", "-10.9.0.0/16"})));
  EXPECT_EQ(text(), "a: 10.0.0.0/8 10.2.0.0/16; b: 10.3.0.0/16; ") << "only what it had itself";
  PeerChange replaced = peer("a", {"10.4.0.0/16"});
  replaced.replace_allowed_ips = true;
  const auto after = commit(with(std::move(replaced)));
  EXPECT_EQ(text(), "a: 10.4.0.0/16; b: 10.3.0.0/16; ");
  EXPECT_FALSE(route(after, "10.2.0.1").is_set());
}

// Blocks that come, go and move between peers at random, beside a map: whatever a peer's list still holds of former blocks, status()
// tells those that it has, in order and once.
TEST_F(Configurations, ListsAgreeWithAModelHoweverBlocksMove) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 source(seed);
  const auto random = [&source](unsigned bound) { return static_cast<unsigned>(source()) % bound; };
  const std::array<std::string, 3> names = {"a", "b", "c"};
  const std::array<const char*, 8> blocks = {"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32",
                                             "::/0",      "fd00::/8",   "fd00::/64",   "fd00::1/128"};
  std::map<Prefix, std::string> model;
  commit(with(peer("a"), peer("b"), peer("c")));
  for (int round = 0; round < 300; ++round) {
    DeviceChange change;
    for (unsigned i = random(3); i < 3; ++i) {
      const std::string& name = names[random(3)];
      PeerChange& to = change.peers.emplace_back(peer(name));
      to.replace_allowed_ips = random(8) == 0;
      if (to.replace_allowed_ips) std::erase_if(model, [&](const auto& entry) { return entry.second == name; });
      for (unsigned n = random(6); n > 0; --n) {
        const Prefix block = prefix(blocks[random(8)]);
        const bool is_removed = random(3) == 0;
        to.allowed_ips.push_back({block, is_removed});
        if (!is_removed) {
          model[block] = name;
        } else if (const auto entry = model.find(block); entry != model.end() && entry->second == name) {
          model.erase(entry);
        }
      }
    }
    commit(std::move(change));
    std::string expected;
    for (const std::string& name : names) {
      expected += name + ':';
      for (const auto& [block, owner] : model) {
        if (owner == name) expected += ' ' + block.to_string();
      }
      expected += "; ";
    }
    ASSERT_EQ(text(), expected) << round;
  }
}

TEST_F(Configurations, RemoveUpdateOnlyReplacePeers) {
  commit(with(peer("a", {"10.1.0.0/16"}), peer("b", {"10.2.0.0/16"})));
  PeerChange absent = peer("c", {"10.2.0.0/16"});
  absent.update_only = true;
  commit(with(std::move(absent)));
  EXPECT_EQ(text(), "a: 10.1.0.0/16; b: 10.2.0.0/16; ") << "update_only adds nobody, and takes nothing from others";
  PeerChange gone = peer("a", {"10.2.0.0/16"});
  gone.remove = true;
  const auto removed = commit(with(std::move(gone)));
  EXPECT_EQ(text(), "b: 10.2.0.0/16; ");
  EXPECT_FALSE(route(removed, "10.1.0.1").is_set());
  DeviceChange replaced = with(peer("c", {"10.2.0.0/16"}));
  replaced.replace_peers = true;
  commit(std::move(replaced));
  EXPECT_EQ(text(), "c: 10.2.0.0/16; ");
}

TEST_F(Configurations, RemovedAndAddedAgainInOneChangeIsANewPeer) {
  commit(with(peer("a", {"10.1.0.0/16"})));
  const PeerId before = *configuration.find(public_key("a"));
  PeerChange gone = peer("a");
  gone.remove = true;
  const auto both = commit(with(std::move(gone), peer("a", {"10.9.0.0/16"})), false);
  const PeerId after = *configuration.find(public_key("a"));
  EXPECT_NE(before, after);
  EXPECT_FALSE(before.slot == after.slot && before.home == after.home) << "the old tenant is still in its slot";
  EXPECT_EQ(text(), "a: 10.9.0.0/16; ");
  ASSERT_EQ(both.additions[after.home].peers.size(), 1u);
  EXPECT_TRUE(both.additions[after.home].peers[0].is_new);
  ASSERT_EQ(both.removals[0].directory.size(), 1u);
  EXPECT_EQ(both.removals[0].directory[0].second, before);
  ASSERT_EQ(both.additions[1].directory.size(), 1u) << "every shard learns where everybody is";
}

TEST_F(Configurations, ASlotIsReusedAfterReclaimAndUnderAnotherGeneration) {
  commit(with(peer("a"), peer("b")));
  const PeerId a = *configuration.find(public_key("a"));
  PeerChange gone = peer("a");
  gone.remove = true;
  commit(with(std::move(gone)), false);
  commit(with(peer("c")), false);
  EXPECT_NE(configuration.find(public_key("c"))->slot, a.slot);
  configuration.reclaim();
  commit(with(peer("own")));
  const PeerId reused = *configuration.find(public_key("own"));
  PeerChange c_gone = peer("c");
  c_gone.remove = true;
  commit(with(std::move(c_gone)));
  commit(with(peer("a")));
  bool is_reused = false;
  for (const PeerId id : {reused, *configuration.find(public_key("a"))}) {
    if (id.home == a.home && id.slot == a.slot) {
      is_reused = true;
      EXPECT_NE(id.generation, a.generation);
    }
  }
  EXPECT_TRUE(is_reused);
}

TEST_F(Configurations, ThePrivateKeyRemovesItsOwnPeer) {
  commit(with(peer("own", {"10.1.0.0/16"}), peer("a")));
  DeviceChange change = with(peer("own", {"10.1.0.0/16"}), peer("b"));
  change.private_key = key_of("own");
  const auto set = commit(std::move(change));
  EXPECT_EQ(text(), "a:; b:; ");
  EXPECT_FALSE(route(set, "10.1.0.1").is_set());
  EXPECT_EQ(configuration.status([](PeerId, PeerStatus&) {}).public_key, public_key("own"));
  for (const ShardAdditions& shard : set.additions) EXPECT_TRUE(shard.private_key.has_value());
  DeviceChange cleared = with(peer("own"));
  cleared.private_key = PrivateKey();
  commit(std::move(cleared));
  EXPECT_EQ(text(), "a:; b:; own:; ");
}

TEST_F(Configurations, WhatIsWrongIsSaidAndChangesNothing) {
  commit(with(peer("a", {"10.1.0.0/16"})));
  PeerChange no_port = peer("b");
  no_port.endpoint = Endpoint{ip("192.0.2.1"), 0};
  PeerChange no_address = peer("b");
  no_address.endpoint = Endpoint{{}, 51820};
  PeerChange host_bits = peer("b");
  host_bits.allowed_ips.push_back({Prefix{ip("10.1.2.3"), 16}});
  PeerChange too_long = peer("b");
  too_long.allowed_ips.push_back({Prefix{ip("10.1.2.3"), 33}});
  PeerChange no_family = peer("b");
  no_family.allowed_ips.push_back({Prefix{{}, 0}});
  for (PeerChange* bad : {&no_port, &no_address, &host_bits, &too_long, &no_family}) {
    DeviceChange change = with(peer("c", {"10.1.0.0/16"}), std::move(*bad));
    change.replace_peers = true;
    const auto result = configuration.check(change);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, EINVAL);
    EXPECT_NE(result.error().message.find(public_key("b").base64()), std::string::npos) << result.error().message;
  }
  EXPECT_EQ(text(), "a: 10.1.0.0/16; ");
}

TEST_F(Configurations, NoMorePeersThanTheKernelAllows) {
  DeviceChange many;
  for (std::size_t i = 0; i <= 1U << 20; ++i) {
    PeerChange& added = many.peers.emplace_back();
    noise::store64(added.public_key.bytes.data(), i + 1);
  }
  const auto result = configuration.check(many);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ENOSPC);
  many.peers.pop_back();
  EXPECT_TRUE(configuration.check(many));
}

TEST_F(Configurations, HomesStayEven) {
  DeviceChange many;
  for (std::size_t i = 0; i < 100; ++i) noise::store64(many.peers.emplace_back().public_key.bytes.data(), i + 1);
  const auto first = commit(std::move(many));
  EXPECT_EQ(first.additions[0].peers.size(), 50u);
  EXPECT_EQ(first.additions[1].peers.size(), 50u);
}

TEST_F(Configurations, HomesAreToldOnlyToWhoAsked) { EXPECT_TRUE(commit(with(peer("a", {"10.1.0.0/16"}))).homes.empty()); }

// The changes of homes, carried out one after the other, say for each prefix what the routes say.
TEST_F(Configurations, HomesFollowTheRoutes) {
  configuration.tell_homes(true);
  std::map<Prefix, std::uint16_t> homes;
  const auto follow = [&](DeviceChange change) {
    const auto done = commit(std::move(change));
    for (const auto& [block, home] : done.homes) {
      if (home) {
        homes[block] = *home;
      } else {
        homes.erase(block);
      }
    }
    std::map<Prefix, std::uint16_t> routed;
    for (const PeerStatus& status : configuration.status([](PeerId, PeerStatus&) {}).peers) {
      for (const Prefix& block : status.allowed_ips) routed[block] = done.removals[0].routes.find(block.address).home;
    }
    EXPECT_EQ(homes, routed) << text();
    return done.homes.size();
  };
  EXPECT_EQ(follow(with(peer("a", {"10.1.0.0/16", "fd00::/64"}), peer("b", {"10.2.0.0/16"}), peer("c", {"10.3.0.0/16"}))), 4u);
  EXPECT_EQ(homes.size(), 4u);
  EXPECT_NE(homes.at(prefix("10.1.0.0/16")), homes.at(prefix("10.2.0.0/16"))) << "peers live on both shards";
  EXPECT_EQ(follow(with(peer("a", {"10.1.0.0/16"}))), 0u) << "nothing new";
  EXPECT_EQ(follow(with(peer("b", {"10.1.0.0/16"}))), 1u) << "moves to another home";
  EXPECT_EQ(follow(with(peer("c", {"fd00::/64"}))), 0u) << "moves to another peer of the same home";
  EXPECT_EQ(follow(with(peer("b", {"-10.1.0.0/16", "-10.9.0.0/16"}))), 1u) << "the second was nobody's";
  PeerChange replaced = peer("c", {"10.4.0.0/16"});
  replaced.replace_allowed_ips = true;
  EXPECT_EQ(follow(with(std::move(replaced))), 3u);
  PeerChange removed = peer("b");
  removed.remove = true;
  EXPECT_EQ(follow(with(std::move(removed))), 1u);
  DeviceChange all = with(peer("a", {"0.0.0.0/0"}));
  all.replace_peers = true;
  follow(std::move(all));
  EXPECT_EQ(homes.size(), 1u);
}

}  // namespace
}  // namespace wgu::tunnel
