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

// Rates that were found, by subject; 0: none.
using FoundRates = std::map<std::string, double>;

Result<EchoMeasured> echo(Testbed& testbed, double warm_up, double seconds) {
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

  const double duration = warm_up + seconds;
  const auto run = static_cast<std::uint32_t>(monotonic_now() >> 10);
  const auto deadline = steady_clock::now() + std::chrono::milliseconds(static_cast<int>(duration * 1e3)) + 10s;
  auto serving = ChildReport::start(testbed.at(End::kB), [&](const ChildReport::Write&) {
    // Until the warm-up's run and the measured one are over, and then until it is killed.
    static_cast<void>(serve_echo(server->get(), run, static_cast<std::int64_t>((warm_up + 0.1) * 1e9)).value());
    static_cast<void>(serve_echo(server->get(), run + 1, 60 * kSecond).value());
  });
  if (!serving) return std::move(serving).error();
  auto asking = ChildCall<EchoMeasured>::start(testbed.at(End::kA), [&] {
    const std::int64_t begin = monotonic_now();
    EchoOptions options{
        .run = run, .duration = static_cast<std::int64_t>(warm_up * 1e9), .rate = kRequests, .size = kRequestSize, .drain = 0};
    if (warm_up > 0) static_cast<void>(measure_echo(client->get(), options).value());
    options.run = run + 1;
    options.begin = begin + static_cast<std::int64_t>((warm_up + 0.15) * 1e9);
    options.duration = static_cast<std::int64_t>(seconds * 1e9);
    options.drain = 200 * kMillisecond;
    return measure_echo(client->get(), options).value();
  });
  if (!asking) return std::move(asking).error();
  return asking->get(deadline);
}

Measured measured_from(const EchoMeasured& echo) {
  Measured measured;
  const auto seconds = [&](double percent) { return echo.latency.percentile(percent) / 1e9; };
  measured.figures = {
      {"latency_p50", "s", false, seconds(50)},
      {"latency_p99", "s", false, seconds(99)},
      {"latency_p99.9", "s", false, seconds(99.9)},
      {"latency_max", "s", false, static_cast<double>(echo.latency.max()) / 1e9},
      {"loss", "1", false, 1 - static_cast<double>(echo.answered) / static_cast<double>(std::max<std::uint64_t>(echo.intended, 1))}};
  measured.latency = echo.latency;
  const std::uint64_t not_asked = echo.unsent + echo.failed;
  if (not_asked > 0) {
    measured.limit = Limit::kGenerator;
    measured.note = fmt::format("{} of {} requests were not sent in one round", not_asked, echo.intended);
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
  // The load outlasts the echo; both are children, and the load's own figures count for its loss.
  auto loading = ChildReport::start(testbed.at(End::kA), [&](const ChildReport::Write&) {
    static_cast<void>(load_udp(testbed, {.sizes = {kLoadSize}, .rate = rate}, {0.05, warm_up + seconds + 0.3}).value());
  });
  if (!loading) return std::move(loading).error();
  auto answered = echo(testbed, warm_up, seconds);
  if (!answered) return std::move(answered).error();
  Measured measured = measured_from(*answered);
  measured.figures.push_back({"load", "packet/s", true, rate});
  return measured;
}

}  // namespace

void add_latency_scenarios(Scenarios& scenarios, const TunnelOptions& options) {
  const double warm_up = options.warm_up;
  const double seconds = options.seconds;
  scenarios.push_back({"latency/idle", [=](Testbed& testbed) -> Result<Measured> {
                         const auto answered = echo(testbed, warm_up, seconds);
                         if (!answered) return answered.error();
                         return measured_from(*answered);
                       }});
  if (!options.is_full) return;
  auto found = std::make_shared<FoundRates>();
  for (const int load : kLoads) {
    scenarios.push_back({fmt::format("latency/load:{}", load),
                         [=](Testbed& testbed) { return measure_loaded(testbed, load / 100.0, *found, warm_up, seconds); }});
  }
}

}  // namespace wgu::bench
