#include "wgu/stats.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cstring>
#include <set>
#include <string>

namespace wgu {
namespace {

TEST(DropTable, HasOneWellFormedRowADrop) {
  std::set<std::pair<Direction, std::string_view>> names;
  std::set<std::string_view> helps;
  std::size_t index = 0;
  for (const DropInfo& row : drop_table()) {
    EXPECT_EQ(static_cast<std::size_t>(row.drop), index++);
    EXPECT_EQ(row.direction, row.drop < Drop::kInMalformed ? Direction::kOutbound : Direction::kInbound) << row.name;
    EXPECT_TRUE(names.emplace(row.direction, row.name).second) << row.name;
    ASSERT_FALSE(row.name.empty());
    EXPECT_TRUE(std::islower(static_cast<unsigned char>(row.name.front()))) << row.name;
    for (const char c : row.name)
      EXPECT_TRUE(c == '_' || std::islower(static_cast<unsigned char>(c)) || std::isdigit(static_cast<unsigned char>(c))) << row.name;
    ASSERT_FALSE(row.help.empty());
    EXPECT_TRUE(std::isupper(static_cast<unsigned char>(row.help.front()))) << row.help;
    EXPECT_EQ(row.help.find('.'), row.help.size() - 1) << row.help;  // one sentence
    EXPECT_EQ(row.help.find('\n'), std::string_view::npos) << row.help;
  }
  EXPECT_EQ(index, kDropCount);
}

TEST(DropTable, NamesAreThoseThatDashboardsKnow) {
  const auto name = [](Drop drop) { return drop_table()[static_cast<std::size_t>(drop)].name; };
  EXPECT_EQ(name(Drop::kOutNoPeer), "no_peer");
  EXPECT_EQ(name(Drop::kOutShutdown), "shutdown");
  EXPECT_EQ(name(Drop::kInMalformed), "malformed");
  EXPECT_EQ(name(Drop::kInBadTag), "bad_tag");
  EXPECT_EQ(name(Drop::kInDisallowedSource), "disallowed_source");
}

TEST(Counters, SumAddsEveryMember) {
  // Each member gets a number of its own; were one forgotten or crossed with another, its word would differ.
  constexpr std::size_t kWords = sizeof(Counters) / sizeof(std::uint64_t);
  std::array<std::uint64_t, kWords> words{};
  for (std::size_t i = 0; i < kWords; ++i) words[i] = 1000 + i;
  Counters a;
  std::memcpy(static_cast<void*>(&a), words.data(), sizeof(a));
  Counters b = a;
  Counters& result = b += a;
  EXPECT_EQ(&result, &b);
  std::memcpy(words.data(), &b, sizeof(b));
  Counters peaks;  // one in each word that is a peak
  for (const CounterInfo& row : counter_table()) peaks.*row.member = row.family.type == MetricType::kPeak ? 1 : 0;
  std::array<std::uint64_t, kWords> is_peak{};
  std::memcpy(is_peak.data(), &peaks, sizeof(peaks));
  for (std::size_t i = 0; i < kWords; ++i) EXPECT_EQ(words[i], (is_peak[i] == 1 ? 1 : 2) * (1000 + i)) << i;
}

TEST(Counters, OfPeaksASumIsTheGreatest) {
  Counters left, right;
  left.outbound_queued = left.outbound_queued_peak = 7;
  right.outbound_queued = 3;
  right.outbound_queued_peak = 9;
  right.mailbox_peak = 2;
  left += right;
  EXPECT_EQ(left.outbound_queued, 10U);
  EXPECT_EQ(left.outbound_queued_peak, 9U);
  EXPECT_EQ(left.mailbox_peak, 2U);
}

TEST(Counters, RekeysAreCountedByCause) {
  Counters counters;
  counters.rekey(RekeyCause::kTime);
  counters.rekey(RekeyCause::kNewKey);
  counters.rekey(RekeyCause::kNewKey);
  EXPECT_EQ(counters.rekeyed(RekeyCause::kTime), 1U);
  EXPECT_EQ(counters.rekeyed(RekeyCause::kNewKey), 2U);
  EXPECT_EQ(counters.rekeyed(RekeyCause::kNoSession), 0U);
}

TEST(Counters, DropsAreCountedByReasonAndDirection) {
  Counters counters;
  counters.drop(Drop::kOutNoPeer);
  counters.drop(Drop::kOutShutdown, 5);
  counters.drop(Drop::kInMalformed, 7);
  counters.drop(Drop::kInShutdown, 11);
  EXPECT_EQ(counters.dropped(Drop::kOutNoPeer), 1u);
  EXPECT_EQ(counters.dropped(Drop::kInShutdown), 11u);
  EXPECT_EQ(counters.dropped(Direction::kOutbound), 6u);
  EXPECT_EQ(counters.dropped(Direction::kInbound), 18u);
}

TEST(Counters, ExplainEveryPacketOfEachDirection) {
  Counters counters;
  counters.device_packets_received = 100;
  counters.outbound_adopted = 5;
  counters.data_packets_sent = 90;
  counters.outbound_queued = 4;
  counters.outbound_forwarded = 2;
  counters.drop(Drop::kOutNoPeer, 9);
  counters.datagrams_received = 200;
  counters.inbound_adopted = 7;
  counters.device_packets_sent = 150;  // six of them are ICMP that no datagram brought
  counters.icmp_sent = 6;
  counters.inbound_consumed = 30;
  counters.inbound_queued = 3;
  counters.inbound_forwarded = 13;
  counters.drop(Drop::kInReplayed, 17);
  // What else is made here enters no equation.
  counters.keepalives_sent = 8;
  counters.send_errors = 2;
  counters.datagrams_sent = 105;
  EXPECT_EQ(counters.unexplained(Direction::kOutbound), 0);
  EXPECT_EQ(counters.unexplained(Direction::kInbound), 0);

  counters.device_packets_received += 2;  // two vanished
  counters.inbound_consumed += 3;         // three were counted twice
  EXPECT_EQ(counters.unexplained(Direction::kOutbound), 2);
  EXPECT_EQ(counters.unexplained(Direction::kInbound), -3);
}

TEST(Counters, EveryDropExplainsOnePacket) {
  for (const DropInfo& row : drop_table()) {
    Counters counters;
    counters.drop(row.drop);
    const Direction other = row.direction == Direction::kOutbound ? Direction::kInbound : Direction::kOutbound;
    EXPECT_EQ(counters.unexplained(row.direction), -1) << row.name;
    EXPECT_EQ(counters.unexplained(other), 0) << row.name;
  }
}

}  // namespace
}  // namespace wgu
