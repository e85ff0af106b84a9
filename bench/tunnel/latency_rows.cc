// latency/idle, latency/load:P: there and back through the tunnel, open loop, from the intended send time. The load beside it is UDP of
// kLoadSize bytes at P % of the rate that this subject carries with less than kFoundLoss lost, which is found beforehand.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>

#include "bench/lab/child.h"
#include "bench/traffic/echo.h"
#include "bench/traffic/sockets.h"
#include "bench/tunnel/load.h"
#include "bench/tunnel/scenario.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr double kRequests = 1000;  // a second
constexpr std::uint32_t kRequestSize = 64;
constexpr std::uint32_t kLoadSize = 512;
constexpr double kFoundLoss = 0.005;
constexpr int kSearchSteps = 7;
constexpr LoadTimes kSearchTimes{0.1, 0.25};
constexpr int kLoads[] = {10, 50, 90};  // %

constexpr std::int64_t kStartUp = 60 * kMillisecond;  // for children to start
constexpr std::int64_t kGap = 150 * kMillisecond;     // from the warm-up to what is measured, for its last answers to come

std::int64_t nanoseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

void sleep_until_time(std::int64_t monotonic) {
  StopSignal never;
  sleep_until(monotonic, -1, 0, never);
}

// Rates that were found, by subject; 0: none.
using FoundRates = std::map<std::string, double>;

struct Echoed {
  EchoMeasured measured{};
  LatencyEvidence evidence{};
};

Result<Echoed> echo(Testbed& testbed, double warm_up, double seconds) {
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
  return Echoed{*measured,
                {.unsent = measured->unsent + measured->failed,
                 .median = measured->latency.percentile(50) / 1e9,
                 .awake = std::max(awake, 0.0) / answered,
                 .daemon_busy = cost.daemon_busy,
                 .machine_busy = cost.machine_busy}};
}

Measured measured_from(const Echoed& echoed) {
  const EchoMeasured& echo = echoed.measured;
  Measured measured;
  const auto seconds = [&](double percent) { return echo.latency.percentile(percent) / 1e9; };
  measured.figures = {
      {"latency_p50", "s", false, seconds(50)},
      {"latency_p99", "s", false, seconds(99)},
      {"latency_p99.9", "s", false, seconds(99.9)},
      {"latency_max", "s", false, static_cast<double>(echo.latency.max()) / 1e9},
      {"loss", "1", false, 1 - static_cast<double>(echo.answered) / static_cast<double>(std::max<std::uint64_t>(echo.intended, 1))}};
  measured.latency = echo.latency;
  measured.limit = limit_of_latency(echoed.evidence);
  if (echoed.evidence.unsent > 0) {
    measured.note = fmt::format("{} of {} requests were not sent in one round", echoed.evidence.unsent, echo.intended);
  }
  return measured;
}

// Halving between nothing and what comes through at overload.
Result<double> find_rate(Testbed& testbed) {
  const auto overload = load_udp(testbed, {.sizes = {kLoadSize}}, kSearchTimes);
  if (!overload) return overload.error();
  double low = 0;
  double high = overload->sent / overload->cost.seconds;
  for (int step = 0; step < kSearchSteps && high > 0; ++step) {
    const double rate = step == 0 ? overload->received / overload->cost.seconds : (low + high) / 2;
    const auto trial = load_udp(testbed, {.sizes = {kLoadSize}, .rate = rate}, kSearchTimes);
    if (!trial) return trial.error();
    const bool is_carried = trial->loss() < kFoundLoss && trial->sent / trial->cost.seconds > 0.99 * rate;
    (is_carried ? low : high) = rate;
  }
  return low;
}

Result<Measured> measure_loaded(Testbed& testbed, double share, FoundRates& found, double warm_up, double seconds) {
  const std::string& subject = testbed.subject().name;
  if (!found.contains(subject)) {
    auto rate = find_rate(testbed);
    if (!rate) return std::move(rate).error();
    found[subject] = *rate;
  }
  const double rate = found[subject] * share;
  if (rate <= 0) return Error{ENODATA, "no rate was found at which next to nothing is lost"};
  // The load begins before the echo and outlasts it.
  const double load_seconds = warm_up + seconds + 0.3;
  auto loading = ChildCall<UdpOutcome>::start(testbed.at(End::kA), [&] {
    return load_udp(testbed, {.sizes = {kLoadSize}, .rate = rate}, {0.05, load_seconds}).value();
  });
  if (!loading) return std::move(loading).error();
  auto echoed = echo(testbed, warm_up, seconds);
  if (!echoed) return std::move(echoed).error();
  const auto load = loading->get(steady_clock::now() + std::chrono::milliseconds(static_cast<int>(load_seconds * 1e3)) + 10s);
  if (!load) return load.error();
  echoed->evidence.is_loaded = true;
  Measured measured = measured_from(*echoed);
  measured.figures.push_back({"load", "packet/s", true, rate, limit_of_set_rate(load->evidence, 0)});
  measured.figures.push_back({"load_loss", "1", false, load->loss(), limit_of_set_rate(load->evidence, 0)});
  return measured;
}

}  // namespace

void add_latency_scenarios(Scenarios& scenarios, const TunnelOptions& options) {
  const double warm_up = options.warm_up;
  const double seconds = options.seconds;
  scenarios.push_back({"latency/idle", [=](Testbed& testbed) -> Result<Measured> {
                         const auto echoed = echo(testbed, warm_up, seconds);
                         if (!echoed) return echoed.error();
                         return measured_from(*echoed);
                       }});
  if (!options.is_full) return;
  auto found = std::make_shared<FoundRates>();
  for (const int load : kLoads) {
    scenarios.push_back({fmt::format("latency/load:{}", load),
                         [=](Testbed& testbed) { return measure_loaded(testbed, load / 100.0, *found, warm_up, seconds); }});
  }
}

}  // namespace wgu::bench
