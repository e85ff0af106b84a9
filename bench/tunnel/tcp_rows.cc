// tcp/streams:N/forward|reverse: what N streams carry together.
#include <fmt/format.h>

#include "bench/tunnel/load.h"
#include "bench/tunnel/scenario.h"

namespace wgu::bench {
namespace {

constexpr unsigned kStreams[] = {1, 4, 16};

Result<Measured> measure(Testbed& testbed, const TcpLoad& load, const LoadTimes& times) {
  const auto outcome = load_tcp(testbed, load, times);
  if (!outcome) return outcome.error();
  Measured measured;
  add_payload_figures(measured, outcome->cost, outcome->bytes, testbed.subject().is_bare());
  const auto segments = static_cast<double>(outcome->segments);
  measured.figures.push_back({"retransmits", "1", false, segments > 0 ? static_cast<double>(outcome->retransmits) / segments : 0});
  measured.limit = limit_of(outcome->evidence);
  return measured;
}

}  // namespace

void add_tcp_scenarios(Scenarios& scenarios, const TunnelOptions& options) {
  const LoadTimes times{options.warm_up, options.seconds};
  for (const unsigned streams : kStreams) {
    for (const End from : {End::kA, End::kB}) {
      const TcpLoad load{streams, from};
      scenarios.push_back({fmt::format("tcp/streams:{}/{}", streams, from == End::kA ? "forward" : "reverse"),
                           [load, times](Testbed& testbed) { return measure(testbed, load, times); }});
    }
  }
}

}  // namespace wgu::bench
