#pragma once
// What counting and measuring cost by themselves: the adds that a shard and its peers make for a packet, and what a worker does in each
// round at a level of telemetry, over and over without the packets. All of it is in the nearest cache, as it mostly is under load.

#include <cstdint>
#include <vector>

#include "bench/memory/round.h"
#include "engine/meter.h"
#include "io/loop.h"
#include "tunnel/event_buffer.h"
#include "wgu/packet.h"
#include "wgu/telemetry.h"

namespace wgu::bench {

// A round of a worker that sends `batch` packets of `bytes` bytes each, and one of a worker that receives them.
class MeteredRound {
 public:
  MeteredRound(TelemetryLevel level, std::size_t batch, std::size_t bytes);
  void run() noexcept;
  [[nodiscard]] std::size_t batch() const noexcept { return batch_; }
  [[nodiscard]] const Counters& sender() const noexcept { return sender_.counters; }
  [[nodiscard]] const Counters& receiver() const noexcept { return receiver_.counters; }
  [[nodiscard]] std::uint64_t measured() const;  // values that lie in histograms

 private:
  struct End {
    Counters counters;
    PeerCounters peer;
    std::uint64_t peer_bytes = 0;
    engine::Meter meter;
    tunnel::EventBuffer events;
  };
  void account(End& end, const io::Arrivals& arrivals) noexcept;
  void tell_events(End& end) noexcept;

  std::size_t batch_, bytes_;
  PacketPool pool_, large_pool_;
  io::Arrivals outbound_, inbound_;
  End sender_, receiver_;
};

// Takes about 50 ms.
[[nodiscard]] MeteringCost measure_metering(std::size_t batch, std::size_t bytes);

}  // namespace wgu::bench
