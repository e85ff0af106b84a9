// udp/bytes:N/forward|reverse, udp/imix/...: UDP sent as fast as the generator can, so mostly far beyond what a tunnel carries; what still
// arrives counts. The highest rate without loss is `ndr`'s. Only rows with "gso" in their name are sent as super-packets.
#include <fmt/format.h>

#include "bench/tunnel/load.h"
#include "bench/tunnel/scenario.h"

namespace wgu::bench {
namespace {

constexpr std::uint32_t kSmall = 64;
constexpr std::size_t kImixCount = 1024;

Result<Measured> measure(Testbed& testbed, const UdpLoad& load, const LoadTimes& times) {
  const auto outcome = load_udp(testbed, load, times);
  if (!outcome) return outcome.error();
  Measured measured;
  measured.figures.push_back({"packet_rate", "packet/s", true, outcome->received / outcome->cost.seconds});
  add_payload_figures(measured, outcome->cost, outcome->bytes, testbed.subject().is_bare());
  measured.figures.push_back({"loss", "1", false, outcome->loss()});
  measured.limit = limit_of(outcome->evidence);
  if (outcome->duplicates + outcome->reordered > 0) {
    measured.note = fmt::format("{} reordered, {} duplicates in one round", outcome->reordered, outcome->duplicates);
  }
  return measured;
}

}  // namespace

void add_udp_scenarios(Scenarios& scenarios, const TunnelOptions& options) {
  const LoadTimes times{options.warm_up, options.seconds};
  const auto add = [&](const std::string& what, UdpLoad load) {
    for (const End from : {End::kA, End::kB}) {
      load.from = from;
      scenarios.push_back({fmt::format("udp/{}/{}", what, from == End::kA ? "forward" : "reverse"),
                           [load, times](Testbed& testbed) { return measure(testbed, load, times); }});
    }
  };
  add(fmt::format("bytes:{}", kSmall), {.sizes = {kSmall}});
  if (!options.is_full) return;
  const std::uint32_t largest = options.testbed.inner_mtu - udp_headers(options.testbed.family);
  for (const std::uint32_t size : {128U, 256U, 512U, 1024U, largest}) {
    if (size <= largest) add(fmt::format("bytes:{}", size), {.sizes = {size}});
  }
  add("imix", {.sizes = imix_payloads(kImixCount, options.testbed.inner_mtu, options.testbed.family)});
  add(fmt::format("bytes:{}/gso:32", kSmall), {.sizes = {kSmall}, .segments = 32});
  add(fmt::format("bytes:{}/gso:{}", largest, max_segments(largest)), {.sizes = {largest}, .segments = max_segments(largest)});
}

}  // namespace wgu::bench
