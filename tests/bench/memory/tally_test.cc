#include "bench/memory/tally.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bench/memory/inner_packet.h"

namespace wgu::bench {
namespace {

std::vector<std::uint8_t> packet(std::uint32_t flow, std::uint64_t sequence, std::size_t size = 64) {
  std::vector<std::uint8_t> bytes(size);
  write_inner_packet(bytes, {flow, sequence});
  return bytes;
}

struct Arrival {
  std::uint32_t flow;
  std::uint64_t sequence;
};

struct TallyRow {
  std::string what;
  std::vector<Arrival> order;
  std::uint64_t sent, packets, lost, reordered, duplicates;
};

TEST(Tally, CountsByFlow) {
  const TallyRow rows[] = {
      {"all in order", {{0, 0}, {0, 1}, {0, 2}}, 3, 3, 0, 0, 0},
      {"nothing", {}, 3, 0, 3, 0, 0},
      {"one lost in the middle", {{0, 0}, {0, 2}}, 3, 2, 1, 0, 0},
      {"the last lost", {{0, 0}, {0, 1}}, 3, 2, 1, 0, 0},
      {"two changed places", {{0, 1}, {0, 0}}, 2, 2, 0, 1, 0},
      // RFC 4737: reordered is what comes after a greater number, however many it passed or was passed by.
      {"one late by three", {{0, 1}, {0, 2}, {0, 3}, {0, 0}}, 4, 4, 0, 1, 0},
      {"three passed by one", {{0, 3}, {0, 0}, {0, 1}, {0, 2}}, 4, 4, 0, 3, 0},
      {"twice", {{0, 0}, {0, 1}, {0, 0}}, 2, 2, 0, 0, 1},
      {"twice, and one lost", {{0, 0}, {0, 0}, {0, 2}}, 3, 2, 1, 0, 1},
      {"flows mix without being out of order", {{1, 0}, {0, 0}, {1, 1}, {0, 1}}, 4, 4, 0, 0, 0},
      {"out of order in one of two", {{1, 1}, {0, 0}, {1, 0}, {0, 1}}, 4, 4, 0, 1, 0},
  };
  for (const TallyRow& row : rows) {
    Tally tally(2);
    for (const Arrival& arrival : row.order) tally.add(packet(arrival.flow, arrival.sequence));
    EXPECT_EQ(tally.arrived(), (Arrived{row.packets, row.packets * 64, row.reordered, row.duplicates, 0})) << row.what;
    EXPECT_EQ(tally.lost(row.sent), row.lost) << row.what;
  }
}

TEST(Tally, DamagedPacketsAreCorruptedAndDoNotArrive) {
  Tally tally(1);
  auto bad = packet(0, 0);
  bad.back() ^= 0x80;
  tally.add(bad);
  tally.add(packet(1, 0));  // no such flow
  tally.add({});
  tally.add(packet(0, 1ULL << 50));  // a number that was never given out
  tally.add(packet(0, 1, 1420));
  EXPECT_EQ(tally.arrived(), (Arrived{.packets = 1, .bytes = 1420, .reordered = 0, .duplicates = 0, .corrupted = 4}));
  EXPECT_EQ(tally.lost(2), 1U);
}

}  // namespace
}  // namespace wgu::bench
