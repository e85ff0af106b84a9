// Sockets are made here, inside the testbed's namespaces, so that ports are known before anyone uses them; then sink and generator
// are forked; the daemons' clocks are read when the warm-up is over, and again when the measured time is.

#include "bench/tunnel/load.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <thread>

#include "bench/lab/child.h"
#include "bench/pipe.h"
#include "bench/traffic/sockets.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto kStartUp = 60ms;            // for children to start, and TCP to connect
constexpr auto kHandshakes = 150ms;        // for a child to start, and its spokes to get their answers
constexpr double kTail = 0.1;              // s of load behind the measured time, so that its end is not the load's
constexpr double kLate = 3;                // s that a sink waits for a load that comes or ends late
constexpr auto kPatience = 10s;            // beyond what a child was told to take
constexpr std::int64_t kIntervals = 1000;  // of the whole run: what rates between two times are read from

template <class T>
struct Claimed {
  T value{};
  CpuClaim claim{};
};

// What the work of a child's only thread wanted of the CPUs.
template <class T, class Work>
Claimed<T> claimed(Work&& work) {
  const CpuClaim before = own_claim().value();
  Claimed<T> done{std::forward<Work>(work)().value(), {}};
  const CpuClaim after = own_claim().value();
  done.claim = {after.ran - before.ran, after.waited - before.waited};
  return done;
}

std::int64_t nanoseconds(double seconds) { return std::llround(seconds * 1e9); }
double seconds_of(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }
std::int64_t monotonic(steady_clock::time_point time) { return time.time_since_epoch() / 1ns; }

double busy(const CpuClaim& claim, const OwnTime& time) {
  // Waiting busily for an intended time is neither work nor being held up.
  return time.wall > 0 ? (claim.ran + claim.waited - seconds_of(time.spun)) / seconds_of(time.wall) : 0;
}

template <class T>
double cpu_in(const Claimed<T>& child, double seconds) {
  return child.value.time.wall > 0
             ? seconds_of(child.value.time.user + child.value.time.system) / seconds_of(child.value.time.wall) * seconds
             : 0;
}

// The testbed's clocks at the beginning and at the end of the measured time, while others work.
struct Window {
  Usage before, after;
};
Result<Window> watch(const Testbed& testbed, steady_clock::time_point from, double seconds) {
  std::this_thread::sleep_until(from);
  auto before = testbed.usage();
  if (!before) return std::move(before).error();
  std::this_thread::sleep_until(before->at + std::chrono::nanoseconds(nanoseconds(seconds)));
  auto after = testbed.usage();
  if (!after) return std::move(after).error();
  return Window{std::move(*before), std::move(*after)};
}

steady_clock::duration duration_of(double seconds) { return std::chrono::nanoseconds(nanoseconds(seconds)); }

template <class Open>
auto open_at(const NetworkNamespace& where, Open&& open) {
  const Visit visit(where);
  return open();
}

// Of those intervals that lie between the two times wholly, scaled up to all of the time between them.
double counted_between(const Intervals& intervals, std::int64_t from, std::int64_t to) {
  if (intervals.length <= 0) return 0;
  const std::int64_t first = (from - intervals.begin + intervals.length - 1) / intervals.length;
  const std::int64_t last = std::min<std::int64_t>((to - intervals.begin) / intervals.length, Intervals::kMax);
  double sum = 0;
  for (std::int64_t i = std::max<std::int64_t>(first, 0); i < last; ++i)
    sum += static_cast<double>(intervals.counts[static_cast<std::size_t>(i)]);
  return last > first ? sum * static_cast<double>(to - from) / static_cast<double>((last - first) * intervals.length) : 0;
}

void fill_evidence(Evidence& evidence, const Cost& cost, const Testbed& testbed) {
  evidence.is_bare = testbed.subject().is_bare();
  evidence.seconds = cost.seconds;
  evidence.daemon_busy = cost.daemon_busy;
  evidence.daemon_cpu = cost.daemon_cpu;
  evidence.machine_busy = cost.machine_busy;
}

}  // namespace

Result<TcpOutcome> load_tcp(Testbed& testbed, const TcpLoad& load, const LoadTimes& times) {
  const End to = other(load.from);
  auto listener = open_at(testbed.at(to), [&] { return open_tcp_listener({testbed.inner(to), 0}); });
  if (!listener) return std::move(listener).error();
  const auto remote = local_endpoint(listener->get());
  if (!remote) return remote.error();

  const double duration = seconds_of(kStartUp / 1ns) + times.warm_up + times.seconds + kTail;
  const std::int64_t at_most = nanoseconds(duration + kLate);
  const TcpSinkOptions sink{.streams = load.streams, .duration = at_most, .interval = at_most / kIntervals};
  auto receiving = ChildCall<Claimed<TcpReceived>>::start(
      testbed.at(to), [&] { return claimed<TcpReceived>([&] { return receive_tcp(listener->get(), sink); }); });
  if (!receiving) return std::move(receiving).error();
  const auto begin = steady_clock::now();
  auto sending = ChildCall<Claimed<TcpSent>>::start(testbed.at(load.from), [&] {
    const TcpSendOptions options{.streams = load.streams, .duration = nanoseconds(duration)};
    return claimed<TcpSent>([&] { return send_tcp(*remote, options); });
  });
  if (!sending) return std::move(sending).error();

  auto window = watch(testbed, begin + kStartUp + duration_of(times.warm_up), times.seconds);
  if (!window) return std::move(window).error();
  const auto deadline = begin + duration_of(duration) + kPatience;
  const auto sent = sending->get(deadline);
  if (!sent) return sent.error();
  const auto received = receiving->get(deadline);
  if (!received) return received.error();

  TcpOutcome outcome;
  outcome.cost = cost_between(window->before, window->after);
  outcome.bytes = received->value.rate(monotonic(window->before.at), monotonic(window->after.at)) * outcome.cost.seconds;
  outcome.retransmits = sent->value.retransmits;
  outcome.segments = sent->value.segments;
  fill_evidence(outcome.evidence, outcome.cost, testbed);
  outcome.evidence.generator_busy = std::max(busy(sent->claim, sent->value.time), busy(received->claim, received->value.time));
  outcome.evidence.generator_cpu = cpu_in(*sent, times.seconds) + cpu_in(*received, times.seconds);
  return outcome;
}

Result<UdpOutcome> load_udp(Testbed& testbed, const UdpLoad& load, const LoadTimes& times) {
  const End to = other(load.from);
  auto sink_socket = open_at(testbed.at(to), [&] { return open_udp_sink({testbed.inner(to), 0}); });
  if (!sink_socket) return std::move(sink_socket).error();
  const auto remote = local_endpoint(sink_socket->get());
  if (!remote) return remote.error();
  auto source_socket = open_at(testbed.at(load.from), [&] { return open_udp_sender(*remote); });
  if (!source_socket) return std::move(source_socket).error();

  const double duration = times.warm_up + times.seconds + kTail;
  const auto begin = steady_clock::now() + kStartUp;
  const std::int64_t interval = std::max<std::int64_t>(nanoseconds(duration) / kIntervals, 1);
  const auto run = static_cast<std::uint32_t>(monotonic(begin) >> 10);  // another for every load
  auto stop = make_pipe();
  if (!stop) return std::move(stop).error();
  auto receiving = ChildCall<Claimed<UdpReceived>>::start(testbed.at(to), [&] {
    stop->writing.reset();
    const UdpSinkOptions options{.run = run,
                                 .duration = nanoseconds(duration + kLate),
                                 .is_gro = load.segments > 1,
                                 .begin = monotonic(begin),
                                 .interval = interval};
    return claimed<UdpReceived>([&] { return receive_udp(sink_socket->get(), options, StopSignal(stop->reading.get())); });
  });
  if (!receiving) return std::move(receiving).error();
  auto sending = ChildCall<Claimed<UdpSent>>::start(testbed.at(load.from), [&] {
    stop->writing.reset();
    const UdpSendOptions options{.run = run,
                                 .begin = monotonic(begin),
                                 .duration = nanoseconds(duration),
                                 .rate = load.rate,
                                 .sizes = load.sizes,
                                 .segments = load.segments,
                                 .interval = interval};
    return claimed<UdpSent>([&] { return send_udp(source_socket->get(), options); });
  });
  if (!sending) return std::move(sending).error();

  auto window = watch(testbed, begin + duration_of(times.warm_up), times.seconds);
  if (!window) return std::move(window).error();
  const auto deadline = begin + duration_of(duration) + kPatience;
  const auto sent = sending->get(deadline);
  if (!sent) return sent.error();
  stop->writing.reset();  // nothing more will be sent
  const auto received = receiving->get(deadline);
  if (!received) return received.error();

  UdpOutcome outcome;
  outcome.cost = cost_between(window->before, window->after);
  const std::int64_t from = monotonic(window->before.at);
  const std::int64_t until = monotonic(window->after.at);
  outcome.intended = sent->value.intended_by_time;
  outcome.arrived = received->value.by_time;
  outcome.sent = counted_between(outcome.intended, from, until);
  outcome.received = counted_between(outcome.arrived, from, until);
  const double mean_size =
      received->value.received > 0 ? static_cast<double>(received->value.bytes) / static_cast<double>(received->value.received) : 0;
  outcome.bytes = outcome.received * mean_size;
  outcome.reordered = received->value.reordered;
  outcome.duplicates = received->value.duplicates;
  outcome.foreign = received->value.foreign;
  Evidence& evidence = outcome.evidence;
  fill_evidence(evidence, outcome.cost, testbed);
  evidence.is_open_loop = true;
  evidence.generator_busy = std::max(busy(sent->claim, sent->value.time), busy(received->claim, received->value.time));
  evidence.generator_cpu = cpu_in(*sent, times.seconds) + cpu_in(*received, times.seconds);
  evidence.loss = outcome.loss();
  const double lost = static_cast<double>(received->value.lost(sent->value.sent));
  evidence.sink_loss = lost > 0 ? static_cast<double>(received->value.overflowed) / lost : 0;
  return outcome;
}

Result<HubOutcome> load_hub(Testbed& testbed, const Spokes& spokes, const LoadTimes& times) {
  const double before_measuring = seconds_of(kHandshakes / 1ns) + times.warm_up;
  const double duration = before_measuring + times.seconds + kTail;
  const auto begin = steady_clock::now();
  const auto measuring = begin + duration_of(before_measuring);
  auto carrying = ChildCall<Claimed<SpokesCarried>>::start(testbed.at(End::kA), [&] {
    const SpokesRun run{.duration = nanoseconds(duration),
                        .count_from = monotonic(measuring),
                        .count_until = monotonic(measuring) + nanoseconds(times.seconds)};
    return claimed<SpokesCarried>([&] { return carry(spokes, run); });
  });
  if (!carrying) return std::move(carrying).error();
  auto window = watch(testbed, measuring, times.seconds);
  if (!window) return std::move(window).error();
  const auto carried = carrying->get(begin + duration_of(duration) + kPatience);
  if (!carried) return carried.error();

  HubOutcome outcome;
  const SpokesCarried& all = carried->value;
  outcome.cost = cost_between(window->before, window->after);
  outcome.bytes = counted_between(all.by_time, monotonic(window->before.at), monotonic(window->after.at)) * spokes.payload;
  outcome.loss = all.sent > 0 ? static_cast<double>(all.lost) / static_cast<double>(all.sent) : 0;
  outcome.fairness = fairness(std::span(all.by_spoke).first(spokes.all.size()));
  outcome.busiest_thread = largest_part(window->before.threads, window->after.threads);
  fill_evidence(outcome.evidence, outcome.cost, testbed);
  outcome.evidence.generator_busy = busy(carried->claim, all.time);
  outcome.evidence.generator_cpu = cpu_in(*carried, times.seconds);
  return outcome;
}

}  // namespace wgu::bench
