#include "tunnel/block_list.h"

#include <gtest/gtest.h>

#include "tunnel/packets.h"

namespace wgu::tunnel {
namespace {

std::string text(const BlockList& list) {
  std::string all;
  for (const Prefix& block : list.sorted()) all += block.to_string() + ' ';
  return all;
}

TEST(BlockList, EveryLengthComesBackSorted) {
  BlockList list;
  std::vector<Prefix> expected;
  const IpAddress v4 = ip("203.117.85.171"), v6 = ip("fdb5:a5d6:f3e7:9b1d:5577:cccd:eb6d:b5b7");
  for (int length = 128; length >= 0; --length) {
    if (length <= 32) expected.push_back(Prefix::masked(v4, static_cast<std::uint8_t>(length)));
    expected.push_back(Prefix::masked(v6, static_cast<std::uint8_t>(length)));
  }
  for (const Prefix& block : expected) list.add(block);
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(list.sorted(), expected);
  EXPECT_FALSE(list.has_stale());
}

TEST(BlockList, FamiliesOfOneLengthAreTold) {
  BlockList list;
  for (const char* block : {"::/0", "0.0.0.0/0", "::/32", "0.0.0.0/32"}) list.add(prefix(block));
  EXPECT_EQ(text(list), "0.0.0.0/0 0.0.0.0/32 ::/0 ::/32 ");
}

TEST(BlockList, PacksAHostIntoFiveBytesANetworkIntoNine) {
  BlockList v4, v6;
  v4.reserve(1000 * BlockList::packed_size(prefix("10.0.0.1/32")));
  v6.reserve(1000 * BlockList::packed_size(prefix("fd00::/64")));
  for (int i = 0; i < 1000; ++i) {
    v4.add(prefix("10.0.0.1/32"));
    v6.add(prefix("fd00::/64"));
  }
  EXPECT_EQ(v4.memory_bytes(), 5000u);
  EXPECT_EQ(v6.memory_bytes(), 9000u);
}

TEST(BlockList, PackingIsDueWhenMoreThanHalfAreStale) {
  BlockList list;
  EXPECT_TRUE(list.empty());
  for (const char* block : {"10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32", "10.0.0.4/32"}) list.add(prefix(block));
  EXPECT_FALSE(list.has_stale());
  EXPECT_FALSE(list.note_stale());
  EXPECT_TRUE(list.has_stale());
  EXPECT_FALSE(list.note_stale());
  EXPECT_TRUE(list.note_stale());
  EXPECT_EQ(list.sorted().size(), 4u) << "whoever packs reads it first";
}

}  // namespace
}  // namespace wgu::tunnel
