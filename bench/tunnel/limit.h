#pragma once
// The rule by which a row says what kept it from being higher.
//
// "Busy" is the share of the measured time in which a thread ran or waited for a CPU: on few cores a thread that is held up by others is
// as much the bottleneck as one that always runs. A group (generator, daemons) is saturated when its busiest thread was busy for
// kSaturated; the machine is full when its CPUs were. In this order:
//
//   1. open loop, next to nothing was lost: more might have been carried.                          generator
//   2. open loop, more than half of what was lost overflowed at the sink's own socket.             generator
//   3. open loop, the daemons saturated or the machine full.                                       cpu
//   4. open loop, otherwise: with CPU to spare, queues on the way were too short.                  network
//   5. TCP without a daemon, the generator saturated or the machine full.                          generator
//   6. TCP, the daemons saturated and the generator not.                                           cpu
//   7. TCP, the generator saturated and the daemons not.                                           generator
//   8. TCP, both, or the machine full: whichever of the two used more CPU.                         cpu or generator
//   9. TCP with CPU to spare everywhere waits for its own acknowledgements.                        protocol
//
// An open-loop generator that shares few cores with the daemons takes CPU away from them; such a row's limit is still "cpu".
//
// A round trip (limit_of_latency()) is made of work, of waiting for a CPU, and of sleep:
//
//   1. requests that were due were not sent.                                                       generator
//   2. the daemons saturated or the machine full.                                                  cpu
//   3. idle: for half of the median or more somebody ran, or wanted to.                            cpu
//   4. loaded: the busiest thread of the daemons was busy half of the time or more, so that
//      a request mostly finds it at work.                                                          cpu
//   5. otherwise those who have to carry the packet are mostly asleep when it comes.               wake-ups
//
// A load of a set rate (limit_of_set_rate()) is not to be exceeded, only to be carried:
//
//   1. next to nothing was lost.                                                                   nothing
//   2. most of what was lost overflowed at the sink.                                               generator
//   3. the daemons saturated or the machine full.                                                  cpu
//   4. most of the loss belongs to rekeys.                                                         protocol
//   5. otherwise.                                                                                  network
//
// What somebody is told to do and answers (limit_of_wait()) is limited by the CPU when one of their threads was busy throughout, else by
// what it waits for in between.

#include <cstdint>
#include <string>
#include <vector>

#include "bench/results.h"

namespace wgu::bench {

struct Evidence {
  bool is_bare = false;                        // no daemons
  bool is_open_loop = false;                   // UDP as fast as possible; else TCP
  double seconds = 0;                          // measured
  double generator_busy = 0, daemon_busy = 0;  // of the busiest thread, as a share
  double generator_cpu = 0, daemon_cpu = 0;    // seconds of CPU, both ends
  double machine_busy = 0;                     // share of all CPUs
  double loss = 0;                             // share of what was sent that did not arrive; of an open loop
  double sink_loss = 0;                        // share of what was lost that the sink's own socket dropped
};

inline constexpr double kSaturated = 0.9;
inline constexpr double kMachineFull = 0.95;
inline constexpr double kNextToNothing = 0.005;

[[nodiscard]] Limit limit_of(const Evidence& evidence);

struct LatencyEvidence {
  std::uint64_t unsent = 0;  // requests
  bool is_loaded = false;    // other traffic beside them
  double median = 0;         // s
  double awake = 0;          // s a request: daemons and both ends ran or waited for a CPU
  double daemon_busy = 0, machine_busy = 0;
};
[[nodiscard]] Limit limit_of_latency(const LatencyEvidence& evidence);

// \param at_rekeys  share of the loss
[[nodiscard]] Limit limit_of_set_rate(const Evidence& evidence, double at_rekeys);

[[nodiscard]] Limit limit_of_wait(double daemon_busy);

// The limit that most rounds had (of equally many, the first), and in words how many, when not all agree.
struct CommonLimit {
  Limit limit = Limit::kUnknown;
  std::string note;
};
[[nodiscard]] CommonLimit common_limit(const std::vector<Limit>& limits);

}  // namespace wgu::bench
