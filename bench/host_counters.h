#pragma once
// What the host counted: read before and after a run, the difference says what else went on. Names, and what they count:
//
//   cpu/N/user, nice, system, idle, iowait, irq, softirq, steal    milliseconds of CPU N (Linux: proc_stat(5)); steal: taken by the host
//   interrupts, context_switches                                   of all CPUs
//   softnet/N/processed, dropped, time_squeeze, received_rps, flow_limit   packets of CPU N's backlog; of the whole machine, not of a
//                                                                  network namespace; 32 bits wide
//   udp/NAME, udp6/NAME     the caller's network namespace's, NAME as the kernel writes it (InErrors, RcvbufErrors, ...)

#include <cstdint>
#include <map>
#include <string>

namespace wgu::bench {

using HostCounters = std::map<std::string, std::uint64_t>;  // what could not be read is absent, never zero

// All of them. `root` holds proc/.
[[nodiscard]] HostCounters read_host_counters(const std::string& root = "/");

// The UDP counters among them, which each network namespace has for itself: of the calling thread's.
[[nodiscard]] HostCounters read_udp_counters(const std::string& root = "/");

void add(HostCounters& sum, const HostCounters& more);
// after - before of those that both have. Softnet's wrap at 32 bits; another that went back (its CPU was away) is absent.
[[nodiscard]] HostCounters counted_between(const HostCounters& before, const HostCounters& after);

}  // namespace wgu::bench
