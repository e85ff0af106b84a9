// memory/peers:N   a daemon on its own, started anew in each round, that is given N peers at once over its control socket: what it then
//                  holds, and how long starting and configuring took
// tcp/peers:N      a TCP stream between two daemons that have N more peers with kAllowedIps each, against one between two that have none:
//                  alone, crowded, crowded, alone in each round, so that a drift of the machine meets both alike. Who cannot be given so
//                  many in one change is left out, with its reason.
#include <fmt/format.h>

#include <chrono>

#include "bench/lab/link.h"
#include "bench/lab/many_peers.h"
#include "bench/tunnel/limit.h"
#include "bench/tunnel/load.h"
#include "bench/tunnel/scenario.h"
#include "wgu/key.h"

namespace wgu::bench {
namespace {

using std::chrono::steady_clock;

constexpr unsigned kCrowd = 10'000;
constexpr unsigned kAllowedIps = 100;  // of each

double seconds_since(steady_clock::time_point begin) { return std::chrono::duration<double>(steady_clock::now() - begin).count(); }

Result<double> resident(const Daemon& daemon) {
  double sum = 0;
  for (const pid_t pid : daemon.processes()) {
    const auto held = memory(pid);
    if (!held) return held.error();
    sum += static_cast<double>(held->resident);
  }
  return sum;
}

ThreadClaims claims_of(const Daemon& daemon) {
  ThreadClaims claims;
  for (const pid_t pid : daemon.processes()) claims.merge(thread_claims(pid));
  return claims;
}

Result<Measured> measure(const Subject& subject, unsigned peers) {
  DeviceChange change;  // everyone's keys are drawn before the clock runs
  change.private_key = PrivateKey::generate();
  change.listen_port = Testbed::kPort;
  change.peers = many_peers(peers, 1, Family::kIpv4);
  auto where = NetworkNamespace::create();
  if (!where) return std::move(where).error();
  const auto begin = steady_clock::now();
  auto daemon = Daemon::start(*where, subject.command, fmt::format("wm{}", where->inode()));
  if (!daemon) return std::move(daemon).error();
  {
    // Some hold a peer's queues only while the link is up.
    const Visit visit(*where);
    if (auto up = bring_up(daemon->interface_name()); !up) return std::move(up).error();
  }
  const double start_time = seconds_since(begin);
  const ThreadClaims started = claims_of(*daemon);
  const auto empty = resident(*daemon);
  if (!empty) return empty.error();
  const auto configuring = steady_clock::now();
  if (auto configured = daemon->configure(change); !configured) return std::move(configured).error();
  const double configure_time = seconds_since(configuring);
  const ThreadClaims ended = claims_of(*daemon);
  const auto full = resident(*daemon);
  if (!full) return full.error();
  Measured measured;
  measured.limit = Limit::kNothing;
  measured.figures = {
      {"resident", "B", false, *full},
      {"resident_per_peer", "B", false, std::max(0.0, *full - *empty) / peers},
      {"start_time", "s", false, start_time, limit_of_wait(busiest_share({}, started, start_time))},
      {"configure_time", "s", false, configure_time, limit_of_wait(busiest_share(started, ended, configure_time))},
  };
  return measured;
}

Result<void> add_peers(Testbed& testbed, unsigned peers) {
  DeviceChange change;
  change.peers = many_peers(peers, kAllowedIps, testbed.options().family);
  for (const End end : {End::kA, End::kB}) {
    if (auto configured = testbed.daemon(end)->configure(change); !configured) return configured;
  }
  return testbed.await_traffic();
}

// Both are new: a daemon that has carried much already has its buffers at hand.
Result<Measured> measure_crowded(const Subject& subject, const TestbedOptions& options, unsigned peers, const LoadTimes& times) {
  auto alone = Testbed::create(subject, options);
  if (!alone) return std::move(alone).error();
  if (auto ready = alone->await_traffic(); !ready) return std::move(ready).error();
  auto crowded = Testbed::create(subject, options);
  if (!crowded) return std::move(crowded).error();
  if (auto added = add_peers(*crowded, peers); !added) return std::move(added).error();
  struct Sum {
    double bytes = 0;
    Cost cost{};
    [[nodiscard]] double rate() const { return cost.seconds > 0 ? bytes / cost.seconds : 0; }
    [[nodiscard]] double cpu() const { return bytes > 0 ? cost.daemon_cpu / bytes : 0; }
  };
  Sum sum_alone;
  Sum sum_crowded;
  Evidence evidence;
  for (Testbed* const testbed : {&*alone, &*crowded, &*crowded, &*alone}) {
    const auto outcome = load_tcp(*testbed, {}, times);
    if (!outcome) return outcome.error();
    if (testbed == &*crowded) evidence = outcome->evidence;
    Sum& sum = testbed == &*crowded ? sum_crowded : sum_alone;
    sum.bytes += outcome->bytes;
    sum.cost.seconds += outcome->cost.seconds;
    sum.cost.daemon_cpu += outcome->cost.daemon_cpu;
  }
  Measured measured;
  measured.figures.push_back({"data_kept", "1", true, sum_alone.rate() > 0 ? sum_crowded.rate() / sum_alone.rate() : 0});
  measured.figures.push_back({"cpu_growth", "1", false, sum_alone.cpu() > 0 ? sum_crowded.cpu() / sum_alone.cpu() : 0});
  add_payload_figures(measured, sum_crowded.cost, sum_crowded.bytes, false);
  measured.limit = limit_of(evidence);
  return measured;
}

}  // namespace

void add_peers_scenarios(Scenarios& scenarios, const TunnelOptions& options) {
  std::vector<unsigned> counts = {1, 100};
  if (options.is_full) counts.push_back(kCrowd);
  for (const unsigned peers : counts) {
    scenarios.push_back(
        {fmt::format("memory/peers:{}", peers), [peers](Testbed& testbed) { return measure(testbed.subject(), peers); }, true, 0});
  }
  if (!options.is_full) return;
  const TestbedOptions testbed_options = options.testbed;
  const LoadTimes times{options.warm_up, options.seconds};
  scenarios.push_back({fmt::format("tcp/peers:{}", kCrowd),
                       [=](Testbed& testbed) { return measure_crowded(testbed.subject(), testbed_options, kCrowd, times); }, true});
}

}  // namespace wgu::bench
