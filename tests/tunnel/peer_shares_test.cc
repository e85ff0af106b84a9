#include "tunnel/peer_shares.h"

#include <gtest/gtest.h>

#include <vector>

namespace wgu::tunnel {
namespace {

using std::chrono::nanoseconds;

struct Share {
  char peer;
  std::size_t packets;
  std::uint64_t bytes;
  Duration time;
  friend bool operator==(const Share&, const Share&) = default;
};

// Peers as letters, '-' for one that is not known; a packet each, of these sizes.
std::vector<Share> shares_of(const std::string& peers, const std::vector<std::uint64_t>& sizes, Duration took) {
  std::vector<Share> shares;
  divide_among_peers(
      peers.size(), took, [&](std::size_t i) { return peers[i] == '-' ? nullptr : &"abcdefghijklmnopqrstuvwxyz"[peers[i] - 'a']; },
      [&](std::size_t i) { return sizes[i]; },
      [&](char peer, std::size_t packets, std::uint64_t bytes, Duration time) {
        shares.push_back({peer, packets, bytes, time});
      });
  return shares;
}

TEST(PeerShares, AreRunsOfPacketsAndTimeByBytes) {
  EXPECT_TRUE(shares_of("", {}, nanoseconds(100)).empty());
  EXPECT_EQ(shares_of("aaa", {100, 200, 300}, nanoseconds(600)), (std::vector<Share>{{'a', 3, 600, nanoseconds(600)}}));
  EXPECT_EQ(shares_of("abba", {100, 200, 300, 400}, nanoseconds(1000)),
            (std::vector<Share>{{'a', 1, 100, nanoseconds(100)}, {'b', 2, 500, nanoseconds(500)}, {'a', 1, 400, nanoseconds(400)}}));
}

TEST(PeerShares, WhoIsNotKnownTakesTimeAndIsNotTold) {
  EXPECT_EQ(shares_of("a-b", {100, 100, 200}, nanoseconds(400)),
            (std::vector<Share>{{'a', 1, 100, nanoseconds(100)}, {'b', 1, 200, nanoseconds(200)}}));
}

TEST(PeerShares, NothingIsDividedByNoBytes) {
  EXPECT_EQ(shares_of("ab", {0, 0}, nanoseconds(400)), (std::vector<Share>{{'a', 1, 0, Duration::zero()}, {'b', 1, 0, Duration::zero()}}));
  EXPECT_EQ(shares_of("a", {65'535}, Duration::zero()), (std::vector<Share>{{'a', 1, 65'535, Duration::zero()}}));
}

TEST(PeerShares, ASecondOfAWholeBatchDoesNotOverflow) {
  const std::vector<std::uint64_t> sizes(4096, 65'535);
  const auto shares = shares_of(std::string(4095, 'a') + "b", sizes, std::chrono::seconds(10));
  ASSERT_EQ(shares.size(), 2U);
  EXPECT_EQ(shares[1].time, Duration(std::chrono::seconds(10)) / 4096);
}

}  // namespace
}  // namespace wgu::tunnel
