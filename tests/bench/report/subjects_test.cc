#include "bench/report/subjects.h"

#include <gtest/gtest.h>

#include <set>

namespace wgu::bench {
namespace {

Results run_of(const std::vector<std::string>& subjects) {
  Results run;
  for (const std::string& subject : subjects) run.rows.push_back({"x", subject, "throughput", "bit/s"});
  return run;
}

TEST(RoleOf, KnowsOursAndTheLimits) {
  for (const char* ours : {"wgu", "wgu (epoll)", "wgu-0.2", "avx512", "avx2", "portable"}) EXPECT_EQ(role_of(ours), Role::kOurs) << ours;
  for (const char* limit : {"veth", "null cipher", "null_cipher", "null-cipher", "Bare veth"})
    EXPECT_EQ(role_of(limit), Role::kLimit) << limit;
  for (const char* peer : {"wireguard-go", "boringtun", "libsodium", "", "wguish", "veth2"}) EXPECT_EQ(role_of(peer), Role::kPeer) << peer;
}

TEST(Subjects, StandInOneOrderWithOursFirstAndLimitsLast) {
  const Results runs[] = {run_of({"veth", "boringtun", "wgu"}), run_of({"wireguard-go", "wgu"})};
  const Subjects subjects(runs);
  EXPECT_EQ(subjects.in_order(), (std::vector<std::string>{"wgu", "boringtun", "wireguard-go", "veth"}));
  EXPECT_LT(subjects.rank("wgu"), subjects.rank("boringtun"));
  EXPECT_EQ(subjects.rank("never seen"), 4u);
}

TEST(Subjects, KeepTheirColourOverAllRunsAndShareNoneWhileThereAreEnough) {
  const Results runs[] = {run_of({"wgu", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "veth", "null cipher"}), run_of({"p8", "wgu"})};
  const Subjects subjects(runs);
  std::set<std::string> styles;
  for (const std::string& name : subjects.in_order()) styles.insert(subjects.style(name));
  EXPECT_EQ(styles.size(), subjects.in_order().size());
  EXPECT_EQ(subjects.style("wgu"), "ours-1");
  EXPECT_EQ(subjects.style("p8"), "peer-8");
}

TEST(Subjects, BeginAgainWithTheColoursBeyondTheLast) {
  const Results runs[] = {run_of({"p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"})};
  EXPECT_EQ(Subjects(runs).style("p9"), "peer-1");
}

}  // namespace
}  // namespace wgu::bench
