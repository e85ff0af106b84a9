#include "bench/report/headline.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wgu::bench {
namespace {

Results run_of(const std::vector<Row>& rows) {
  Results run;
  run.rows = rows;
  return run;
}

Row throughput(const std::string& subject, const std::vector<double>& samples, const std::string& name = "tcp/streams:1/forward") {
  return {name, subject, "throughput", "bit/s", true, samples};
}

std::vector<KeyFigure> figures_of(const Results& run) { return key_figures({&run, 1}, Subjects({&run, 1})); }

std::string sentence(const Results& run) {
  std::string text = headline(figures_of(run), {&run, 1});
  for (std::size_t at; (at = text.find("\u00A0")) != std::string::npos;) text.replace(at, 2, " ");
  return text;
}

TEST(Headline, ComparesWithTheBestPeer) {
  const Results run = run_of({throughput("wgu", {6e9, 6e9}), throughput("slow", {1e9, 1e9}), throughput("fast", {2e9, 2e9})});
  EXPECT_EQ(sentence(run), "wgu: 6.00 Gbit/s, 3.00 times the best of 2 peers");
  EXPECT_EQ(figures_of(run)[0].beside_best_peer, "3.00 times (3.00 – 3.00) fast, the best of 2 peers");
}

TEST(Headline, SaysSoWhenWeLose) {
  EXPECT_EQ(sentence(run_of({throughput("wgu", {1e9, 1e9}), throughput("fast", {2e9, 2e9})})), "wgu: 1.00 Gbit/s, 0.500 times fast");
}

TEST(Headline, ClaimsNothingWhereTheIntervalHoldsOne) {
  EXPECT_EQ(sentence(run_of({throughput("wgu", {2e9, 3e9, 4e9}), throughput("peer", {2.1e9, 2e9, 2e9})})),
            "wgu: 3.00 Gbit/s, level with peer");
}

TEST(Headline, KnowsWhereLessIsBetter) {
  Row ours{"ping", "wgu", "latency_p50", "s", false, {50e-6}}, slow = ours, fast = ours;
  slow.subject = "slow", slow.samples = {400e-6};
  fast.subject = "fast", fast.samples = {100e-6};
  EXPECT_EQ(sentence(run_of({ours, slow, fast})), "wgu: 50.0 µs, 0.500 times that of the best of 2 peers");
}

TEST(Headline, FallsBackOnTheLimits) {
  EXPECT_EQ(sentence(run_of({throughput("wgu", {6e9}), throughput("veth", {10e9})})), "wgu: 6.00 Gbit/s, 60 % of veth");
}

TEST(Headline, OfNothingOfOurs) {
  EXPECT_EQ(sentence(run_of({throughput("peer", {6e9})})), "1 row measured, nothing of wgu");
  EXPECT_EQ(sentence(run_of({})), "Nothing was measured");
  EXPECT_EQ(sentence(run_of({throughput("wgu", {})})), "1 row measured, nothing of wgu");
}

TEST(KeyFigures, PreferWhatIsAskedForAndWhatHasPeers) {
  const Results run = run_of({throughput("wgu", {1e9}, "tcp/streams:16"),
                              throughput("wgu", {2e9}),
                              throughput("peer", {2e9}),
                              {"idle", "wgu", "resident", "B", false, {1}}});
  const auto figures = figures_of(run);
  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[0].name, "tcp/streams:1/forward");
  EXPECT_EQ(figures[1].metric, "resident");
}

TEST(KeyFigures, AreOfTheMetricsThatAreAskedForAndNotTheSameTwice) {
  Results run;
  for (const char* metric : {"cores_per_gbps", "retransmits", "resident", "cpu_seconds_per_gb", "latency_p50", "throughput"}) {
    for (const char* subject : {"wgu", "peer"}) run.rows.push_back({"tcp", subject, metric, "s", metric[0] == 't', {1}});
  }
  std::vector<std::string> metrics;
  for (const KeyFigure& figure : key_figures({&run, 1}, Subjects({&run, 1}), 9)) metrics.push_back(figure.metric);
  EXPECT_EQ(metrics, (std::vector<std::string>{"throughput", "latency_p50", "cpu_seconds_per_gb", "resident", "retransmits"}));
}

TEST(KeyFigures, DivideByNoZero) {
  const Results run = run_of({throughput("wgu", {1e9, 2e9}), throughput("peer", {0, 1e9}), throughput("veth", {0, 0})});
  EXPECT_EQ(figures_of(run)[0].beside_best_peer, "");
  EXPECT_TRUE(figures_of(run)[0].beside_limits.empty());
}

TEST(KeyFigures, TakeTurnsBetweenRuns) {
  Results first = run_of({throughput("wgu", {1}), {"a", "wgu", "loss", "1", false, {0}}}),
          second = run_of({{"b", "wgu", "cpu_time", "s", false, {1}}});
  const Results runs[] = {first, second};
  const auto figures = key_figures(runs, Subjects(runs), 2);
  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[1].metric, "cpu_time");
}

}  // namespace
}  // namespace wgu::bench
