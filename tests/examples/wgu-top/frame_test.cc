#include "wgu-top/frame.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "telemetry/snapshots.h"

namespace wgu::top {
namespace {

struct Picture {
  Snapshot earlier, later;
  explicit Picture(std::uint32_t peers) {
    earlier.interface_name = "wg0";
    earlier.workers.resize(2);
    earlier.measures.resize(kMeasureCount);
    earlier.taken = {1'800'000'100, 0};
    for (std::uint32_t number = 1; number <= peers; ++number) earlier.peers.push_back(telemetry::peer_number(number));
    later = earlier;
    later.workers[0].data_packets_sent = 2000;
    later.workers[0].data_bytes_sent = 2'500'000;
    later.workers[1].drop(Drop::kInReplayed, 40);
    later.measures[static_cast<std::size_t>(Measure::kReceivedToOpened)].record(64000, 9);
  }
  [[nodiscard]] std::vector<std::string> lines(FrameSize size) const {
    return frame(later, rates_between(earlier, later, 2).value(), size);
  }
};

bool has(const std::vector<std::string>& lines, std::string_view part) {
  return std::any_of(lines.begin(), lines.end(), [part](const std::string& line) { return line.find(part) != std::string::npos; });
}

TEST(Frame, ShowsFlowsWorkersMeasuresDropsAndPeers) {
  const auto lines = Picture(2).lines({100, 50});
  for (const char* part : {"wg0: 2 peer(s)", "10.0 Mbit/s", "1.00 k/s", "worker", "received_to_opened", "64.0 us", "in replayed",
                           "20          40", "192.0.2.1:51820"}) {
    EXPECT_TRUE(has(lines, part)) << part;
  }
  EXPECT_FALSE(has(lines, "sealed_to_sent")) << "not measured";
}

TEST(Frame, FitsAnyTerminal) {
  const Picture picture(40);
  for (const FrameSize size : {FrameSize{80, 24}, FrameSize{20, 10}, FrameSize{1, 1}, FrameSize{200, 3}}) {
    const auto lines = picture.lines(size);
    EXPECT_LE(lines.size(), size.rows);
    for (const std::string& line : lines) EXPECT_LE(line.size(), size.columns);
  }
  const auto lines = picture.lines({80, 24});
  EXPECT_EQ(lines.size(), 24U);
  std::size_t shown = 0;
  for (const std::string& line : lines) shown += line.find("...  ") != std::string::npos;
  EXPECT_EQ(lines.back(), "... and " + std::to_string(40 - shown) + " more peers");
}

TEST(Frame, NothingInItSteersTheTerminal) {
  Picture picture(0);
  picture.later.interface_name = "a\x1b[2Jb\x07";
  for (const std::string& line : picture.lines({80, 24}))
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' '; })) << line;
}

}  // namespace
}  // namespace wgu::top
