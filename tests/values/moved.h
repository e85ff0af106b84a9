#pragma once
// What happened between two looks at the counters, all of it by name: for tests that say what moves and that nothing else does.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "wgu/events.h"
#include "wgu/stats.h"

namespace wgu {

// "datagrams_sent", "rekey time", "drop in bad_mac1", "event under_load": by how much. What stands still is not in it.
using Moved = std::map<std::string, std::int64_t>;

inline std::string name_of(Drop reason) {
  const DropInfo& row = drop_table()[static_cast<std::size_t>(reason)];
  return (row.direction == Direction::kOutbound ? "drop out " : "drop in ") + std::string(row.name);
}
inline std::string name_of(RekeyCause cause) { return "rekey " + std::string(rekey_cause_table()[static_cast<std::size_t>(cause)].name); }
inline std::string name_of(EventKind kind) { return "event " + std::string(event_table()[static_cast<std::size_t>(kind)].name); }

inline Moved moved(const Counters& before, const Counters& after) {
  Moved all;
  const auto note = [&all](std::string name, std::uint64_t from, std::uint64_t to) {
    if (from != to) all.emplace(std::move(name), static_cast<std::int64_t>(to - from));
  };
  for (const CounterInfo& row : counter_table()) note(std::string(row.key), before.*row.member, after.*row.member);
  for (const RekeyCauseInfo& row : rekey_cause_table()) note(name_of(row.cause), before.rekeyed(row.cause), after.rekeyed(row.cause));
  for (const DropInfo& row : drop_table()) note(name_of(row.drop), before.dropped(row.drop), after.dropped(row.drop));
  return all;
}

inline void add_events(std::span<const Event> events, Moved& all) {
  for (const Event& event : events) ++all[name_of(event.kind)];
}

// --- Who proves what ---------------------------------------------------------------------------------------------------------
// Each drop reason and each kind of event has one row in a table of causes: here those whose cause lies in an engine
// (tests/engine/causes_test.cc), all others in tests/tunnel/*_causes_test.cc. Each table fails to compile when a row is missing.

inline constexpr Drop kDropsOfEngine[] = {
    Drop::kOutMailboxFull,  Drop::kOutPoolExhausted,    Drop::kOutSocketFull, Drop::kOutMessageTooLong,
    Drop::kOutSendFailed,   Drop::kOutShutdown,         Drop::kInTruncated,   Drop::kInMailboxFull,
    Drop::kInPoolExhausted, Drop::kInDeviceWriteFailed, Drop::kInShutdown,
};
inline constexpr EventKind kEventsOfEngine[] = {EventKind::kMtuChanged, EventKind::kConfigurationChanged};

// Of the values of an enumeration, those in `elsewhere` have no row here, and all others exactly one (or the other way round).
template <class Value>
constexpr bool has_one_row_each(auto value_of, const auto& rows, std::span<const Value> of_engine, bool is_engine, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t found = 0;
    for (const auto& row : rows) found += value_of(row) == static_cast<Value>(i);
    bool is_expected = !is_engine;
    for (const Value value : of_engine) {
      if (value == static_cast<Value>(i)) is_expected = is_engine;
    }
    if (found != (is_expected ? 1U : 0U)) return false;
  }
  return true;
}

}  // namespace wgu
