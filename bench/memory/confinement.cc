#include "bench/memory/confinement.h"

#include <sched.h>

#include <algorithm>

#include "engine/cpus.h"

namespace wgu::bench {
namespace {

void run_on(const std::vector<int>& cpus) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) {
    if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  }
  sched_setaffinity(0, sizeof set, &set);
}

}  // namespace

std::vector<int> cpus_of_workers(const std::vector<int>& named, unsigned workers) {
  std::vector<int> cpus = named.empty() ? engine::affinity_of_this_thread() : named;
  cpus.resize(std::min<std::size_t>(workers, cpus.size()));
  return cpus;
}

Confinement::Confinement(const std::vector<int>& cpus) : before_(engine::affinity_of_this_thread()) {
  if (!cpus.empty()) run_on(cpus);
}

Confinement::~Confinement() { run_on(before_); }

}  // namespace wgu::bench
