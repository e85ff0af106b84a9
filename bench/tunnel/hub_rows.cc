// hub/peers:N: what the daemon at b sends to N peers at once; the row to compare numbers of workers by, with each a subject of its own.
//
// Peers that were daemons would do as much work as the hub, on the same few CPUs: with both, TCP and its acknowledgements, a hub that had
// two CPUs for itself could not be told from one that had one. So the spokes are one thread that only counts (lab/spokes.h), and the
// traffic is UDP from inside the hub's namespace, closed loop: next to all that the CPUs do is the hub's reading, routing, sealing and
// sending, and the kernel's part in it. The spokes take 0.2 to 0.3 s of CPU a GB where the hub takes 0.5 to 0.7 (Zen 4, AVX-512), so on
// two CPUs a second worker can give it half as much again, and little more. Only this direction is measured: peers that send have to
// seal, and take the CPU that the second worker is to have. A hub of its own in each round.
#include <fmt/format.h>

#include <cerrno>

#include "bench/lab/spokes.h"
#include "bench/tunnel/load.h"
#include "bench/tunnel/scenario.h"

namespace wgu::bench {
namespace {

constexpr unsigned kPeers = 16;

Result<Measured> measure(const Subject& subject, const TestbedOptions& options, const LoadTimes& times) {
  if (subject.name == kNull) return Error{EOPNOTSUPP, "the spokes speak WireGuard, so with a cipher that only copies they cannot talk"};
  auto testbed = Testbed::create(subject, options);
  if (!testbed) return std::move(testbed).error();
  const auto spokes = Spokes::open(*testbed, testbed->public_key(End::kB), kPeers);
  if (!spokes) return spokes.error();
  DeviceChange change;
  change.peers = spokes->peers();
  if (auto configured = testbed->daemon(End::kB)->configure(change); !configured) return std::move(configured).error();
  const auto outcome = load_hub(*testbed, *spokes, times);
  if (!outcome) return outcome.error();
  Measured measured;
  add_payload_figures(measured, outcome->cost, outcome->bytes, false);
  measured.figures.push_back({"loss", "1", false, outcome->loss});
  measured.figures.push_back({"fairness", "1", true, outcome->fairness});
  measured.figures.push_back({"busiest_thread_share", "1", false, outcome->busiest_thread});
  measured.limit = limit_of(outcome->evidence);
  return measured;
}

}  // namespace

void add_hub_scenarios(Scenarios& scenarios, const TunnelOptions& options) {
  if (!options.is_full) return;
  const LoadTimes times{options.warm_up, options.seconds};
  const TestbedOptions testbed_options = options.testbed;
  scenarios.push_back(
      {fmt::format("hub/peers:{}", kPeers), [=](Testbed& testbed) { return measure(testbed.subject(), testbed_options, times); }, true});
}

}  // namespace wgu::bench
