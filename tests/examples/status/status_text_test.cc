#include "status/status_text.h"

#include <gtest/gtest.h>

#include "telemetry/snapshots.h"

namespace wgu::status {
namespace {

TEST(StatusText, SaysWhereThePacketsWentAndWhoThePeersAre) {
  Snapshot snapshot = telemetry::snapshot_of(0, 2);
  snapshot.interface_name = "wg0";
  Counters& counters = snapshot.workers.emplace_back();
  counters.device_packets_received = 10;
  counters.drop(Drop::kOutNoPeer, 3);
  snapshot.taken = {snapshot.peers[0].last_handshake.seconds + 125, 0};
  snapshot.peers[1].last_handshake = {};
  snapshot.peers[1].endpoint = {};
  const std::string text = status_text(snapshot);
  for (const char* part :
       {"wg0: 1 worker(s), 2 peer(s), telemetry off\n", "out  10 packets", "3  no_peer: No peer's allowed IPs match the destination.\n",
        "192.0.2.1:51820, handshake 2 min ago, received 1001 B, sent 1.95 KiB\n    allowed 10.0.0.1/32\n    path takes packets of 1401 "
        "bytes\n",
        "no endpoint, handshake never"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
  }
  EXPECT_EQ(text.find("p50"), std::string::npos) << "nothing was measured";
}

TEST(StatusText, SaysMoreOfWatchedPeers) {
  Snapshot snapshot = telemetry::snapshot_of(1, 1);
  const std::string before = status_text(snapshot);
  telemetry::watch(snapshot.peers[0]);
  const std::string text = status_text(snapshot);
  ASSERT_TRUE(text.starts_with(before));
  const std::string added = text.substr(before.size());
  const std::string bad_tag = std::to_string(500 + static_cast<int>(Drop::kInBadTag)) + "  bad_tag: ";
  EXPECT_NE(added.find(bad_tag), std::string::npos) << added;
  EXPECT_NE(added.find("  opened_to_written       1.05 ms"), std::string::npos) << added;
}

TEST(StatusText, NothingSteersTheTerminal) {
  EXPECT_EQ(printable("wg0: 10 %"), "wg0: 10 %");
  EXPECT_EQ(printable("a\x1b[2Jb\x07\x7f\x9b\n"), "a?[2Jb????") << "with C1 controls, one byte each on some terminals";
  Snapshot snapshot = telemetry::snapshot_of(0, 0);
  snapshot.interface_name = "\x1b]0;x";
  EXPECT_TRUE(status_text(snapshot).starts_with("?]0;x: 0 worker(s)"));
}

TEST(StatusText, PercentilesHaveTheUnitOfTheirMeasure) {
  Snapshot snapshot;
  snapshot.measures.resize(kMeasureCount);
  snapshot.measures[static_cast<std::size_t>(Measure::kReadToSealed)].record(64000, 20);
  snapshot.measures[static_cast<std::size_t>(Measure::kPacketSizeIn)].record(1456);
  const std::string text = measures_text(snapshot);
  EXPECT_NE(text.find("read_to_sealed"), std::string::npos);
  EXPECT_NE(text.find("64.0 us"), std::string::npos) << text;
  EXPECT_NE(text.find("1.42 KiB"), std::string::npos) << text;
  EXPECT_EQ(text.find("sealed_to_sent"), std::string::npos) << "not measured is not zero";
  EXPECT_TRUE(measures_text({}).empty());
}

}  // namespace
}  // namespace wgu::status
