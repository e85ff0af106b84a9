#pragma once
// Events of one shard until its caller takes them: bounded, so that emitting neither allocates nor waits. What finds no room is counted,
// and the next of its kind that finds some says so.

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "wgu/events.h"

namespace wgu::tunnel {

class EventBuffer {
 public:
  static constexpr std::size_t kCapacity = 64;  // a call works off few handshakes; a batch of send failures may fill it

  void set_wanted(bool is_wanted) noexcept { is_wanted_ = is_wanted; }
  [[nodiscard]] bool is_wanted() const noexcept { return is_wanted_; }

  void emit(const Event& event, Counters& counters) noexcept {
    std::uint32_t& held_back = held_back_[static_cast<std::size_t>(event.kind)];
    if (count_ == kCapacity) {
      ++counters.events_held_back;
      ++held_back;
      return;
    }
    events_[count_] = event;
    events_[count_++].held_back = std::exchange(held_back, 0);
  }

  [[nodiscard]] std::span<const Event> events() const noexcept { return std::span(events_).first(count_); }
  void clear() noexcept { count_ = 0; }

 private:
  bool is_wanted_ = false;
  std::size_t count_ = 0;
  std::array<std::uint32_t, kEventKindCount> held_back_{};
  std::array<Event, kCapacity> events_{};
};

}  // namespace wgu::tunnel
