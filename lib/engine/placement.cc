// The measure is what a worker got of the time it wanted: running / (running + waiting). Where the busiest got little and a
// colleague does better, or a CPU is free, they change places, if a coin says so: it keeps two engines that fight for one CPU from
// moving together for ever. Patience doubles with each move and comes back with rest: a machine that is simply full is not stirred.

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
// The first moves come as quickly as they can, for engines that met each other need a few; each later one after twice the wait.
constexpr unsigned kQuickMoves = 4;
constexpr unsigned kMostPatient = 11;  // 26 s
constexpr Duration kRest = std::chrono::seconds(60);

Duration patience_after(unsigned moves) {
  return moves < kQuickMoves ? Duration::zero() : (1U << (moves - kQuickMoves)) * Placement::kInterval;
}

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
  if (now - moved_ > kRest) moves_ = 0;
  if (load.got >= kCrowded || now - moved_ < patience_after(moves_)) return std::nullopt;

  // A free CPU is worth a try: nobody of ours is there to say how it is.
  std::size_t other = cpus_.size() > loads.size() ? loads.size() : busiest;
  double best = load.got + kBetter;
  for (std::size_t i = 0; i < loads.size(); ++i) {
    if (i == busiest || loads[i].got < best || loads[i].wanted > load.wanted / 2) continue;
    best = loads[i].got;
    other = i;
  }
  if (other == busiest || !toss()) return std::nullopt;
  std::swap(cpus_[busiest], cpus_[other]);
  if (other >= loads.size())
    std::rotate(cpus_.begin() + static_cast<std::ptrdiff_t>(loads.size()), cpus_.begin() + static_cast<std::ptrdiff_t>(loads.size()) + 1,
                cpus_.end());
  moved_ = now;
  moves_ = std::min(moves_ + 1, kMostPatient);
  return Exchange{busiest, other, 1 - load.got};
}

}  // namespace wgu::engine
