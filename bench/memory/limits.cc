#include "bench/memory/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace wgu::bench {
namespace {

bool is_loaded_to_the_full(const RoundReport& round) noexcept { return std::max(round.feeder.busiest, round.drain.busiest) >= kSaturated; }

bool is_starved(const RoundReport& round) noexcept {
  return round.sender.waited + round.receiver.waited + round.feeder.waited + round.drain.waited >= kStarved * round.seconds;
}

void append(std::string& note, const std::string& more) { note += (note.empty() ? "" : "; ") + more; }

// Losses first: they are what a closed loop must not have.
std::string arrivals_note(std::span<const RoundReport> rounds) {
  std::uint64_t lost = 0, duplicates = 0, corrupted = 0;
  std::map<std::string, std::uint64_t> drops;
  for (const RoundReport& round : rounds) {
    lost += round.sent - std::min(round.sent, round.arrived.packets);
    duplicates += round.arrived.duplicates;
    corrupted += round.arrived.corrupted;
    for (const auto& [name, count] : round.drops) drops[name] += count;
  }
  std::string note;
  if (corrupted > 0) append(note, fmt::format("{} packets CORRUPTED", corrupted));
  if (duplicates > 0) append(note, fmt::format("{} packets twice", duplicates));
  if (lost > 0) append(note, fmt::format("{} packets lost", lost));
  for (const auto& [name, count] : drops) append(note, fmt::format("dropped as {}: {}", name, count));
  return note;
}

}  // namespace

Limit limit_of(const RoundReport& round) noexcept {
  if (!round.has_thread_use) return Limit::kUnknown;
  if (std::max(round.sender.busiest, round.receiver.busiest) >= kSaturated) return Limit::kCpu;
  if (is_loaded_to_the_full(round)) return Limit::kGenerator;
  return is_starved(round) ? Limit::kCpu : Limit::kWakeUps;
}

LimitOfRow limit_of(std::span<const RoundReport> rounds) {
  std::vector<Limit> limits;
  for (const RoundReport& round : rounds) limits.push_back(limit_of(round));
  const CommonLimit common = common_limit(limits);
  LimitOfRow row{common.limit, arrivals_note(rounds)};
  if (!common.note.empty()) append(row.note, common.note);
  const auto told = std::count_if(rounds.begin(), rounds.end(), [](const RoundReport& round) { return round.has_thread_use; });
  if (told == 0) {
    append(row.note, "the kernel does not tell what threads did");
  } else if (row.limit == Limit::kWakeUps) {
    append(row.note, "no thread was busy throughout: with a full window each sleeps until another wakes it");
  }
  const auto starved = std::count_if(rounds.begin(), rounds.end(), [](const RoundReport& round) {
    return std::max(round.sender.busiest, round.receiver.busiest) < kSaturated && limit_of(round) == Limit::kCpu;
  });
  if (starved > 0) append(row.note, fmt::format("starved of CPUs in {} of {} rounds", starved, rounds.size()));
  const auto loaded = std::count_if(rounds.begin(), rounds.end(), is_loaded_to_the_full);
  if (row.limit == Limit::kCpu && loaded > 0) {
    append(row.note, fmt::format("generator saturated as well in {} of {} rounds", loaded, rounds.size()));
  }
  return row;
}

}  // namespace wgu::bench
