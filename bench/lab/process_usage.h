#pragma once
// What processes cost: CPU time to the nanosecond, memory, and how busy the machine was meanwhile.
//
// CPU time is what the scheduler charges to the process. What the kernel does for it in a soft interrupt is charged to whichever process
// was interrupted: with both ends on one machine the sum over generator, daemons and idle time is right, its parts only nearly so.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "wgu/result.h"

namespace wgu::bench {

struct Memory {
  std::uint64_t resident = 0;       // bytes: VmRSS
  std::uint64_t resident_peak = 0;  // bytes: VmHWM
  friend bool operator==(const Memory&, const Memory&) = default;
};

// CPU time of all processors since boot, in clock ticks: /proc/stat, first line. Time a hypervisor took away counts as busy.
struct MachineTime {
  std::uint64_t busy = 0;
  std::uint64_t idle = 0;
  // Of the time between the two, 0 to 1; 0 when none passed.
  [[nodiscard]] double busy_share_since(const MachineTime& before) const;
  friend bool operator==(const MachineTime&, const MachineTime&) = default;
};

// What a thread wanted of the CPUs, in seconds: it ran, or it could have and had to wait. Where many share few cores, a thread that always
// does either is what holds up the others, however little it ran.
struct CpuClaim {
  double ran = 0;
  double waited = 0;
  friend bool operator==(const CpuClaim&, const CpuClaim&) = default;
};

// Of the text of /proc/PID/status, /proc/stat; none when it is not that.
std::optional<Memory> parse_memory(std::string_view status);
std::optional<MachineTime> parse_machine_time(std::string_view stat);

// Seconds of CPU that the process and its threads used, those that have ended included. \errors ESRCH
Result<double> cpu_seconds(pid_t pid);
// Of the threads that there are now, by their ids. Which of them is the busiest is seen only by comparing two moments.
using ThreadClaims = std::map<pid_t, CpuClaim>;
ThreadClaims thread_claims(pid_t pid);
Result<CpuClaim> own_claim();  // the calling thread's
// Of the thread that ran or waited the longest between the two, as a share of `seconds`; new threads count from their birth.
double busiest_share(const ThreadClaims& before, const ThreadClaims& after, double seconds);
// CPU time of the thread that ran the longest between the two, as a share of what all ran: 1/n when n threads worked evenly; 0: none ran.
double largest_part(const ThreadClaims& before, const ThreadClaims& after);
// Seconds that they ran or waited between the two, all together; likewise.
double awake_seconds(const ThreadClaims& before, const ThreadClaims& after);
Result<Memory> memory(pid_t pid);
Result<MachineTime> machine_time();
bool is_running(pid_t pid);  // and is no zombie
// Who is in the network namespace of that inode number, zombies left out.
std::vector<pid_t> processes_in(unsigned long network_namespace_inode);

}  // namespace wgu::bench
