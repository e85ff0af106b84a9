#include "tunnel/index_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>
#include <vector>

namespace wgu::tunnel {
namespace {

// The table never looks behind the pointers.
Peer* peer(std::size_t n) {
  static std::array<std::max_align_t, 64> places;
  return reinterpret_cast<Peer*>(&places[n % places.size()]);
}

auto seeded_random(std::uint32_t seed) {
  return [random = std::mt19937(seed)](std::span<std::uint8_t> bytes) mutable {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  };
}

std::uint32_t printed_seed() {
  const std::uint32_t seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  return seed;
}

TEST(IndexTable, LowByteIsTheWorkerAndTheRestIsRandom) {
  for (const unsigned worker : {0U, 1U, 7U, 255U}) {
    IndexTable table(static_cast<std::uint8_t>(worker), seeded_random(printed_seed()));
    std::uint32_t ever_set = 0;
    std::uint32_t always_set = UINT32_MAX;
    for (std::size_t i = 0; i < 200; ++i) {
      const std::uint32_t index = table.insert(peer(i));
      EXPECT_EQ(index & 0xff, worker);
      EXPECT_EQ(IndexTable::worker_of(index), worker);
      ever_set |= index;
      always_set &= index;
    }
    EXPECT_EQ(ever_set >> 8, 0xffffffU);
    EXPECT_EQ(always_set >> 8, 0U);
  }
}

TEST(IndexTable, AHandshakeBecomesASessionAndEnds) {
  IndexTable table(3, seeded_random(1));
  noise::Keypair* const keypair = reinterpret_cast<noise::Keypair*>(peer(9));
  const std::uint32_t index = table.insert(peer(1));
  ASSERT_NE(table.find(index), nullptr);
  EXPECT_EQ(table.find(index)->peer, peer(1));
  EXPECT_EQ(table.find(index)->keypair, nullptr);
  table.assign(index, keypair);
  EXPECT_EQ(table.find(index)->peer, peer(1));
  EXPECT_EQ(table.find(index)->keypair, keypair);
  EXPECT_EQ(table.find(index ^ 1), nullptr);  // another worker's
  EXPECT_EQ(table.find(index ^ 0x100), nullptr);
  table.erase(index ^ 0x100);
  EXPECT_EQ(table.size(), 1U);
  table.erase(index);
  EXPECT_EQ(table.find(index), nullptr);
  EXPECT_EQ(table.size(), 0U);
  table.erase(index);
  EXPECT_EQ(table.size(), 0U);
}

TEST(IndexTable, AnErasedKeypairDoesNotComeBack) {
  const auto zeros = [](std::span<std::uint8_t> bytes) { std::fill(bytes.begin(), bytes.end(), std::uint8_t{0}); };
  IndexTable table(0, zeros);
  const std::uint32_t index = table.insert(peer(1));
  EXPECT_EQ(index, 0U);  // an index like any other
  EXPECT_NE(table.find(0), nullptr);
  table.assign(index, reinterpret_cast<noise::Keypair*>(peer(9)));
  table.erase(index);
  EXPECT_EQ(table.find(0), nullptr);
  ASSERT_EQ(table.insert(peer(2)), index);
  EXPECT_EQ(table.find(index)->peer, peer(2));
  EXPECT_EQ(table.find(index)->keypair, nullptr);
}

TEST(IndexTable, DrawsAgainWhenAnIndexIsTaken) {
  // Each value comes three times over.
  std::uint32_t calls = 0;
  IndexTable table(5, [&](std::span<std::uint8_t> bytes) {
    std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
    bytes[0] = static_cast<std::uint8_t>(calls++ / 3);
  });
  std::set<std::uint32_t> indices;
  for (std::size_t i = 0; i < 60; ++i) indices.insert(table.insert(peer(i)));
  EXPECT_EQ(indices.size(), 60U);
  EXPECT_EQ(calls, 60U * 3 - 2);
}

TEST(IndexTable, ABrokenRandomSourceDoesNotHangIt) {
  for (const std::uint8_t constant : {std::uint8_t{0}, std::uint8_t{0xff}}) {  // the latter wraps round
    std::uint32_t calls = 0;
    IndexTable table(5, [&](std::span<std::uint8_t> bytes) {
      ++calls;
      std::fill(bytes.begin(), bytes.end(), constant);
    });
    std::set<std::uint32_t> indices;
    for (std::size_t i = 0; i < 1000; ++i) {
      const std::uint32_t index = table.insert(peer(i));
      ASSERT_EQ(IndexTable::worker_of(index), 5);
      ASSERT_TRUE(indices.insert(index).second);
      ASSERT_EQ(table.find(index)->peer, peer(i));
    }
    EXPECT_LE(calls, 1000U * 64);
  }
}

// With `bits` random bits an index, runs are long and wrap round the table's end.
void agree_with_a_model(std::uint32_t seed, unsigned bits) {
  std::mt19937 random(seed);
  IndexTable table(9, [&](std::span<std::uint8_t> bytes) {
    std::uint32_t value = static_cast<std::uint32_t>(random()) & ((1U << bits) - 1);
    if (bits < 24 && random() % 2 == 0) value += 0xfffff0;  // near every table's last slot
    for (std::uint8_t& byte : bytes) {
      byte = static_cast<std::uint8_t>(value);
      value >>= 8;
    }
  });
  std::map<std::uint32_t, IndexTable::Entry> model;
  for (int step = 0; step < 20'000; ++step) {
    const unsigned limit = step / 5000 % 2 == 0 ? 300 : 10;  // grows, then shrinks to nearly nothing, and again
    if (model.size() < limit && random() % 5 < 3) {
      Peer* const owner = peer(random());
      const std::uint32_t index = table.insert(owner);
      ASSERT_TRUE(model.emplace(index, IndexTable::Entry{.peer = owner, .keypair = nullptr}).second);
    } else if (!model.empty()) {
      auto entry = model.lower_bound(static_cast<std::uint32_t>(random()));
      if (entry == model.end()) entry = model.begin();
      if (random() % 3 == 0) {
        auto* const keypair = reinterpret_cast<noise::Keypair*>(peer(random()));
        table.assign(entry->first, keypair);
        entry->second.keypair = keypair;
      } else {
        const std::uint32_t index = entry->first;
        table.erase(index);
        model.erase(entry);
        ASSERT_EQ(table.find(index), nullptr);
      }
    }
    ASSERT_EQ(table.size(), model.size());
    if (step % 16 != 0) continue;
    for (const auto& [index, entry] : model) {
      const IndexTable::Entry* const found = table.find(index);
      ASSERT_NE(found, nullptr);
      ASSERT_EQ(found->peer, entry.peer);
      ASSERT_EQ(found->keypair, entry.keypair);
    }
    const auto absent = static_cast<std::uint32_t>(random());
    ASSERT_EQ(table.find(absent) != nullptr, model.contains(absent));
  }
}

TEST(IndexTable, AgreesWithAModel) {
  const std::uint32_t seed = printed_seed();
  agree_with_a_model(seed, 24);
  agree_with_a_model(seed, 10);
  agree_with_a_model(seed, 5);
}

TEST(IndexTable, GrowsAndKeepsEverything) {
  IndexTable table(1, seeded_random(printed_seed()));
  std::vector<std::uint32_t> indices;
  for (std::size_t i = 0; i < 50'000; ++i) indices.push_back(table.insert(peer(i)));
  ASSERT_EQ(table.size(), indices.size());
  for (std::size_t i = 0; i < indices.size(); ++i) ASSERT_EQ(table.find(indices[i])->peer, peer(i));
  for (const std::uint32_t index : indices) table.erase(index);
  EXPECT_EQ(table.size(), 0U);
  for (const std::uint32_t index : indices) ASSERT_EQ(table.find(index), nullptr);
}

}  // namespace
}  // namespace wgu::tunnel
