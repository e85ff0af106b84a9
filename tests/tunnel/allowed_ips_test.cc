// Longest-prefix match against a table in the spirit of the kernel's self-test and against a linear model; and the life of
// versions: draft, published, retired, reclaimed.

#include "tunnel/allowed_ips.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace wgu::tunnel {
namespace {

PeerId peer(std::uint32_t slot) { return {.slot = slot, .home = 0, .generation = 0}; }

IpAddress ip(const std::string& text) { return IpAddress::parse(text).value(); }

Prefix block(const std::string& text) { return Prefix::parse(text).value(); }

std::uint32_t printed_seed() {
  const std::uint32_t seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  return seed;
}

struct Lookup {
  const char* address;
  PeerId expected;
};

void expect_lookups(const AllowedIpsView& view, std::initializer_list<Lookup> rows) {
  for (const Lookup& row : rows) EXPECT_EQ(view.find(ip(row.address)).slot, row.expected.slot) << row.address;
}

constexpr PeerId kNobody{};

TEST(AllowedIps, EmptyFindsNobody) {
  const AllowedIps trie;
  expect_lookups(trie.draft(), {{"0.0.0.0", kNobody}, {"255.255.255.255", kNobody}, {"::", kNobody}, {"2001:db8::1", kNobody}});
  EXPECT_FALSE(AllowedIpsView{}.find(ip("10.0.0.1")).is_set());
  EXPECT_FALSE(trie.draft().find(IpAddress{}).is_set());
  EXPECT_EQ(trie.size(), 0U);
  EXPECT_EQ(trie.memory_bytes(), 0U);
}

TEST(AllowedIps, MostSpecificBlockWins) {
  AllowedIps trie;
  const PeerId a = peer(0), b = peer(1), c = peer(2), d = peer(3), e = peer(4), f = peer(5), g = peer(6), h = peer(7);
  trie.insert(block("192.168.4.0/24"), a);
  trie.insert(block("192.168.4.4/32"), b);
  trie.insert(block("192.168.0.0/16"), c);
  trie.insert(block("192.95.5.64/27"), d);
  trie.insert(block("192.95.5.65/27"), c);  // host bits: the same block, replaced
  trie.insert(block("0.0.0.0/0"), e);
  trie.insert(block("64.15.112.0/20"), g);
  trie.insert(block("64.15.123.211/25"), h);
  trie.insert(block("10.0.0.0/25"), a);
  trie.insert(block("10.0.0.128/25"), b);
  trie.insert(block("10.1.0.0/30"), a);
  trie.insert(block("10.1.0.4/30"), b);
  trie.insert(block("10.1.0.8/29"), c);
  trie.insert(block("10.1.0.16/29"), d);
  trie.insert(block("2607:5300:60:6b00::/64"), d);
  trie.insert(block("2607:5300:60:6b00::c05f:543/128"), c);
  trie.insert(block("2607::/16"), e);
  trie.insert(block("2607:5300::/33"), f);
  trie.insert(block("::/0"), g);
  trie.insert(block("2404:6800:4004:800:dead:beef:dead:beef/64"), a);
  trie.insert(block("2404:6800:4004:800:1234:5678:1234:5678/128"), a);
  trie.insert(block("2404:6800:4004:806::1006/128"), c);
  trie.insert(block("2404:6800:4004:806::1234:5678/126"), b);
  trie.insert(block("2404:6800:4004:806::1234:5600/120"), f);
  expect_lookups(trie.draft(), {
                                   {"192.168.4.20", a},
                                   {"192.168.4.0", a},
                                   {"192.168.4.255", a},
                                   {"192.168.4.4", b},
                                   {"192.168.200.182", c},
                                   {"192.95.5.68", c},
                                   {"192.95.5.96", e},
                                   {"255.255.255.255", e},
                                   {"0.0.0.0", e},
                                   {"64.15.116.26", g},
                                   {"64.15.127.3", g},
                                   {"64.15.128.0", e},
                                   {"64.15.123.128", h},
                                   {"64.15.123.1", g},
                                   {"10.0.0.52", a},
                                   {"10.0.0.220", b},
                                   {"10.1.0.2", a},
                                   {"10.1.0.6", b},
                                   {"10.1.0.10", c},
                                   {"10.1.0.20", d},
                                   {"10.1.0.24", e},
                                   {"2607:5300:60:6b00::c05f:543", c},
                                   {"2607:5300:60:6b00::c02e:1ee", d},
                                   {"2607:5300:60:6b01::1", f},
                                   {"2607:5300:8000::1", e},
                                   {"2608::1", g},
                                   {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", g},
                                   {"2404:6800:4004:800::1", a},
                                   {"2404:6800:4004:800:1234:5678:1234:5678", a},
                                   {"2404:6800:4004:806::1006", c},
                                   {"2404:6800:4004:806::1234:5679", b},
                                   {"2404:6800:4004:806::1234:567b", b},
                                   {"2404:6800:4004:806::1234:567c", f},
                                   {"2404:6800:4004:806::1234:56ff", f},
                                   {"2404:6800:4004:806::1234:5700", g},
                               });
  EXPECT_EQ(trie.size(), 23U);  // 24 given, one twice
}

TEST(AllowedIps, HostBitsDoNotCount) {
  AllowedIps trie;
  Prefix dirty{.address = IpAddress::v4(10, 1, 2, 3), .length = 8};  // not through masked()
  EXPECT_FALSE(trie.insert(dirty, peer(1)).is_set());
  EXPECT_EQ(trie.draft().find(ip("10.255.255.255")), peer(1));
  EXPECT_EQ(trie.draft().find(ip("11.0.0.0")), kNobody);
  EXPECT_EQ(trie.owner(block("10.0.0.0/8")), peer(1));
  EXPECT_EQ(trie.insert(block("10.0.0.0/8"), peer(2)), peer(1));
  EXPECT_EQ(trie.size(), 1U);
  EXPECT_TRUE(trie.remove(dirty, peer(2)));
  EXPECT_EQ(trie.size(), 0U);
}

TEST(AllowedIps, ImpossibleBlocksAreNobodys) {
  AllowedIps trie;
  EXPECT_FALSE(trie.insert({.address = IpAddress::v4(10, 0, 0, 0), .length = 33}, peer(1)).is_set());
  EXPECT_FALSE(trie.insert({.address = ip("::"), .length = 129}, peer(1)).is_set());
  EXPECT_FALSE(trie.insert({}, peer(1)).is_set());
  EXPECT_FALSE(trie.remove({.address = IpAddress::v4(10, 0, 0, 0), .length = 33}, peer(1)));
  EXPECT_FALSE(trie.owner({}).is_set());
  EXPECT_EQ(trie.size(), 0U);
}

TEST(AllowedIps, RemovalExposesTheShorterBlock) {
  AllowedIps trie;
  trie.insert(block("10.0.0.0/8"), peer(1));
  trie.insert(block("10.1.0.0/16"), peer(2));
  trie.insert(block("10.1.2.3/32"), peer(3));
  expect_lookups(trie.draft(), {{"10.1.2.3", peer(3)}});
  EXPECT_TRUE(trie.remove(block("10.1.2.3/32"), peer(3)));
  expect_lookups(trie.draft(), {{"10.1.2.3", peer(2)}});
  EXPECT_TRUE(trie.remove(block("10.1.0.0/16"), peer(2)));
  expect_lookups(trie.draft(), {{"10.1.2.3", peer(1)}});
  EXPECT_TRUE(trie.remove(block("10.0.0.0/8"), peer(1)));
  expect_lookups(trie.draft(), {{"10.1.2.3", kNobody}});
}

TEST(AllowedIps, OnlyTheOwnerLosesExactlyThisBlock) {
  AllowedIps trie;
  trie.insert(block("10.0.0.0/8"), peer(1));
  EXPECT_FALSE(trie.remove(block("10.0.0.0/8"), peer(2)));
  EXPECT_FALSE(trie.remove(block("10.0.0.0/8"), {.slot = 1, .home = 0, .generation = 9}));  // a later tenant of the slot
  EXPECT_FALSE(trie.remove(block("10.0.0.0/9"), peer(1)));
  EXPECT_FALSE(trie.remove(block("10.0.0.0/7"), peer(1)));
  EXPECT_FALSE(trie.remove(block("::/8"), peer(1)));
  EXPECT_EQ(trie.draft().find(ip("10.0.0.1")), peer(1));
}

TEST(AllowedIps, AForkOfBlocksIsNobodys) {
  AllowedIps trie;
  trie.insert(block("10.0.0.0/32"), peer(1));
  trie.insert(block("10.0.0.1/32"), peer(2));
  const Prefix fork = block("10.0.0.0/31");
  EXPECT_FALSE(trie.owner(fork).is_set());
  EXPECT_FALSE(trie.remove(fork, PeerId{}));
  EXPECT_FALSE(trie.insert(fork, peer(3)).is_set());
  EXPECT_EQ(trie.size(), 3U);
  EXPECT_TRUE(trie.remove(fork, peer(3)));
  expect_lookups(trie.draft(), {{"10.0.0.0", peer(1)}, {"10.0.0.1", peer(2)}});
}

TEST(AllowedIps, ABlockMovesToAnotherPeer) {
  AllowedIps trie;
  trie.insert(block("10.0.0.0/24"), peer(1));
  trie.insert(block("10.0.0.1/32"), peer(1));
  EXPECT_EQ(trie.insert(block("10.0.0.0/24"), peer(2)), peer(1));
  expect_lookups(trie.draft(), {{"10.0.0.1", peer(1)}, {"10.0.0.2", peer(2)}});
  EXPECT_FALSE(trie.remove(block("10.0.0.0/24"), peer(1)));
  EXPECT_EQ(trie.size(), 2U);
}

TEST(AllowedIps, FamiliesAreApart) {
  AllowedIps trie;
  trie.insert(block("0.0.0.0/0"), peer(4));
  expect_lookups(trie.draft(), {{"1.2.3.4", peer(4)}, {"::", kNobody}, {"::ffff:1.2.3.4", kNobody}});
  trie.insert(block("::/0"), peer(6));
  trie.remove(block("0.0.0.0/0"), peer(4));
  expect_lookups(trie.draft(), {{"1.2.3.4", kNobody}, {"::", peer(6)}});
}

// Every length from 0 to full along one address: the deepest path there is. Peer n has the block of length n.
void nest(const IpAddress& address) {
  AllowedIps trie;
  for (unsigned length = 0; length <= address.bits(); ++length) {
    trie.insert(Prefix::masked(address, static_cast<std::uint8_t>(length)), peer(length));
  }
  trie.publish();
  // Flipping bit n leaves exactly n common bits.
  for (unsigned bit = 0; bit < address.bits(); ++bit) {
    IpAddress other = address;
    other.bytes[bit / 8] = static_cast<std::uint8_t>(other.bytes[bit / 8] ^ (0x80 >> bit % 8));
    ASSERT_EQ(trie.draft().find(other), peer(bit));
  }
  for (unsigned length = address.bits(); length > 0; --length) {
    ASSERT_EQ(trie.draft().find(address), peer(length));
    ASSERT_TRUE(trie.remove(Prefix::masked(address, static_cast<std::uint8_t>(length)), peer(length)));
  }
  EXPECT_EQ(trie.published().find(address), peer(address.bits()));
  EXPECT_EQ(trie.draft().find(address), peer(0));
}

TEST(AllowedIps, NestsAsDeepAsAnAddressIsLong) {
  nest(ip("170.85.255.0"));
  nest(ip("0.0.0.0"));
  nest(ip("255.255.255.255"));
  nest(ip("aaaa:5555:ffff:0:8000:1:7fff:fffe"));
  nest(ip("::"));
  nest(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
}

// What the trie must mean: the longest of all blocks that contain the address.
class LinearModel {
 public:
  std::map<Prefix, PeerId> blocks;

  [[nodiscard]] PeerId find(const IpAddress& address) const {
    std::optional<Prefix> best;
    for (const auto& [prefix, owner] : blocks) {
      if (contains(prefix, address) && (!best || prefix.length > best->length)) best = prefix;
    }
    return best ? blocks.at(*best) : PeerId{};
  }

 private:
  static bool contains(const Prefix& prefix, const IpAddress& address) {
    if (prefix.address.family != address.family) return false;
    for (unsigned bit = 0; bit < prefix.length; ++bit) {
      if (((prefix.address.bytes[bit / 8] ^ address.bytes[bit / 8]) >> (7 - bit % 8) & 1) != 0) return false;
    }
    return true;
  }
};

class RandomBlocks {
 public:
  explicit RandomBlocks(std::uint32_t seed) : random_(seed) {}
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

  // Few bits vary, so that blocks nest, collide and fork at every depth.
  IpAddress address() {
    IpAddress address;
    address.family = below(2) == 0 ? Family::kIpv4 : Family::kIpv6;
    for (unsigned i = 0; i < address.bits() / 8; ++i) {
      address.bytes[i] = below(4) == 0 ? static_cast<std::uint8_t>(1U << below(8)) : std::uint8_t{0};
    }
    return address;
  }
  Prefix prefix() {
    const IpAddress host = address();
    return Prefix::masked(host, static_cast<std::uint8_t>(below(host.bits() + 1)));
  }

 private:
  std::mt19937 random_;
};

TEST(AllowedIps, AgreesWithALinearModelThroughAllVersions) {
  RandomBlocks random(printed_seed());
  AllowedIps trie;
  LinearModel draft;
  LinearModel published;
  struct Held {
    AllowedIpsView view;
    LinearModel model;
  };
  std::vector<Held> held;  // versions readers still look at
  const auto expect_agreement = [&](const AllowedIpsView& view, const LinearModel& model) {
    for (int i = 0; i < 20; ++i) {
      const IpAddress address = random.address();
      ASSERT_EQ(view.find(address), model.find(address)) << address.to_string();
    }
    for (const auto& [prefix, owner] : model.blocks) ASSERT_EQ(view.find(prefix.address), model.find(prefix.address));
  };
  for (int round = 0; round < 300; ++round) {
    for (unsigned change = random.below(30); change > 0; --change) {
      if (random.below(2) == 0 || draft.blocks.empty()) {
        const Prefix prefix = random.prefix();
        const PeerId owner = peer(random.below(5));
        const auto before = draft.blocks.find(prefix);
        ASSERT_EQ(trie.insert(prefix, owner), before == draft.blocks.end() ? PeerId{} : before->second);
        draft.blocks[prefix] = owner;
      } else {
        auto victim = draft.blocks.begin();
        std::advance(victim, random.below(static_cast<unsigned>(draft.blocks.size())));
        ASSERT_EQ(trie.owner(victim->first), victim->second);
        ASSERT_TRUE(trie.remove(victim->first, victim->second));
        draft.blocks.erase(victim);
      }
    }
    ASSERT_EQ(trie.size(), draft.blocks.size());
    expect_agreement(trie.draft(), draft);
    expect_agreement(trie.published(), published);
    for (const Held& version : held) expect_agreement(version.view, version.model);
    switch (random.below(4)) {
      case 0:
        trie.discard();
        draft = published;
        ASSERT_EQ(trie.size(), draft.blocks.size());
        expect_agreement(trie.draft(), draft);
        break;
      case 1:
        held.push_back({trie.published(), published});
        trie.publish();
        published = draft;
        break;
      case 2:  // in the middle of a draft, too
        held.clear();
        trie.reclaim();
        break;
      default:
        break;
    }
  }
  for (const auto& [prefix, owner] : draft.blocks) ASSERT_TRUE(trie.remove(prefix, owner));
  trie.publish();
  trie.reclaim();
  EXPECT_EQ(trie.size(), 0U);
  EXPECT_EQ(trie.memory_bytes(), 0U);
}

TEST(AllowedIps, DiscardRestoresWhatWasPublished) {
  AllowedIps trie;
  trie.insert(block("10.0.0.0/8"), peer(1));
  trie.insert(block("fd00::/8"), peer(1));
  trie.publish();
  trie.reclaim();
  const std::size_t memory = trie.memory_bytes();
  trie.insert(block("10.0.0.0/8"), peer(2));
  trie.insert(block("10.0.0.0/9"), peer(3));
  trie.remove(block("fd00::/8"), peer(1));
  expect_lookups(trie.draft(), {{"10.0.0.1", peer(3)}, {"fd00::1", kNobody}});
  expect_lookups(trie.published(), {{"10.0.0.1", peer(1)}, {"fd00::1", peer(1)}});
  trie.discard();
  expect_lookups(trie.draft(), {{"10.0.0.1", peer(1)}, {"fd00::1", peer(1)}});
  EXPECT_EQ(trie.size(), 2U);
  EXPECT_EQ(trie.memory_bytes(), memory);
}

TEST(AllowedIps, MemoryIsFlatAfterAThousandVersions) {
  RandomBlocks random(printed_seed());
  AllowedIps trie;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    trie.insert(Prefix::masked(IpAddress::v4(10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)), 32), peer(0));
  }
  trie.publish();
  trie.reclaim();
  const std::size_t memory = trie.memory_bytes();
  for (std::uint32_t round = 1; round <= 1000; ++round) {
    for (int i = 0; i < 10; ++i) {
      const auto low = static_cast<std::uint8_t>(random.below(250));
      trie.insert(Prefix::masked(IpAddress::v4(10, 0, static_cast<std::uint8_t>(random.below(3)), low), 32), peer(round));
      const Prefix extra = Prefix::masked(IpAddress::v4(11, 0, 0, low), 30);
      trie.insert(extra, peer(round));
      trie.remove(extra, peer(round));
    }
    trie.publish();
    trie.reclaim();
  }
  EXPECT_EQ(trie.size(), 1000U);
  EXPECT_LE(trie.memory_bytes(), memory + (32U << 10));  // at most one chunk more: where nodes lie has changed
}

TEST(AllowedIps, UnpublishedMemoryIsFreedToo) {
  AllowedIps trie;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    trie.insert(Prefix::masked(IpAddress::v4(10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)), 32), peer(0));
  }
  EXPECT_GT(trie.memory_bytes(), 0U);
  trie.discard();
  EXPECT_EQ(trie.memory_bytes(), 0U);
}

TEST(AllowedIps, ABlockCostsAtMost48BytesOr80) {
  std::mt19937 random(printed_seed());
  constexpr std::size_t kBlocks = 100'000;
  for (const auto& [family, bound] : {std::pair{Family::kIpv4, 49U}, std::pair{Family::kIpv6, 81U}}) {  // one for chunk headers
    AllowedIps trie;
    while (trie.size() < kBlocks) {
      IpAddress address;
      address.family = family;
      for (unsigned i = 0; i < address.bits() / 8; ++i) address.bytes[i] = static_cast<std::uint8_t>(random());
      trie.insert(Prefix::masked(address, static_cast<std::uint8_t>(address.bits())), peer(1));
    }
    trie.publish();
    trie.reclaim();
    EXPECT_LE(trie.memory_bytes() / kBlocks, bound);
  }
}

// Version n gives every block to peer n, so a reader that holds it must find n everywhere.
TEST(AllowedIps, ReadersSeeOneVersionWholeWhileTheWriterWorks) {
  constexpr std::size_t kReaders = 3;
  constexpr std::uint32_t kVersions = 200;
  AllowedIps trie;
  std::vector<Prefix> blocks;
  for (unsigned i = 0; i < 64; ++i) {
    blocks.push_back(Prefix::masked(IpAddress::v4(10, static_cast<std::uint8_t>(i), 0, 0), static_cast<std::uint8_t>(16 + i % 17)));
    blocks.push_back(block("fd00:" + std::to_string(i) + "::/" + std::to_string(32 + i)));
  }
  std::mutex mutex;  // the hand-over, as a mailbox would do it; the look-ups take no lock
  AllowedIpsView current;
  std::atomic<std::uint32_t> version{0};
  std::array<std::atomic<std::uint32_t>, kReaders> adopted{};
  std::atomic<std::uint32_t> wrong{0};
  std::vector<std::thread> readers;
  for (std::size_t reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      AllowedIpsView view;
      std::uint32_t mine = 0;
      while (mine != kVersions) {
        if (version.load() != mine) {
          const std::lock_guard lock(mutex);
          view = current;
          mine = version.load();
        }
        adopted[reader].store(mine);
        for (const Prefix& prefix : blocks) {
          if (view.find(prefix.address) != (mine == 0 ? PeerId{} : peer(mine))) ++wrong;
        }
      }
    });
  }
  for (std::uint32_t next = 1; next <= kVersions; ++next) {
    for (const Prefix& prefix : blocks) {
      if (next % 3 == 0) trie.remove(prefix, trie.owner(prefix));
      trie.insert(prefix, peer(next));
    }
    if (next % 7 == 0) {  // a draft that comes to nothing
      for (const Prefix& prefix : blocks) trie.remove(prefix, peer(next));
      trie.discard();
      for (const Prefix& prefix : blocks) trie.insert(prefix, peer(next));
    }
    {
      const std::lock_guard lock(mutex);
      current = trie.publish();
      version.store(next);
    }
    for (const auto& seen : adopted) {
      while (seen.load() != next) std::this_thread::yield();
    }
    trie.reclaim();
  }
  for (std::thread& thread : readers) thread.join();
  EXPECT_EQ(wrong.load(), 0U);
}

}  // namespace
}  // namespace wgu::tunnel
