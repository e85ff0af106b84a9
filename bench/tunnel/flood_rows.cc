// flood/mac1:valid/...  how much of a TCP stream is kept while strangers send initiations that look right until much is computed, and how
//                       much longer round trips take; against the same flood sent to a socket that discards it, so that what the flood
//                       itself costs the machine does not count. Either is done in turn, several times a round: a stream's rate differs
//                       by more from one second to another than by what is looked for
// flood/mac1:forged/... the same with initiations that the first check refuses
// Each round has daemons of its own: what peers and cookies they gather is not to be seen in other rows.
#include <fmt/format.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "bench/lab/child.h"
#include "bench/lab/crowd.h"
#include "bench/traffic/pacing.h"
#include "bench/traffic/sockets.h"
#include "bench/tunnel/load.h"
#include "bench/tunnel/round_trips.h"
#include "bench/tunnel/scenario.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::size_t kStrangers = 256;
constexpr double kCapacity = 7'000;    // initiations a second that a core answers (X25519: 30 us, four a handshake): no flood yet
constexpr double kFloodRate = 70'000;  // ten times that
constexpr unsigned kTurns = 4;         // with and without a flood, in each round

struct Flooded {
  std::uint64_t sent = 0;
};

Flooded flood(const CrowdSocket& socket, std::span<const InitiationBytes> stock, double rate, std::int64_t duration) {
  const std::int64_t begin = monotonic_now();
  const Schedule schedule(begin, rate);
  Flooded flooded;
  StopSignal never;
  for (std::int64_t now = begin; now < begin + duration; now = monotonic_now()) {
    // What is late is made up for, a batch at a time: the rate in the row's name is that of the whole flood.
    const std::uint64_t fallen_due = schedule.count_before(now);
    std::uint64_t due = std::min<std::uint64_t>(fallen_due - std::min(flooded.sent, fallen_due), CrowdSocket::kBatch);
    while (due > 0) {
      const std::size_t at = flooded.sent % stock.size();
      const std::size_t count = std::min<std::size_t>(due, stock.size() - at);
      const std::size_t sent = socket.send(stock.subspan(at, count), static_cast<std::uint32_t>(flooded.sent));
      if (sent == 0) break;
      flooded.sent += sent;
      due -= sent;
    }
    sleep_until(schedule.due(flooded.sent + 8), -1, 0, never);
  }
  return flooded;
}

// At b, where nobody reads: the kernel takes each datagram as far as the socket, and there lets go of it.
Result<io::FileDescriptor> open_discarding_socket(const Testbed& testbed) {
  const Visit visit(testbed.at(End::kB));
  auto socket = open_udp_sink({testbed.outer(End::kB), 0});
  if (!socket) return std::move(socket).error();
  sock_filter discard = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &discard};
  if (::setsockopt(socket->get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) return io::system_error(errno, "discard");
  return socket;
}

struct Flood {
  std::span<const InitiationBytes> stock;
  double rate = 0;
};

// What becomes of the tunnel while the flood goes to `target`. Of several turns: summed up, but for `evidence`, which is the last one's.
struct UnderFlood {
  double bytes = 0;
  Cost cost{};  // its shares averaged
  Evidence evidence{};
  Histogram round_trips{};  // ns
  std::uint64_t sent = 0;   // of the flood
  double duration = 0;      // s, of the flood
};

void add(UnderFlood& sum, const UnderFlood& turn) {
  sum.bytes += turn.bytes;
  sum.cost.seconds += turn.cost.seconds;
  sum.cost.daemon_cpu += turn.cost.daemon_cpu;
  sum.cost.daemon_busy += turn.cost.daemon_busy / kTurns;
  sum.cost.machine_busy += turn.cost.machine_busy / kTurns;
  sum.evidence = turn.evidence;
  sum.round_trips += turn.round_trips;
  sum.sent += turn.sent;
  sum.duration += turn.duration;
}

Result<UnderFlood> measure_under_flood(Testbed& testbed, const Flood& what, const Endpoint& target, const LoadTimes& times) {
  constexpr double kStartUps = 0.8;  // s, of the stretch of TCP and that of round trips
  const double duration = 2 * (times.warm_up + times.seconds) + kStartUps;
  auto flooding = ChildCall<Flooded>::start(testbed.at(End::kA), [&] {
    const auto socket = CrowdSocket::open(target);
    return flood(*socket, what.stock, what.rate, static_cast<std::int64_t>(duration * 1e9));
  });
  if (!flooding) return std::move(flooding).error();
  auto tcp = load_tcp(testbed, {}, times);
  if (!tcp) return std::move(tcp).error();
  const auto round_trips = measure_round_trips(testbed, times.warm_up, times.seconds);
  if (!round_trips) return round_trips.error();
  const auto flooded = flooding->get(steady_clock::now() + std::chrono::milliseconds(static_cast<int>(duration * 1e3)) + 10s);
  if (!flooded) return flooded.error();
  return UnderFlood{tcp->bytes, tcp->cost, tcp->evidence, round_trips->measured.latency, flooded->sent, duration};
}

Result<Measured> measure_flood(const Subject& subject, const TestbedOptions& options, bool has_valid_mac1, double rate,
                               const LoadTimes& times) {
  auto testbed = Testbed::create(subject, options);
  if (!testbed) return std::move(testbed).error();
  if (auto ready = testbed->await_traffic(); !ready) return std::move(ready).error();
  if (auto settled = settle_crowd(*testbed); !settled) return std::move(settled).error();
  auto stock = Crowd(kStrangers, testbed->public_key(End::kB)).initiations(kStrangers);
  if (!has_valid_mac1) {
    for (auto& message : stock) message[noise::Initiation::kMac1] ^= 1;
  }
  const auto discarding = open_discarding_socket(*testbed);
  if (!discarding) return discarding.error();
  const auto elsewhere = local_endpoint(discarding->get());
  if (!elsewhere) return elsewhere.error();
  UnderFlood spared, struck;
  const LoadTimes of_turn{times.warm_up, times.seconds / 2};
  for (unsigned turn = 0; turn < 2 * kTurns; ++turn) {
    const bool is_struck = turn % 4 == 1 || turn % 4 == 2;  // not always second: what drifts is to meet both alike
    const Endpoint target = is_struck ? Endpoint{testbed->outer(End::kB), Testbed::kPort} : *elsewhere;
    const auto measured = measure_under_flood(*testbed, {stock, rate}, target, of_turn);
    if (!measured) return measured.error();
    add(is_struck ? struck : spared, *measured);
  }

  const auto p99 = [](const UnderFlood& of) { return of.round_trips.percentile(99) / 1e9; };
  const auto flood_rate = [](const UnderFlood& of) { return static_cast<double>(of.sent) / of.duration; };
  Measured measured;
  measured.figures.push_back({"data_kept", "1", true, spared.bytes > 0 ? struck.bytes / spared.bytes : 0});
  measured.figures.push_back({"tail_growth", "1", false, p99(spared) > 0 ? p99(struck) / p99(spared) : 0});
  measured.figures.push_back({"latency_p99", "s", false, p99(struck)});
  add_payload_figures(measured, struck.cost, struck.bytes, false);
  measured.figures.push_back({"flood_rate", "packet/s", true, std::min(flood_rate(spared), flood_rate(struck)), Limit::kGenerator});
  measured.limit = limit_of(struck.evidence);
  return measured;
}

}  // namespace

void add_flood_scenarios(Scenarios& scenarios, const TunnelOptions& options) {
  if (!options.is_full) return;
  const double warm_up = options.warm_up;
  const double seconds = options.seconds;
  const TestbedOptions testbed_options = options.testbed;
  const auto add = [&](const char* mac1, bool is_valid, double rate) {
    scenarios.push_back({fmt::format("flood/mac1:{}/rate:{:.0f}", mac1, rate),
                         [=](Testbed& testbed) {
                           return measure_flood(testbed.subject(), testbed_options, is_valid, rate, {warm_up, seconds});
                         },
                         true});
  };
  add("valid", true, kCapacity);
  add("valid", true, kFloodRate);
  add("forged", false, kFloodRate);
}

}  // namespace wgu::bench
