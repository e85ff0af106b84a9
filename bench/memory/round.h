#pragma once
// One round of `wgu-bench memory`: what is measured, and what came of it. A round is a process of its own (round_main.cc), since a
// process chooses its cipher once; both structures cross over as JSON.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bench/memory/tally.h"
#include "wgu/result.h"

namespace wgu::bench {

struct RoundOptions {
  std::vector<std::uint32_t> sizes{};  // of the inner packets, in turn
  unsigned flows = 1;                  // dealt out to the device queues in turn; a flow stays on its queue
  unsigned workers = 1;                // of each engine; as many device queues
  unsigned window = 128;               // packets on their way at most
  bool is_relay = false;               // without a tunnel: relay_pair.h
  std::string io = "auto";             // "auto", "uring", "epoll"
  std::vector<int> sender_cpus{};      // for the workers of the engine that seals; empty: the first ones, as the engine likes
  std::vector<int> receiver_cpus{};    // ... of the one that opens
  double warm_up = 0.3;                // seconds, not counted
  double seconds = 1;
  friend bool operator==(const RoundOptions&, const RoundOptions&) = default;
};

inline constexpr const char* kRelayKernel = "none";  // of a report

// What a group of threads did in the measured time.
struct ThreadUse {
  double cpu = 0;             // seconds, all of them
  double waited = 0;          // seconds, all of them: runnable, without a CPU
  double busiest = 0;         // of the one that ran or waited for a CPU the longest: that time as a share of the round
  std::uint64_t wakeups = 0;  // times that one of them got a CPU
  friend bool operator==(const ThreadUse&, const ThreadUse&) = default;
};

// What counting and measuring cost by themselves (metering.h): CPU time in nanoseconds, a packet; each level with all below it.
struct MeteringCost {
  double counters = 0;
  double events = 0;
  double sampled = 0;
  double all = 0;
  friend bool operator==(const MeteringCost&, const MeteringCost&) = default;
};

struct RoundReport {
  std::string kernel{};  // that the engines used
  std::string io{};
  double seconds = 0;                                 // measured
  std::uint64_t packets = 0;                          // that arrived in that time
  std::uint64_t bytes = 0;                            // of inner IP packets
  bool has_thread_use = false;                        // does the kernel tells (CONFIG_SCHED_INFO)?
  ThreadUse sender{}, receiver{}, feeder{}, drain{};  // the two engines, the two threads that load them
  // Of the whole run, warm-up included:
  std::uint64_t sent = 0;
  Arrived arrived{};
  std::map<std::string, std::uint64_t> drops{};  // both engines': by name
  std::uint64_t unexplained = 0;                 // packets that neither engine accounts for, though all has come to rest
  double batch = 0;                              // packets a round of a worker's that brought any, at the engine with fewer; 0: no engine
  MeteringCost metering{};                       // of such batches, measured after the run
  friend bool operator==(const RoundReport&, const RoundReport&) = default;
};

[[nodiscard]] std::string format_round(const RoundOptions& options);
[[nodiscard]] std::string format_round(const RoundReport& report);
// \errors EINVAL: not that
Result<RoundOptions> parse_round_options(std::string_view json);
Result<RoundReport> parse_round_report(std::string_view json);

}  // namespace wgu::bench
