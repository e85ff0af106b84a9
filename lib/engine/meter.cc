#include "engine/meter.h"

namespace wgu::engine {
namespace {

// ICMP errors that the outbound flow makes are no packets that were opened.
std::uint64_t delivered(const Counters& counters) noexcept { return counters.device_packets_sent - counters.icmp_sent; }

Duration between(const WallTime& earlier, const WallTime& later) noexcept {
  return std::chrono::seconds(later.seconds - earlier.seconds) + std::chrono::nanoseconds(later.nanoseconds) -
         std::chrono::nanoseconds(earlier.nanoseconds);
}

std::uint64_t nanoseconds(Duration time) noexcept { return static_cast<std::uint64_t>(std::max<Duration::rep>(0, time.count())); }

}  // namespace

void Meter::begin_timed(const io::Arrivals& arrivals, const Counters& counters, Instant now) noexcept {
  is_timed_ = true;
  began_ = now;
  sent_before_ = counters.data_packets_sent;
  sealed_ = opened_ = 0;
  if (!arrivals.from_device.empty()) of(Measure::kBatchSizeOut).record(arrivals.from_device.size());
  if (!arrivals.from_network.empty()) of(Measure::kBatchSizeIn).record(arrivals.from_network.size());
  for (const Packet& packet : arrivals.from_device) of(Measure::kPacketSizeOut).record(packet.size());
  for (const Datagram& datagram : arrivals.from_network) of(Measure::kPacketSizeIn).record(datagram.packet.size());
  if (!arrivals.stamps.empty()) {
    const WallTime wall = real_now();
    for (const io::ReceiveStamp& stamp : arrivals.stamps) {
      if (stamp.datagrams > 0) of(Measure::kKernelQueueDelay).record(nanoseconds(between(stamp.when, wall)), stamp.datagrams);
    }
  }
  for (WatchedPeer* peer : watched_) peer->sent_before = peer->counters->data_packets_sent;
}

void Meter::end_seal(const Counters& counters) noexcept {
  delivered_before_ = delivered(counters);
  sealed_at_ = boot_now();
  sealed_ = counters.data_packets_sent - sent_before_;
  if (sealed_ > 0) of(Measure::kReadToSealed).record(nanoseconds(sealed_at_ - began_), sealed_);
  for (WatchedPeer* peer : watched_) {
    peer->opened = 0;
    peer->received_before = peer->counters->data_packets_received;
    peer->sealed = peer->counters->data_packets_sent - peer->sent_before;
    if (peer->sealed > 0) peer->of(Measure::kReadToSealed).record(nanoseconds(sealed_at_ - began_), peer->sealed);
  }
}

void Meter::end_open(const Counters& counters) noexcept {
  opened_ = delivered(counters) - delivered_before_;
  if (opened_ == 0) return;
  opened_at_ = boot_now();
  of(Measure::kReceivedToOpened).record(nanoseconds(opened_at_ - began_), opened_);
  for (WatchedPeer* peer : watched_) {
    peer->opened = peer->counters->data_packets_received - peer->received_before;
    if (peer->opened > 0) peer->of(Measure::kReceivedToOpened).record(nanoseconds(opened_at_ - began_), peer->opened);
  }
}

void Meter::end_round() noexcept {
  is_timed_ = false;
  const Instant now = boot_now();
  if (sealed_ > 0) of(Measure::kSealedToSent).record(nanoseconds(now - sealed_at_), sealed_);
  if (opened_ > 0) of(Measure::kOpenedToWritten).record(nanoseconds(now - opened_at_), opened_);
  for (WatchedPeer* peer : watched_) {
    if (peer->sealed > 0) peer->of(Measure::kSealedToSent).record(nanoseconds(now - sealed_at_), peer->sealed);
    if (peer->opened > 0) peer->of(Measure::kOpenedToWritten).record(nanoseconds(now - opened_at_), peer->opened);
  }
}

void Meter::add_to(std::vector<Histogram>& measures) const noexcept {
  for (std::size_t i = 0; i < kMeasureCount; ++i) measures_[i].add_to(measures[i]);
}

}  // namespace wgu::engine
