// sockets in the namespaces -> fork the sink -> fork the sender, which begins kStartUp later -> the sender's report -> tell the sink to
// drain and stop, by closing a pipe -> the sink's report
#include "bench/ndr/tunnel_trial.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>

#include "bench/lab/child.h"
#include "bench/pipe.h"
#include "bench/traffic/sockets.h"
#include "bench/tunnel/scenario.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::int64_t kStartUp = 30 * kMillisecond;  // for the sink to be there
constexpr auto kPatience = std::chrono::seconds(10);  // beyond what a child was told to take

struct Ends {
  io::FileDescriptor sender, sink;
};

Result<Ends> open_ends(const Testbed& testbed) {
  Ends ends;
  Endpoint remote;
  {
    const Visit there(testbed.at(End::kB));
    auto sink = open_udp_sink({testbed.inner(End::kB), 0});
    if (!sink) return std::move(sink).error();
    auto address = local_endpoint(sink->get());
    if (!address) return std::move(address).error();
    remote = *address;
    ends.sink = std::move(*sink);
  }
  const Visit here(testbed.at(End::kA));
  auto sender = open_udp_sender(remote);
  if (!sender) return std::move(sender).error();
  ends.sender = std::move(*sender);
  return ends;
}

Result<TrialOutcome> run_trial(Testbed& testbed, const TrialLoad& load, double rate, double seconds) {
  // Peers may have gone quiet while others were measured; their handshake is not what is measured.
  if (auto ready = testbed.await_traffic(); !ready) return std::move(ready).error();
  auto ends = open_ends(testbed);
  if (!ends) return std::move(ends).error();
  auto stop = make_pipe();
  if (!stop) return std::move(stop).error();

  const std::int64_t duration = std::llround(seconds * static_cast<double>(kSecond));
  const std::int64_t begin = monotonic_now() + kStartUp;
  const auto run = static_cast<std::uint32_t>(begin >> 10);  // another for each trial
  auto receiving = ChildCall<UdpReceived>::start(testbed.at(End::kB), [&] {
    stop->writing.reset();
    const UdpSinkOptions options{.run = run, .duration = duration + 5 * kSecond, .is_gro = load.segments > 1};
    return receive_udp(ends->sink.get(), options, StopSignal(stop->reading.get())).value();
  });
  if (!receiving) return std::move(receiving).error();
  auto sending = ChildCall<UdpSent>::start(testbed.at(End::kA), [&] {
    stop->writing.reset();
    UdpSendOptions options;
    options.run = run;
    options.begin = begin;
    options.duration = duration;
    options.rate = rate;
    options.sizes = load.sizes;
    options.segments = load.segments;
    return send_udp(ends->sender.get(), options).value();
  });
  if (!sending) return std::move(sending).error();

  const auto before = testbed.usage();
  if (!before) return before.error();
  const auto deadline = steady_clock::now() + std::chrono::nanoseconds(duration + kStartUp) + kPatience;
  auto sent = sending->get(deadline);
  if (!sent) return std::move(sent).error();
  const auto after = testbed.usage();
  if (!after) return after.error();
  stop->writing.reset();
  auto received = receiving->get(deadline);
  if (!received) return std::move(received).error();

  const Cost cost = cost_between(*before, *after);
  return TrialOutcome{.sent = *sent,
                      .received = *received,
                      .has_daemons = !testbed.subject().is_bare(),
                      .daemon_busy = cost.daemon_busy,
                      .machine_busy = cost.machine_busy};
}

}  // namespace

Trial tunnel_trial(Testbed& testbed, TrialLoad load) {
  return [&testbed, load = std::move(load)](double rate, double seconds) { return run_trial(testbed, load, rate, seconds); };
}

}  // namespace wgu::bench
