// All times are fixed before client and server are forked; the daemons' clocks are read in between, from here.
#include "bench/tunnel/round_trips.h"

#include <chrono>
#include <optional>

#include "bench/lab/child.h"
#include "bench/traffic/sockets.h"
#include "bench/tunnel/scenario.h"

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr double kRequests = 1000;  // a second
constexpr std::uint32_t kRequestSize = 64;
constexpr std::int64_t kStartUp = 60 * kMillisecond;  // for children to start
constexpr std::int64_t kGap = 150 * kMillisecond;     // from the warm-up to what is measured, for its last answers to come

std::int64_t nanoseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

void sleep_until_time(std::int64_t monotonic) {
  StopSignal never;
  sleep_until(monotonic, -1, 0, never);
}

}  // namespace

Result<RoundTrips> measure_round_trips(Testbed& testbed, double warm_up, double seconds) {
  std::optional<Visit> visit(testbed.at(End::kB));
  auto server = open_udp_sink({testbed.inner(End::kB), 0});
  visit.reset();
  if (!server) return std::move(server).error();
  const auto remote = local_endpoint(server->get());
  if (!remote) return remote.error();
  visit.emplace(testbed.at(End::kA));
  auto client = open_udp_sender(*remote);
  visit.reset();
  if (!client) return std::move(client).error();

  // All times are fixed before anyone is forked, so that no end that begins late takes the other's requests for strangers'.
  const std::int64_t warm_up_begin = monotonic_now() + kStartUp;
  const std::int64_t begin = warm_up_begin + nanoseconds(warm_up) + kGap;
  const std::int64_t end = begin + nanoseconds(seconds);
  const auto run = static_cast<std::uint32_t>(warm_up_begin >> 10);
  auto serving = ChildReport::start(testbed.at(End::kB), [&](const ChildReport::Write&) {
    static_cast<void>(serve_echo(server->get(), run, begin - kGap / 2 - monotonic_now()).value());
    static_cast<void>(serve_echo(server->get(), run + 1, end + 10 * kSecond - monotonic_now()).value());
  });
  if (!serving) return std::move(serving).error();
  auto asking = ChildCall<EchoMeasured>::start(testbed.at(End::kA), [&] {
    EchoOptions options{
        .run = run, .begin = warm_up_begin, .duration = nanoseconds(warm_up), .rate = kRequests, .size = kRequestSize, .drain = 0};
    if (warm_up > 0) static_cast<void>(measure_echo(client->get(), options).value());
    options.run = run + 1;
    options.begin = begin;
    options.duration = nanoseconds(seconds);
    options.drain = 200 * kMillisecond;
    return measure_echo(client->get(), options).value();
  });
  if (!asking) return std::move(asking).error();

  const auto claims_of_ends = [&] {
    ThreadClaims claims = thread_claims(serving->pid());
    claims.merge(thread_claims(asking->pid()));
    return claims;
  };
  sleep_until_time(begin);
  const auto before = testbed.usage();
  const ThreadClaims ends_before = claims_of_ends();
  sleep_until_time(end);
  const auto after = testbed.usage();
  const ThreadClaims ends_after = claims_of_ends();
  if (!before) return before.error();
  if (!after) return after.error();
  const auto measured = asking->get(steady_clock::now() + 10s);
  if (!measured) return measured.error();
  const Cost cost = cost_between(*before, *after);
  const double answered = static_cast<double>(std::max<std::uint64_t>(measured->answered, 1));
  // Waiting busily for an intended time is part of no round trip.
  const double awake = awake_seconds(before->threads, after->threads) + awake_seconds(ends_before, ends_after) -
                       static_cast<double>(measured->time.spun) / 1e9;
  return RoundTrips{*measured,
                    {.unsent = measured->unsent + measured->failed,
                     .median = measured->latency.percentile(50) / 1e9,
                     .awake = std::max(awake, 0.0) / answered,
                     .daemon_busy = cost.daemon_busy,
                     .machine_busy = cost.machine_busy}};
}

}  // namespace wgu::bench
