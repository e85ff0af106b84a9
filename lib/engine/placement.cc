// decide, with what a worker got of the time it wanted (running / (running + waiting)) as the measure:
//
//   steady --the busiest got little, a colleague (or a free CPU) does better, toss of a coin--> exchange --> on trial
//   on trial --got more--> steady, ready at once       --did not--> steady, more patient than before
//
// The coin keeps two engines that fight for one CPU from moving together for ever; patience keeps a machine that is simply full
// from being stirred.

#include "engine/placement.h"

#include <algorithm>
#include <utility>

namespace wgu::engine {
namespace {

// A worker below this is not worth a move: packets find it asleep more often than not.
constexpr double kBusy = 0.3;
// It got less of its time than this, and the other place promises so much more, before it moves.
constexpr double kCrowded = 0.8;
constexpr double kBetter = 0.15;
// After so many moves in vain each wait is twice as long as the one before: engines that met each other need a few.
constexpr unsigned kPatient = 4;
constexpr unsigned kMostPatient = 11;  // 26 s

struct Load {
  double wanted = 0;  // share of the interval, running or waiting
  double got = 1;     // of what was wanted
};

Load load_between(const RunTimes& before, const RunTimes& now, Duration interval) {
  const auto running = static_cast<double>((now.running - before.running).count());
  const auto wanted = running + static_cast<double>((now.waiting - before.waiting).count());
  return {wanted / static_cast<double>(interval.count()), wanted > 0 ? running / wanted : 1};
}

}  // namespace

Placement::Placement(std::vector<int> cpus, std::size_t workers, std::uint64_t seed)
    : cpus_(std::move(cpus)), before_(workers), random_(seed) {}

// A step of splitmix64's counter, of which the top bit will do.
bool Placement::toss() noexcept {
  random_ += 0x9e3779b97f4a7c15;
  return (random_ ^ random_ >> 31) * 0xbf58476d1ce4e5b9 >> 63 != 0;
}

std::optional<Placement::Exchange> Placement::decide(Instant now, std::span<const RunTimes> times) {
  const Duration interval = now - std::exchange(last_, now);
  std::vector<Load> loads(before_.size());
  for (std::size_t i = 0; i < loads.size(); ++i) loads[i] = load_between(std::exchange(before_[i], times[i]), times[i], interval);
  // The first look has nothing to compare with; a long gap says nothing about now.
  if (interval <= Duration::zero() || interval > 10 * kInterval) return std::nullopt;

  const auto busiest = static_cast<std::size_t>(
      std::max_element(loads.begin(), loads.end(), [](const Load& a, const Load& b) { return a.wanted < b.wanted; }) - loads.begin());
  const Load& load = loads[busiest];
  if (load.wanted < kBusy) return std::nullopt;
  if (std::exchange(is_on_trial_, false)) {
    failures_ = load.got >= share_before_ + kBetter ? 0 : std::min(failures_ + 1, kMostPatient);
    hold_until_ = now + (failures_ < kPatient ? 0 : 1U << (failures_ - kPatient)) * kInterval;
  }
  if (now < hold_until_ || load.got >= kCrowded) return std::nullopt;

  // A free CPU is taken on trial: nobody of ours is there to say how it is.
  std::size_t other = cpus_.size() > loads.size() ? loads.size() : busiest;
  double best = load.got + kBetter;
  for (std::size_t i = 0; i < loads.size(); ++i) {
    if (i == busiest || loads[i].got < best || loads[i].wanted > load.wanted / 2) continue;
    best = loads[i].got;
    other = i;
  }
  if (other == busiest || !toss()) return std::nullopt;
  std::swap(cpus_[busiest], cpus_[other]);
  if (other >= loads.size()) std::rotate(cpus_.begin() + static_cast<std::ptrdiff_t>(loads.size()), cpus_.begin() + static_cast<std::ptrdiff_t>(loads.size()) + 1, cpus_.end());
  share_before_ = load.got;
  is_on_trial_ = true;
  return Exchange{busiest, other, 1 - load.got};
}

}  // namespace wgu::engine
