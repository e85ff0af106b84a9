// What goes together in a train, and what becomes of one that is refused. Real sends stand in loop_test.cc.

#include "io/train.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace wgu::io {
namespace {

using Steady = TrainRefusals::Steady;

const Endpoint kHere{IpAddress::v4(192, 0, 2, 1), 51820, 0};
const Endpoint kThere{IpAddress::v4(192, 0, 2, 2), 51820, 0};

class TrainTest : public ::testing::Test {
 protected:
  Datagram datagram(std::size_t size, const Endpoint& remote = kHere) {
    Datagram made;
    made.packet = pool_.take(0);
    made.packet.resize(size);
    made.remote = remote;
    made.tag = next_tag_++;
    return made;
  }
  std::vector<Datagram> datagrams(const std::vector<std::size_t>& sizes) {
    std::vector<Datagram> made;
    for (const std::size_t size : sizes) made.push_back(datagram(size));
    return made;
  }
  std::size_t loaded(std::vector<Datagram> from) {
    Train train;
    const std::size_t count = train.load(from, true);
    Arrivals arrivals;
    train.fail(EAGAIN, arrivals);
    EXPECT_EQ(arrivals.send_failures.size(), count);
    return count;
  }

  PacketPool pool_{256, 2048};
  std::uint64_t next_tag_ = 1;
};

TEST_F(TrainTest, SizesThatGoTogether) {
  struct Row {
    std::vector<std::size_t> sizes;
    std::size_t together;
  };
  const Row rows[] = {
      {{1452}, 1},
      {{1452, 1452, 1452}, 3},
      {{1452, 1452, 100}, 3},       // the last may be shorter
      {{1452, 100, 1452}, 2},       // ... and ends the train
      {{1452, 100, 100}, 2},
      {{100, 1452}, 1},             // never longer than the first
      {{100, 0, 100}, 1},           // an empty datagram would vanish
      {{0, 0}, 1},
      {std::vector<std::size_t>(70, 96), 64},                // UDP_MAX_SEGMENTS
      {std::vector<std::size_t>(64, 1452), 45},              // 45 * 1452 = 65,340 <= 65,507 < 46 * 1452
      {std::vector<std::size_t>(64, 1456), 44},
  };
  for (const Row& row : rows) EXPECT_EQ(loaded(datagrams(row.sizes)), row.together) << row.sizes.size() << " of " << row.sizes[0];
}

TEST_F(TrainTest, WhatLiesTogetherIsOnePiece) {
  PacketPool large(1, 4096);
  std::vector<Datagram> made = datagrams({500, 500, 500, 500, 500});
  {
    const Packet whole = large.take(0);
    for (const std::size_t i : {1U, 2U, 4U}) {
      made[i].packet = pool_.take_slice(whole, i * 500, 500);
      made[i].packet.resize(500);
    }
  }
  const std::uint8_t* const first = made[1].packet.data();
  Train train;
  ASSERT_EQ(train.load(made, true), 5u);
  const msghdr* header = train.header();
  ASSERT_EQ(header->msg_iovlen, 4u);  // 3 lies elsewhere, and apart from it nothing does from 4
  EXPECT_EQ(header->msg_iov[0].iov_len, 500u);
  EXPECT_EQ(header->msg_iov[1].iov_base, first);
  EXPECT_EQ(header->msg_iov[1].iov_len, 1000u);
  EXPECT_EQ(header->msg_iov[3].iov_len, 500u);
  Arrivals arrivals;
  train.fail(EAGAIN, arrivals);
  ASSERT_EQ(arrivals.send_failures.size(), 5u);
  for (const SendFailure& failure : arrivals.send_failures) EXPECT_EQ(failure.size, 500u);
  EXPECT_EQ(large.in_use() + pool_.in_use(), 0u);
}

TEST_F(TrainTest, OnlyOneWayGoesTogether) {
  const auto differing = [&](auto change) {
    auto made = datagrams({500, 500, 500});
    change(made[1]);
    return loaded(std::move(made));
  };
  EXPECT_EQ(differing([](Datagram& d) { d.tag = 99; }), 3u);
  EXPECT_EQ(differing([](Datagram& d) { d.remote = kThere; }), 1u);
  EXPECT_EQ(differing([](Datagram& d) { d.remote.port = 1; }), 1u);
  EXPECT_EQ(differing([](Datagram& d) { d.local.address = IpAddress::v4(10, 0, 0, 1); }), 1u);
  EXPECT_EQ(differing([](Datagram& d) { d.traffic_class = 1; }), 1u);
}

TEST_F(TrainTest, AloneWhereTrainsAreNotWanted) {
  auto made = datagrams({500, 500});
  Train train;
  EXPECT_EQ(train.load(made, false), 1u);
  EXPECT_FALSE(made[0].packet);
  EXPECT_TRUE(made[1].packet);
  EXPECT_EQ(train.header()->msg_controllen, 0u) << "no UDP_SEGMENT for one";
  Arrivals arrivals;
  train.fail(EAGAIN, arrivals);
}

TEST_F(TrainTest, FailureNamesEveryDatagramAndGivesThePacketsBack) {
  auto made = datagrams({500, 500, 20});
  Train train;
  ASSERT_EQ(train.load(made, true), 3u);
  EXPECT_EQ(pool_.in_use(), 3u);
  TrainRefusals refusals;
  Arrivals arrivals;
  train.finish(-1, -EAGAIN, refusals, arrivals);
  ASSERT_EQ(arrivals.send_failures.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(arrivals.send_failures[i].tag, i + 1);
    EXPECT_EQ(arrivals.send_failures[i].size, i == 2 ? 20u : 500u);
    EXPECT_EQ(arrivals.send_failures[i].error, EAGAIN);
  }
  EXPECT_EQ(pool_.in_use(), 0u);
  EXPECT_EQ(arrivals.refused_trains, 0u) << "a full buffer says nothing about trains";
  EXPECT_EQ(refusals.verdict_on(kHere, 500, Steady::now), TrainRefusals::Verdict::kTogether);
}

TEST_F(TrainTest, NothingIsRememberedWhenTheSinglesFailToo) {
  auto made = datagrams({500, 500});
  Train train;
  ASSERT_EQ(train.load(made, true), 2u);
  TrainRefusals refusals;
  Arrivals arrivals;
  train.finish(-1, -EMSGSIZE, refusals, arrivals);  // no socket: each single one ends in EBADF
  ASSERT_EQ(arrivals.send_failures.size(), 2u);
  EXPECT_EQ(arrivals.send_failures[0].error, EBADF);
  EXPECT_EQ(arrivals.refused_trains, 0u);
  EXPECT_EQ(refusals.verdict_on(kHere, 500, Steady::now), TrainRefusals::Verdict::kTogether);
}

using Verdict = TrainRefusals::Verdict;

TEST(TrainRefusals, LastForAWhileAndEndInATrial) {
  TrainRefusals refusals;
  const Steady::time_point start{std::chrono::hours(1)};
  const auto verdict = [&](const Endpoint& remote, Steady::duration after) {
    return refusals.verdict_on(remote, 1, [=] { return start + after; });
  };
  EXPECT_EQ(verdict(kHere, {}), Verdict::kTogether);
  refusals.accept(kHere, 1);  // nobody ever refused
  refusals.add(kHere, 0, start);
  refusals.add(kHere, 0, start);
  EXPECT_EQ(verdict(kHere, TrainRefusals::kFor - std::chrono::nanoseconds(1)), Verdict::kOneByOne);
  EXPECT_EQ(verdict(kThere, {}), Verdict::kTogether);
  for (int train = 0; train < 2; ++train) EXPECT_EQ(verdict(kHere, TrainRefusals::kFor), Verdict::kOnTrial) << "until it is known";
  refusals.add(kHere, 0, start + TrainRefusals::kFor);
  EXPECT_EQ(verdict(kHere, TrainRefusals::kFor), Verdict::kOneByOne);
  EXPECT_EQ(verdict(kHere, 2 * TrainRefusals::kFor), Verdict::kOnTrial);
  refusals.accept(kThere, 1);
  EXPECT_EQ(verdict(kHere, 2 * TrainRefusals::kFor), Verdict::kOnTrial);
  refusals.accept(kHere, 1);
  EXPECT_EQ(verdict(kHere, 2 * TrainRefusals::kFor), Verdict::kTogether);
  EXPECT_EQ(verdict(kHere, {}), Verdict::kTogether) << "over once and for all";
}

TEST(TrainRefusals, AreBounded) {
  TrainRefusals refusals;
  const Steady::time_point start{std::chrono::hours(1)};
  const auto verdict = [&](const Endpoint& remote) { return refusals.verdict_on(remote, 1, [=] { return start; }); };
  refusals.add(kThere, 0, start);
  const auto port = [](std::uint16_t number) { return Endpoint{IpAddress::v4(192, 0, 2, 1), number, 0}; };
  for (std::uint16_t number = 1; number <= 100; ++number) refusals.add(port(number), 0, start + std::chrono::microseconds(number));
  EXPECT_EQ(verdict(kThere), Verdict::kTogether) << "the oldest gives way";
  EXPECT_EQ(verdict(port(100)), Verdict::kOneByOne);
  EXPECT_EQ(verdict(port(69)), Verdict::kOneByOne) << "32 of them";
  EXPECT_EQ(verdict(port(68)), Verdict::kTogether);
}

TEST(TrainRefusals, OfASizeLeaveSmallerOnesAlone) {
  TrainRefusals refusals;
  const auto now = [] { return Steady::time_point{std::chrono::hours(1)}; };
  refusals.add(kHere, 1452, now());
  EXPECT_EQ(refusals.verdict_on(kHere, 1453, now), Verdict::kOneByOne);
  EXPECT_EQ(refusals.verdict_on(kHere, 1452, now), Verdict::kOneByOne);
  EXPECT_EQ(refusals.verdict_on(kHere, 1451, now), Verdict::kTogether);
  refusals.accept(kHere, 1451);
  EXPECT_EQ(refusals.verdict_on(kHere, 1452, now), Verdict::kOneByOne) << "a smaller one says nothing about it";
  refusals.add(kHere, 1300, now());
  EXPECT_EQ(refusals.verdict_on(kHere, 1300, now), Verdict::kOneByOne);
  EXPECT_EQ(refusals.verdict_on(kHere, 1299, now), Verdict::kTogether);
}

}  // namespace
}  // namespace wgu::io
