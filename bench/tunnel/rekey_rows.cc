// rekey/seconds:N: a steady, modest UDP stream through every tunnel at once, for as long as it takes to see at least two rekeys (every 120
// s), and what was lost within a second of each. Handshakes are seen on the wire, so that it does not matter what a daemon tells of them.
#include <fmt/format.h>

#include "bench/lab/child.h"
#include "bench/lab/handshake_watch.h"
#include "bench/traffic/pacing.h"
#include "bench/tunnel/load.h"
#include "bench/tunnel/rekey_losses.h"
#include "bench/tunnel/scenario.h"

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr double kRate = 1000;  // packets a second
constexpr std::uint32_t kSize = 256;
constexpr std::int64_t kNear = kSecond;
constexpr auto kPatience = 30s;

struct Watched {
  UdpOutcome load{};
  SeenHandshakes handshakes{};
};

// In a child of its own for each testbed.
Watched load_and_watch(Testbed& testbed, double seconds) {
  const std::int64_t until = monotonic_now() + static_cast<std::int64_t>((seconds + 0.5) * 1e9);
  auto watching = ChildCall<SeenHandshakes>::start(testbed.at(End::kA),
                                                   [&testbed, until] { return watch_handshakes(until, testbed.options().family); });
  Watched watched;
  watched.load = load_udp(testbed, {.sizes = {kSize}, .rate = kRate}, {0, seconds}).value();
  watched.handshakes = watching->get(steady_clock::now() + kPatience).value();
  return watched;
}

Measured measured_from(const Watched& watched, const std::string& name, const std::string& subject) {
  RekeyLosses losses = rekey_losses(watched.load.intended, watched.load.arrived, watched.handshakes.all(), kNear);
  const std::size_t rekeys = watched.handshakes.count;
  Measured measured;
  measured.figures = {{"lost_near_rekeys", "packet", false, losses.near},
                      {"lost_elsewhere", "packet", false, losses.elsewhere},
                      {"rekeys", "handshake", true, static_cast<double>(rekeys), Limit::kNothing}};
  const double lost = losses.near + losses.elsewhere;
  measured.limit = limit_of_set_rate(watched.load.evidence, lost > 0 ? losses.near / lost : 0);
  if (rekeys < 2) measured.note = fmt::format("only {} rekeys were seen: --rekey-seconds is too short", rekeys);
  measured.curves.push_back({name, subject, "s", "1", std::move(losses.course)});
  return measured;
}

std::vector<Result<Measured>> measure_all(const std::vector<Testbed*>& testbeds, const std::string& name, double seconds) {
  std::vector<Result<ChildCall<Watched>>> running;
  for (Testbed* testbed : testbeds) {
    running.push_back(ChildCall<Watched>::start(testbed->at(End::kA), [testbed, seconds] { return load_and_watch(*testbed, seconds); }));
  }
  const auto deadline = steady_clock::now() + std::chrono::milliseconds(static_cast<int>(seconds * 1e3)) + 2 * kPatience;
  std::vector<Result<Measured>> all;
  for (std::size_t i = 0; i < testbeds.size(); ++i) {
    const auto watched = running[i] ? running[i]->get(deadline) : Result<Watched>(running[i].error());
    if (watched) {
      all.emplace_back(measured_from(*watched, name, testbeds[i]->subject().name));
    } else {
      all.emplace_back(watched.error());
    }
  }
  return all;
}

}  // namespace

void add_rekey_scenarios(Scenarios& scenarios, const TunnelOptions& options) {
  if (!options.is_full) return;
  const std::string name = fmt::format("rekey/seconds:{:.0f}", options.rekey_seconds);
  Scenario scenario;
  scenario.name = name;
  scenario.needs_daemon = true;
  scenario.rounds = 1;
  scenario.measure_all = [name, seconds = options.rekey_seconds](const std::vector<Testbed*>& testbeds) {
    return measure_all(testbeds, name, seconds);
  };
  scenarios.push_back(std::move(scenario));
}

}  // namespace wgu::bench
