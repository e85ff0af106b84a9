#include "wgu/events.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>

namespace wgu {
namespace {

TEST(EventTable, HasOneWellFormedRowAKind) {
  std::set<std::string_view> names;
  std::size_t index = 0;
  for (const EventInfo& row : event_table()) {
    EXPECT_EQ(static_cast<std::size_t>(row.kind), index++);
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    ASSERT_FALSE(row.name.empty());
    for (const char c : row.name) EXPECT_TRUE(c == '_' || std::islower(static_cast<unsigned char>(c))) << row.name;
    EXPECT_FALSE(row.has_cause && row.has_reason) << row.name;
  }
  EXPECT_EQ(index, kEventKindCount);
}

TEST(EventTable, SaysWhatCanBeAsked) {
  const auto row = [](EventKind kind) { return event_table()[static_cast<std::size_t>(kind)]; };
  EXPECT_EQ(row(EventKind::kHandshakeBegun).name, "handshake_begun");
  EXPECT_TRUE(row(EventKind::kHandshakeBegun).has_cause);
  EXPECT_TRUE(row(EventKind::kHandshakeFailed).has_reason);
  EXPECT_TRUE(row(EventKind::kQueueHigh).has_reason);
  EXPECT_EQ(row(EventKind::kMtuChanged).value, "bytes");
}

}  // namespace
}  // namespace wgu
