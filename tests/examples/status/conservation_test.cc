// Two workers by hand: what each has counted at the moments when it was asked.
#include "status/conservation.h"

#include <gtest/gtest.h>

namespace wgu::status {
namespace {

// Worker 0 reads packets and hands some over; worker 1 sends what it takes.
Snapshot at(std::uint64_t received, std::uint64_t forwarded, std::uint64_t adopted) {
  Snapshot snapshot;
  snapshot.workers.resize(2);
  Counters& reader = snapshot.workers[0];
  reader.device_packets_received = received;
  reader.outbound_forwarded = forwarded;
  reader.data_packets_sent = received - forwarded;
  Counters& home = snapshot.workers[1];
  home.outbound_adopted = adopted;
  home.data_packets_sent = adopted;
  return snapshot;
}

TEST(Conservation, HoldsExactlyAtAQuietMoment) {
  const std::vector<Snapshot> snapshots{at(10, 4, 4), at(10, 4, 4)};
  const Conservation found = judge(snapshots);
  EXPECT_TRUE(found.holds());
  EXPECT_TRUE(found.is_settled());
  EXPECT_TRUE(found.between_workers[0].is_exact());
  EXPECT_NE(to_text(found).find("every packet is accounted for"), std::string::npos);
}

TEST(Conservation, PacketsOnTheirWayAreNoDefect) {
  // Asked at different moments, workers may tell of more taken than handed over, too.
  for (const auto& [forwarded, adopted] : {std::pair{100U, 90U}, std::pair{100U, 110U}}) {
    const std::vector<Snapshot> snapshots{at(200, forwarded, adopted), at(400, 200, 190)};
    const Conservation found = judge(snapshots);
    EXPECT_TRUE(found.holds());
    EXPECT_FALSE(found.is_settled()) << "but more snapshots could tell";
  }
}

TEST(Conservation, ALossBetweenWorkersIsProvenWhenThingsCalmDown) {
  std::vector<Snapshot> snapshots{at(200, 100, 90), at(400, 200, 180)};
  EXPECT_TRUE(judge(snapshots).holds()) << "not proven under load";
  snapshots.push_back(at(500, 300, 297));
  snapshots.push_back(at(500, 300, 297));
  const Conservation found = judge(snapshots);
  EXPECT_FALSE(found.holds());
  EXPECT_EQ(found.between_workers[0].least, 3);
  EXPECT_EQ(found.between_workers[0].most, 3);
  EXPECT_NE(to_text(found).find("lost between workers: 3\n"), std::string::npos);
  EXPECT_NE(to_text(found).find("PACKETS ARE NOT ACCOUNTED FOR"), std::string::npos);
}

TEST(Conservation, APacketTakenTwiceIsProvenToo) {
  const std::vector<Snapshot> snapshots{at(300, 300, 302), at(300, 300, 302)};
  EXPECT_EQ(judge(snapshots).between_workers[0].most, -2);
  EXPECT_FALSE(judge(snapshots).holds());
}

TEST(Conservation, OfAWorkerOneWrongSnapshotIsEnough) {
  std::vector<Snapshot> snapshots{at(10, 4, 4), at(10, 4, 4)};
  snapshots[0].workers[1].datagrams_received = 5;
  const Conservation found = judge(snapshots);
  EXPECT_FALSE(found.holds());
  EXPECT_TRUE(found.is_settled());
  EXPECT_EQ(found.unexplained[1][1], 5);
  EXPECT_EQ(found.unexplained[0][0], 0);
}

TEST(Conservation, AWorkerAloneNeedsNoSecondSnapshot) {
  Snapshot snapshot = at(10, 0, 0);
  snapshot.workers.pop_back();
  const Conservation found = judge({&snapshot, 1});
  EXPECT_TRUE(found.is_settled());
  EXPECT_TRUE(found.holds());
}

TEST(Conservation, TheTextNamesEachDropReason) {
  Snapshot snapshot = at(10, 0, 0);
  snapshot.workers[0].data_packets_sent = 7;
  snapshot.workers[0].drop(Drop::kOutNoPeer, 3);
  const std::vector<Snapshot> snapshots{snapshot, snapshot};
  const std::string text = to_text(judge(snapshots));
  EXPECT_NE(text.find("  all       in 10 = delivered 7 + dropped 3 + queued 0; unexplained 0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  dropped   no_peer 3\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace wgu::status
