// latency/idle, latency/tcp, latency/load:P: there and back through the tunnel, open loop, from the intended send time. The load beside
// it is one TCP stream that takes what it gets, or UDP of kLoadSize bytes at P % of the rate that this subject carries with less than
// kFoundLoss lost, which is found beforehand.
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <memory>

#include "bench/lab/child.h"
#include "bench/tunnel/load.h"
#include "bench/tunnel/round_trips.h"
#include "bench/tunnel/scenario.h"

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::uint32_t kLoadSize = 512;
constexpr double kFoundLoss = 0.005;
constexpr int kSearchSteps = 7;
constexpr LoadTimes kSearchTimes{0.1, 0.25};
constexpr int kLoads[] = {10, 50, 90};  // %

// Rates that were found, by subject; 0: none.
using FoundRates = std::map<std::string, double>;

Measured measured_from(const RoundTrips& echoed) {
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

// The load begins before the round trips and outlasts them.
double load_seconds(double warm_up, double seconds) { return warm_up + seconds + 0.3; }

template <typename Outcome>
struct Loaded {
  Measured round_trips;
  Outcome load;
};

// Round trips beside what `load(times)` carries in a process of its own.
template <typename Outcome, typename Load>
Result<Loaded<Outcome>> measure_beside(Testbed& testbed, double warm_up, double seconds, Load load) {
  const LoadTimes times{0.05, load_seconds(warm_up, seconds)};
  auto loading = ChildCall<Outcome>::start(testbed.at(End::kA), [&] { return load(times).value(); });
  if (!loading) return std::move(loading).error();
  auto echoed = measure_round_trips(testbed, warm_up, seconds);
  if (!echoed) return std::move(echoed).error();
  const auto carried = loading->get(steady_clock::now() + std::chrono::milliseconds(static_cast<int>(times.seconds * 1e3)) + 10s);
  if (!carried) return carried.error();
  echoed->evidence.is_loaded = true;
  return Loaded<Outcome>{measured_from(*echoed), *carried};
}

Result<Measured> measure_beside_tcp(Testbed& testbed, double warm_up, double seconds) {
  auto beside = measure_beside<TcpOutcome>(testbed, warm_up, seconds, [&](const LoadTimes& times) { return load_tcp(testbed, {}, times); });
  if (!beside) return std::move(beside).error();
  auto& [measured, load] = *beside;
  measured.figures.push_back({"load", "bit/s", true, load.bytes * 8 / load.cost.seconds, limit_of(load.evidence)});
  return std::move(measured);
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
  auto beside = measure_beside<UdpOutcome>(testbed, warm_up, seconds, [&](const LoadTimes& times) {
    return load_udp(testbed, {.sizes = {kLoadSize}, .rate = rate}, times);
  });
  if (!beside) return std::move(beside).error();
  auto& [measured, load] = *beside;
  measured.figures.push_back({"load", "packet/s", true, rate, limit_of_set_rate(load.evidence, 0)});
  measured.figures.push_back({"load_loss", "1", false, load.loss(), limit_of_set_rate(load.evidence, 0)});
  return std::move(measured);
}

}  // namespace

void add_latency_scenarios(Scenarios& scenarios, const TunnelOptions& options) {
  const double warm_up = options.warm_up;
  const double seconds = options.seconds;
  scenarios.push_back({"latency/idle", [=](Testbed& testbed) -> Result<Measured> {
                         const auto echoed = measure_round_trips(testbed, warm_up, seconds);
                         if (!echoed) return echoed.error();
                         return measured_from(*echoed);
                       }});
  scenarios.push_back({"latency/tcp", [=](Testbed& testbed) { return measure_beside_tcp(testbed, warm_up, seconds); }});
  if (!options.is_full) return;
  auto found = std::make_shared<FoundRates>();
  for (const int load : kLoads) {
    scenarios.push_back({fmt::format("latency/load:{}", load),
                         [=](Testbed& testbed) { return measure_loaded(testbed, load / 100.0, *found, warm_up, seconds); }});
  }
}

}  // namespace wgu::bench
