#pragma once
// What one worker measures of its rounds: how long packets took from stage to stage, sizes and batch sizes. A round is timed or it is not,
// as the level says, so that most rounds read no clock for it; a batch counts once for each of its packets.
//
//   wait -> begin -> (send) -> sealed -> (receive) -> opened -> ... -> (hand_out) -> handed_over
//
// The worker's thread only, but for set_level(), level() and add_to().

#include <array>
#include <atomic>
#include <vector>

#include "engine/boot_clock.h"
#include "io/loop.h"
#include "telemetry/live_histogram.h"
#include "wgu/telemetry.h"

namespace wgu::engine {

// A peer whose packets' times are kept apart. The counters are its own, at home with the worker that watches it.
struct WatchedPeer {
  const PeerCounters* counters = nullptr;
  std::uint64_t sent_before = 0, received_before = 0;
  std::uint64_t sealed = 0, opened = 0;  // packets of this round
  std::array<telemetry::LiveHistogram, kStageCount> stages;

  [[nodiscard]] telemetry::LiveHistogram& of(Measure stage) noexcept { return stages[static_cast<std::size_t>(stage)]; }
};

class Meter {
 public:
  static constexpr unsigned kSampledOneIn = 64;  // rounds with packets

  void set_level(TelemetryLevel level) noexcept { level_.store(level, std::memory_order_relaxed); }
  [[nodiscard]] TelemetryLevel level() const noexcept { return level_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool wants_events() const noexcept { return level() >= TelemetryLevel::kEvents; }

  // A round that brought `arrivals` begins at `now`.
  void begin(const io::Arrivals& arrivals, const Counters& counters, Instant now) noexcept {
    is_timed_ = false;
    const TelemetryLevel level = this->level();
    if (level < TelemetryLevel::kSampled || (arrivals.from_device.empty() && arrivals.from_network.empty())) return;
    if (level == TelemetryLevel::kSampled && ++rounds_ % kSampledOneIn != 0) return;
    begin_timed(arrivals, counters, now);
  }
  void sealed(const Counters& counters) noexcept {
    if (is_timed_) end_seal(counters);
  }
  void opened(const Counters& counters) noexcept {
    if (is_timed_) end_open(counters);
  }
  void handed_over() noexcept {
    if (is_timed_) end_round();
  }
  void handshake_took(std::uint64_t nanoseconds) noexcept { of(Measure::kHandshakeRoundTrip).record(nanoseconds); }

  // Between rounds. `peer` has its counters, and outlives being watched.
  void watch(WatchedPeer& peer) { watched_.push_back(&peer); }
  void unwatch(const WatchedPeer& peer) noexcept { std::erase(watched_, &peer); }

  // Any thread. `measures` has one for each Measure.
  void add_to(std::vector<Histogram>& measures) const noexcept;

 private:
  void begin_timed(const io::Arrivals& arrivals, const Counters& counters, Instant now) noexcept;
  void end_seal(const Counters& counters) noexcept;
  void end_open(const Counters& counters) noexcept;
  void end_round() noexcept;
  [[nodiscard]] telemetry::LiveHistogram& of(Measure measure) noexcept { return measures_[static_cast<std::size_t>(measure)]; }

  std::atomic<TelemetryLevel> level_{TelemetryLevel::kOff};
  bool is_timed_ = false;  // this round
  unsigned rounds_ = 0;
  Instant began_{}, sealed_at_{}, opened_at_{};
  std::uint64_t sent_before_ = 0, delivered_before_ = 0;  // counts at the begin
  std::uint64_t sealed_ = 0, opened_ = 0;                 // packets of this round
  std::vector<WatchedPeer*> watched_;
  std::array<telemetry::LiveHistogram, kMeasureCount> measures_;
};

}  // namespace wgu::engine
