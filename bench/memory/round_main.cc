// wgu-bench-memory-round OPTIONS: one round, in a process of its own, which ends with the one that started it (bench/subprocess.h). Reads
// RoundOptions as JSON, writes a RoundReport as JSON to standard output. Built twice: with wgu's cipher, which WGU_AEAD chooses, and
// with the null cipher.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>

#include "bench/memory/closed_loop.h"
#include "bench/memory/confinement.h"
#include "bench/memory/metering.h"
#include "bench/memory/relay_pair.h"
#include "bench/memory/round.h"
#include "bench/memory/task_times.h"
#include "bench/memory/tunnel_pair.h"
#include "crypto/aead.h"
#include "engine/cpus.h"

namespace wgu::bench {
namespace {

using Seconds = std::chrono::duration<double>;

// The CPUs that no worker is pinned to: the load is not to run in the engines' time where that can be had.
std::vector<int> cpus_for_the_load(const RoundOptions& options) {
  std::vector<int> cpus = engine::affinity_of_this_thread();
  for (const std::vector<int>* named : {&options.sender_cpus, &options.receiver_cpus}) {
    for (const int cpu : cpus_of_workers(*named, options.workers)) std::erase(cpus, cpu);
  }
  return cpus.empty() ? engine::affinity_of_this_thread() : cpus;
}

// Pair: TunnelPair or RelayPair.
template <class Pair>
RoundReport measure_through(Pair pair, const RoundOptions& options) {
  const std::vector<int> load_cpus = cpus_for_the_load(options);
  ClosedLoop loop(options, pair.entrance(), pair.exit(), load_cpus);
  std::this_thread::sleep_for(Seconds(options.warm_up));

  const TaskTimes before = read_task_times();
  const std::uint64_t packets = loop.packets();
  const std::uint64_t bytes = loop.bytes();
  const auto begun = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(Seconds(options.seconds));
  RoundReport report;
  report.packets = loop.packets() - packets;
  report.bytes = loop.bytes() - bytes;
  report.seconds = Seconds(std::chrono::steady_clock::now() - begun).count();
  const TaskTimes after = read_task_times();
  loop.stop();

  if (!loop.failure().empty()) throw BadResult({EIO, loop.failure()});
  report.kernel = options.is_relay ? kRelayKernel : crypto::kernel_name();
  report.io = pair.io_backend();
  report.has_thread_use = !before.empty() && !after.empty();
  report.sender = use_of(pair.sender_threads(), before, after, report.seconds);
  report.receiver = use_of(pair.receiver_threads(), before, after, report.seconds);
  report.feeder = use_of(loop.feeder_thread(), before, after, report.seconds);
  report.drain = use_of(loop.drain_thread(), before, after, report.seconds);
  report.sent = loop.sent();
  report.arrived = loop.arrived();
  report.drops = pair.drops();
  report.unexplained = pair.unexplained();
  report.batch = pair.batch();
  if (report.batch > 0 && report.packets > 0) {
    report.metering =
        measure_metering(static_cast<std::size_t>(report.batch + 0.5), static_cast<std::size_t>(report.bytes / report.packets));
  }
  return report;
}

RoundReport measure(const RoundOptions& options) {
  if (options.is_relay) return measure_through(RelayPair::start(options).value(), options);
  return measure_through(TunnelPair::start(options).value(), options);
}

}  // namespace
}  // namespace wgu::bench

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fputs("This is a part of wgu-bench: call `wgu-bench memory`.\n", stderr);
    return 2;
  }
  auto options = wgu::bench::parse_round_options(argv[1]);
  const std::string report = wgu::bench::format_round(wgu::bench::measure(options.value()));
  return std::puts(report.c_str()) >= 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "wgu-bench memory: %s\n", error.what());
  return 1;
}
