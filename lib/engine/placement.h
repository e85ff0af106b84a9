#pragma once
// Which worker runs on which CPU. A worker is pinned to one CPU at a time; when the busiest of them has to share its own with others
// (a second tunnel on this machine, an interrupt, an application) while a colleague's is freer, the two change places. Scheduling
// alone does not do it: the load balancer never moves a pinned thread, and it likes to bring a thread to the CPU that wakes it,
// which puts both ends of a path on one.
//
// Pure: what was measured comes in, what to do goes out. One thread.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "wgu/time.h"

namespace wgu::engine {

// Of one worker's thread since it began: time on a CPU, and time in which it could have run but another thread did
// (schedstat, Documentation/scheduler/sched-stats.rst).
struct RunTimes {
  Duration running{};
  Duration waiting{};
};

class Placement {
 public:
  // `cpus`: where each worker is now, and behind these the CPUs that nobody has, free to move to. `seed` tells engines apart that
  // see the same at the same time.
  Placement(std::vector<int> cpus, std::size_t workers, std::uint64_t seed);

  struct Exchange {
    std::size_t worker;  // goes to cpu(), which is
    std::size_t other;   // the former place of this one, or a free one: other >= the number of workers
    double waited;       // share of its time that `worker` spent waiting
  };
  // About every kInterval, and not twice at once. The exchange, if there is one, has been noted: the caller carries it out.
  [[nodiscard]] std::optional<Exchange> decide(Instant now, std::span<const RunTimes> times);

  [[nodiscard]] int cpu(std::size_t place) const noexcept { return cpus_[place]; }

  static constexpr Duration kInterval = std::chrono::milliseconds(200);

 private:
  [[nodiscard]] bool toss() noexcept;

  std::vector<int> cpus_;
  std::vector<RunTimes> before_;
  Instant last_{};
  Instant moved_{};     // when, the last time
  unsigned moves_ = 0;  // without a long rest between them
  std::uint64_t random_;
};

}  // namespace wgu::engine
