#include "bench/report/groups.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace wgu::bench {
namespace {

Row row(const std::string& name, const std::string& subject, const std::string& metric = "time") {
  return {name, subject, metric, "s", false, {1}};
}

std::vector<MetricGroup> grouped(const std::vector<Row>& rows) {
  Results run;
  run.rows = rows;
  return group_rows(rows, Subjects({&run, 1}));
}

TEST(GroupRows, PutsOneNameIntoOnePanelInTheSubjectsOrder) {
  const std::vector<Row> rows = {row("a", "veth"), row("a", "peer"), row("b", "peer"), row("a", "wgu")};
  const auto groups = grouped(rows);
  ASSERT_EQ(groups.size(), 1u);
  ASSERT_EQ(groups[0].panels.size(), 2u);
  ASSERT_EQ(groups[0].panels[0].rows.size(), 3u);
  EXPECT_EQ(groups[0].panels[0].rows[0]->subject, "wgu");
  EXPECT_EQ(groups[0].panels[0].rows[1]->subject, "peer");
  EXPECT_EQ(groups[0].panels[0].rows[2]->subject, "veth");
}

TEST(GroupRows, KeepsMetricsApartInTheirOrder) {
  const std::vector<Row> rows = {row("a", "wgu", "throughput"), row("a", "wgu", "loss"), row("b", "wgu", "throughput")};
  const auto groups = grouped(rows);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].metric, "throughput");
  EXPECT_EQ(groups[0].panels.size(), 2u);
  EXPECT_EQ(groups[1].metric, "loss");
}

TEST(GroupRows, MakesASweepOfNamesThatDifferInOneNumber) {
  std::vector<Row> rows;
  for (const char* bytes : {"1424", "64", "256", "128", "imix"}) {
    for (const char* batch : {"1", "64"}) rows.push_back(row(std::string("aead/seal/bytes:") + bytes + "/batch:" + batch, "wgu"));
  }
  const auto groups = grouped(rows);
  ASSERT_EQ(groups[0].sweeps.size(), 2u);
  const Sweep& sweep = groups[0].sweeps[0];
  EXPECT_EQ(sweep.name, "aead/seal/batch:1");
  EXPECT_EQ(sweep.parameter, "bytes");
  ASSERT_EQ(sweep.lines.size(), 1u);
  ASSERT_EQ(sweep.lines[0].points.size(), 4u);
  EXPECT_EQ(sweep.lines[0].points.front().first, 64);
  EXPECT_EQ(sweep.lines[0].points.back().first, 1424);
  EXPECT_EQ(groups[0].panels.size(), 2u) << "imix is no number";
  EXPECT_EQ(groups[0].names.size(), 10u) << "the table has all of them";
}

TEST(GroupRows, MakesNoSweepOfFewValues) {
  const std::vector<Row> rows = {row("tcp/streams:1", "wgu"), row("tcp/streams:4", "wgu"), row("tcp/streams:16", "wgu")};
  EXPECT_TRUE(grouped(rows)[0].sweeps.empty());
  EXPECT_EQ(grouped(rows)[0].panels.size(), 3u);
}

TEST(GroupRows, TakesAwkwardNames) {
  std::vector<Row> rows;
  for (const char* name : {"", "/", ":", "a:/b", ":1", "n:1", "n:2", "n:1e400", "n:nan", "n:3", "n:4x", "//n:1//"})
    rows.push_back(row(name, "wgu"));
  const auto groups = grouped(rows);
  EXPECT_EQ(groups[0].names.size(), rows.size());
  EXPECT_TRUE(groups[0].sweeps.empty()) << "only 1, 2 and 3 are numbers";
}

TEST(GroupRows, OfNothingIsNothing) { EXPECT_TRUE(grouped({}).empty()); }

TEST(FiniteSamples, LeavesOutWhatIsNoNumber) {
  Row mixed = row("a", "wgu");
  mixed.samples = {1, std::nan(""), std::numeric_limits<double>::infinity(), 2};
  EXPECT_EQ(finite_samples(mixed), (std::vector<double>{1, 2}));
}

}  // namespace
}  // namespace wgu::bench
