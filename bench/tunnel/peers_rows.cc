// memory/peers:N: a daemon on its own, started anew in each round, that is given N peers at once over its control socket: what it then
// holds, and how long starting and configuring took.
#include <fmt/format.h>

#include <chrono>

#include "bench/lab/link.h"
#include "bench/tunnel/limit.h"
#include "bench/tunnel/scenario.h"
#include "wgu/key.h"

namespace wgu::bench {
namespace {

using std::chrono::steady_clock;

// Everyone's keys are drawn before the clock runs.
DeviceChange change_with(unsigned peers) {
  DeviceChange change;
  change.private_key = PrivateKey::generate();
  change.listen_port = Testbed::kPort;
  change.peers.resize(peers);
  for (unsigned i = 0; i < peers; ++i) {
    change.peers[i].public_key = PrivateKey::generate().public_key();
    const auto byte = [i](int shift) { return static_cast<std::uint8_t>(i >> shift); };
    change.peers[i].allowed_ips.push_back({Prefix::masked(IpAddress::v4(10, byte(16), byte(8), byte(0)), 32)});
  }
  return change;
}

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
  const DeviceChange change = change_with(peers);
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

}  // namespace

void add_peers_scenarios(Scenarios& scenarios, const TunnelOptions& options) {
  std::vector<unsigned> counts = {1, 100};
  if (options.is_full) counts.push_back(10'000);
  for (const unsigned peers : counts) {
    scenarios.push_back(
        {fmt::format("memory/peers:{}", peers), [peers](Testbed& testbed) { return measure(testbed.subject(), peers); }, true, 0});
  }
}

}  // namespace wgu::bench
