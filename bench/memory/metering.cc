// The adds for a packet are written out as outbound.cc, inbound.cc and peer.cc make them, in the places where other code stands between
// them: there the compiler must have stored what it has added. Those for a round, the meter and the buffer of events are the engine's
// own. What is not here: the kernel's part of a receive timestamp, and what nobody pays who has not asked for it (watched peers, capture,
// traced probes).
#include "bench/memory/metering.h"

#include <time.h>

#include <algorithm>
#include <array>

#include "bench/statistics.h"
#include "engine/arrival_counts.h"
#include "engine/boot_clock.h"

namespace wgu::bench {
namespace {

constexpr std::size_t kDataOverhead = 16 + 16;  // header and tag (whitepaper 5.4.6)
constexpr std::size_t kSamples = 5;             // of a level
constexpr double kSampleTime = 2e6;             // ns

// Other code stands here.
inline void elsewhere() noexcept { asm volatile("" : : : "memory"); }

double thread_cpu_time() noexcept {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// A packet of one sample's CPU time; more rounds a look at the clock until the sample is long enough.
double time_a_packet(MeteredRound& round) {
  for (std::size_t rounds = 64;; rounds *= 2) {
    const double begin = thread_cpu_time();
    for (std::size_t i = 0; i < rounds; ++i) round.run();
    const double took = thread_cpu_time() - begin;
    if (took >= kSampleTime) return took / static_cast<double>(rounds * round.batch());
  }
}

}  // namespace

MeteredRound::MeteredRound(TelemetryLevel level, std::size_t batch, std::size_t bytes)
    : batch_(std::max<std::size_t>(batch, 1)), bytes_(bytes), pool_(2 * batch_, bytes + kDataOverhead), large_pool_(1, 64) {
  for (std::size_t i = 0; i < batch_; ++i) {
    outbound_.from_device.push_back(pool_.take(0));
    outbound_.from_device.back().resize(bytes);
    inbound_.from_network.push_back({.packet = pool_.take(0), .remote = {}, .local = {}});
    inbound_.from_network.back().packet.resize(bytes + kDataOverhead);
  }
  inbound_.stamps.push_back({engine::real_now(), static_cast<std::uint32_t>(batch_)});  // of one train
  outbound_.device_reads = outbound_.socket_sends = inbound_.socket_receives = inbound_.device_writes = 1;
  for (End* end : {&sender_, &receiver_}) end->meter.set_level(level);
}

void MeteredRound::run() noexcept {
  const Instant now{};  // the worker reads the clock anyway
  account(sender_, outbound_);
  sender_.meter.begin(outbound_, sender_.counters, now);
  for (const Packet& packet : outbound_.from_device) {
    Counters& counters = sender_.counters;
    ++counters.device_packets_received;
    counters.device_bytes_received += packet.size();
    elsewhere();
    ++counters.datagrams_sent;
    counters.datagram_bytes_sent += packet.size() + kDataOverhead;
    sender_.peer_bytes += packet.size() + kDataOverhead;
    ++counters.data_packets_sent;
    counters.data_bytes_sent += packet.size();
    ++sender_.peer.data_packets_sent;
    sender_.peer.data_bytes_sent += packet.size();
    elsewhere();
  }
  ++sender_.counters.seal_batches;
  sender_.meter.sealed(sender_.counters);
  sender_.meter.opened(sender_.counters);
  sender_.meter.handed_over();
  tell_events(sender_);

  account(receiver_, inbound_);
  receiver_.meter.begin(inbound_, receiver_.counters, now);
  receiver_.meter.sealed(receiver_.counters);
  for (const Datagram& datagram : inbound_.from_network) {
    Counters& counters = receiver_.counters;
    ++counters.datagrams_received;
    counters.datagram_bytes_received += datagram.packet.size();
    elsewhere();
    receiver_.peer_bytes += datagram.packet.size();
    ++receiver_.peer.data_packets_received;
    receiver_.peer.data_bytes_received += bytes_;
    ++counters.device_packets_sent;
    counters.device_bytes_sent += bytes_;
    elsewhere();
  }
  ++receiver_.counters.open_batches;
  receiver_.meter.opened(receiver_.counters);
  receiver_.meter.handed_over();
  tell_events(receiver_);
}

// As Worker::account, and what its round counts of itself.
void MeteredRound::account(End& end, const io::Arrivals& arrivals) noexcept {
  elsewhere();
  Counters& counters = end.counters;
  ++counters.rounds;
  if (arrivals.from_device.empty() && arrivals.from_network.empty()) ++counters.rounds_idle;
  engine::count_arrivals(arrivals, counters);
  engine::count_buffers(pool_.in_use() + large_pool_.in_use(), counters);
  elsewhere();
}

// As Worker::tell_events when nothing has happened.
void MeteredRound::tell_events(End& end) noexcept {
  end.events.set_wanted(end.meter.wants_events());
  elsewhere();
  if (!end.events.events().empty()) end.events.clear();
}

std::uint64_t MeteredRound::measured() const {
  std::vector<Histogram> measures(kMeasureCount);
  for (const End* end : {&sender_, &receiver_}) end->meter.add_to(measures);
  std::uint64_t values = 0;
  for (const Histogram& measure : measures) values += measure.count();
  return values;
}

MeteringCost measure_metering(std::size_t batch, std::size_t bytes) {
  MeteredRound off(TelemetryLevel::kOff, batch, bytes), events(TelemetryLevel::kEvents, batch, bytes),
      sampled(TelemetryLevel::kSampled, batch, bytes), all(TelemetryLevel::kAll, batch, bytes);
  std::array<std::vector<double>, 4> samples;
  for (std::size_t i = 0; i < kSamples; ++i) {
    std::size_t level = 0;
    for (MeteredRound* round : {&off, &events, &sampled, &all}) samples[level++].push_back(time_a_packet(*round));
  }
  return {median(samples[0]), median(samples[1]), median(samples[2]), median(samples[3])};
}

}  // namespace wgu::bench
