#pragma once
// On which CPUs the threads of a round run.

#include <vector>

namespace wgu::bench {

// The CPUs of `workers` workers of an engine: of those named, or else of those that the calling thread may run on, the first ones.
[[nodiscard]] std::vector<int> cpus_of_workers(const std::vector<int>& named, unsigned workers);

// Until its end the calling thread, and whatever thread it starts, runs on no other CPUs than these. None: no change. One that the
// system does not grant is left out; if it grants none, nothing changes, and what is measured is measured all the same.
class Confinement {
 public:
  explicit Confinement(const std::vector<int>& cpus);
  ~Confinement();
  Confinement(const Confinement&) = delete;
  Confinement& operator=(const Confinement&) = delete;

 private:
  std::vector<int> before_;
};

}  // namespace wgu::bench
