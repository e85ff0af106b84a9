#pragma once
// Work that makes a call slower by a known share, to prove that `compare` finds what it claims to find. Only the benchmark has it.

#include <cstdint>
#include <functional>

namespace wgu::bench {

class PlantedWork {
 public:
  // Measures what `call` costs here and now. \param percent  of the call's own time, to be added to it on average; 0: nothing
  PlantedWork(double percent, const std::function<void()>& call);

  [[nodiscard]] bool is_planted() const noexcept { return steps_ > 0; }
  // After each call. Small shares come together every so many calls: a CPU would hide a few steps behind the next call's instructions.
  void after_call() noexcept {
    if (++calls_ < every_) return;
    calls_ = 0;
    work(steps_);
  }

 private:
  static void work(std::uint64_t steps) noexcept;

  std::uint64_t steps_ = 0;
  std::uint64_t every_ = 1;  // calls
  std::uint64_t calls_ = 0;
};

}  // namespace wgu::bench
