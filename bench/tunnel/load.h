#pragma once
// One stretch of load between the two ends of a testbed, generator and sink each in a child process of its own.

#include <cstdint>
#include <vector>

#include "bench/lab/spokes.h"
#include "bench/lab/testbed.h"
#include "bench/traffic/tcp.h"
#include "bench/traffic/udp_sender.h"
#include "bench/traffic/udp_sink.h"
#include "bench/tunnel/limit.h"
#include "bench/tunnel/scenario.h"
#include "wgu/result.h"

namespace wgu::bench {

struct LoadTimes {
  double warm_up = 0.3;  // s
  double seconds = 1;
};

struct TcpLoad {
  unsigned streams = 1;
  End from = End::kA;
};
struct TcpOutcome {
  double bytes = 0;  // that arrived in the measured time
  std::uint64_t retransmits = 0, segments = 0;
  Cost cost{};
  Evidence evidence{};
};
Result<TcpOutcome> load_tcp(Testbed& testbed, const TcpLoad& load, const LoadTimes& times);

struct UdpLoad {
  std::vector<std::uint32_t> sizes = {64};  // UDP payloads, in turn
  unsigned segments = 1;
  double rate = 0;  // datagrams a second; 0: as fast as possible
  End from = End::kA;
};
struct UdpOutcome {
  double sent = 0, received = 0;  // datagrams of the measured time, by when they were to be sent
  double bytes = 0;               // UDP payload of those received
  std::uint64_t reordered = 0, duplicates = 0, foreign = 0;
  Intervals intended{}, arrived{};  // the whole run by intended time
  Cost cost{};
  Evidence evidence{};
  [[nodiscard]] double loss() const { return sent > 0 && sent > received ? (sent - received) / sent : 0; }
};
Result<UdpOutcome> load_udp(Testbed& testbed, const UdpLoad& load, const LoadTimes& times);

// What the daemon at End::kB sends to all of its peers at once.
struct HubOutcome {
  double bytes = 0;           // of UDP payload that arrived in the measured time
  double loss = 0;            // of the whole run, as a share of what the hub's device was given
  double fairness = 0;        // among the spokes
  double busiest_thread = 0;  // of all CPU time of the daemons, the part of the thread that worked most
  Cost cost{};
  Evidence evidence{};
};
Result<HubOutcome> load_hub(Testbed& testbed, const Spokes& spokes, const LoadTimes& times);

}  // namespace wgu::bench
