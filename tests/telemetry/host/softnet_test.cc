#include "telemetry/host/softnet.h"

#include <gtest/gtest.h>

#include "telemetry/fixture.h"
#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {
namespace {

// A row with `width` columns: 0x11, 0x22, ...; the 13th is the CPU.
std::string row_of(std::size_t width, std::uint32_t cpu) {
  std::string row;
  for (std::size_t column = 0; column < width; ++column) {
    char text[16];
    std::snprintf(text, sizeof text, "%08x ", column == 12 ? cpu : static_cast<unsigned>(0x11 * (column + 1)));
    row += text;
  }
  return row + "\n";
}

TEST(Softnet, ColumnsAreThereByWidth) {
  const struct {
    std::size_t width;
    SoftnetCpu row;
  } rows[] = {
      {9, {0, 0x11, 0x22, 0x33, {}, {}, {}, {}, {}}},
      {10, {0, 0x11, 0x22, 0x33, 0xaa, {}, {}, {}, {}}},
      {11, {0, 0x11, 0x22, 0x33, 0xaa, 0xbb, {}, {}, {}}},
      {12, {0, 0x11, 0x22, 0x33, 0xaa, 0xbb, 0xcc, {}, {}}},
      {13, {5, 0x11, 0x22, 0x33, 0xaa, 0xbb, 0xcc, {}, {}}},
      {15, {5, 0x11, 0x22, 0x33, 0xaa, 0xbb, 0xcc, 0xee, 0xff}},
      {16, {5, 0x11, 0x22, 0x33, 0xaa, 0xbb, 0xcc, 0xee, 0xff}},
  };
  for (const auto& row : rows) EXPECT_EQ(parse_softnet_stat(row_of(row.width, 5)), std::vector{row.row}) << row.width;
  EXPECT_TRUE(parse_softnet_stat(row_of(8, 5)).empty());
}

TEST(Softnet, TheCpuIsInTheThirteenthColumnOrTheRowsNumber) {
  const auto told = parse_softnet_stat(row_of(13, 0) + row_of(13, 10));
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[1].cpu, 10U);
  const auto counted = parse_softnet_stat(row_of(11, 0) + row_of(11, 0));
  ASSERT_EQ(counted.size(), 2U);
  EXPECT_EQ(counted[1].cpu, 1U);
}

TEST(Softnet, LeavesOutWhatIsNoHexadecimalNumberOf32Bits) {
  const auto rows = parse_softnet_stat("ffffffff zz 100000000 0 0 0 0 0 0");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].processed, 0xffffffffU);
  EXPECT_EQ(rows[0].dropped, std::nullopt);
  EXPECT_EQ(rows[0].time_squeeze, std::nullopt);
  EXPECT_TRUE(parse_softnet_stat("1 2 3 4 5 6 7 8 9 a b c cpu0").empty()) << "of which CPU?";
  EXPECT_TRUE(parse_softnet_stat("").empty());
}

TEST(Softnet, RecordedTable) {
  const auto rows = parse_softnet_stat(read_text(test::fixture("nic_server/proc/net/softnet_stat")).value());
  ASSERT_EQ(rows.size(), 3U) << "CPU 2 is offline";
  EXPECT_EQ(rows[1], (SoftnetCpu{1, 0xffffffff, 7, 3, 16, 2, 12, 8, 4}));
  EXPECT_EQ(rows[2].cpu, 3U);
}

}  // namespace
}  // namespace wgu::telemetry
