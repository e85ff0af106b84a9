#include "rates.h"

#include <algorithm>
#include <map>
#include <string>

namespace wgu::top {
namespace {

Counters sum_of(const Snapshot& snapshot) {
  Counters sum;
  for (const Counters& worker : snapshot.workers) sum += worker;
  return sum;
}

// Worker threads are named by their number.
std::optional<double> of_thread(const Snapshot& snapshot, HostMetric metric, std::size_t worker) {
  const std::string name = "wgu/" + std::to_string(worker);
  for (const HostReading& reading : snapshot.host) {
    if (reading.metric == metric && reading.labels[1] == name) return reading.value;
  }
  return std::nullopt;
}

class Window {
 public:
  Window(const Snapshot& earlier, const Snapshot& later, double seconds) : earlier_(earlier), later_(later), seconds_(seconds) {}

  [[nodiscard]] double rate(std::uint64_t before, std::uint64_t now) const { return static_cast<double>(now - before) / seconds_; }

  [[nodiscard]] std::optional<double> share(HostMetric metric, std::size_t worker) const {
    const auto before = of_thread(earlier_, metric, worker);
    const auto now = of_thread(later_, metric, worker);
    if (!before || !now) return std::nullopt;
    return (*now - *before) / seconds_;
  }

  [[nodiscard]] WorkerRate worker(std::size_t number) const {
    const Counters& before = earlier_.workers[number];
    const Counters& now = later_.workers[number];
    return {.cpu = share(HostMetric::kThreadCpu, number),
            .waiting = share(HostMetric::kThreadWaiting, number),
            .packets_out = rate(before.data_packets_sent, now.data_packets_sent),
            .packets_in = rate(before.device_packets_sent, now.device_packets_sent),
            .rounds = rate(before.rounds, now.rounds)};
  }

  [[nodiscard]] PeerRate peer(const PeerSnapshot& now, const PeerCounters& before) const {
    const PeerCounters& counters = now.counters;
    return {&now,
            {rate(before.data_packets_sent, counters.data_packets_sent), rate(before.data_bytes_sent, counters.data_bytes_sent)},
            {rate(before.data_packets_received, counters.data_packets_received),
             rate(before.data_bytes_received, counters.data_bytes_received)}};
  }

 private:
  const Snapshot& earlier_;
  const Snapshot& later_;
  double seconds_;
};

// A peer that was removed and came back begins anew.
bool went_back(const PeerCounters& before, const PeerCounters& now) {
  return now.data_packets_sent < before.data_packets_sent || now.data_packets_received < before.data_packets_received;
}

bool is_same_device(const Snapshot& earlier, const Snapshot& later) {
  if (earlier.workers.size() != later.workers.size()) return false;
  for (std::size_t i = 0; i < later.workers.size(); ++i) {
    if (later.workers[i].rounds < earlier.workers[i].rounds) return false;
  }
  return true;
}

}  // namespace

std::optional<Rates> rates_between(const Snapshot& earlier, const Snapshot& later, double seconds) {
  if (!is_same_device(earlier, later)) return std::nullopt;
  const Window window(earlier, later, seconds);
  const Counters before = sum_of(earlier);
  const Counters now = sum_of(later);
  Rates rates;
  rates.seconds = seconds;
  rates.out = {window.rate(before.data_packets_sent, now.data_packets_sent), window.rate(before.data_bytes_sent, now.data_bytes_sent)};
  rates.in = {window.rate(before.device_packets_sent, now.device_packets_sent),
              window.rate(before.device_bytes_sent, now.device_bytes_sent)};
  for (std::size_t i = 0; i < later.workers.size(); ++i) rates.workers.push_back(window.worker(i));

  for (const DropInfo& row : drop_table()) {
    if (now.dropped(row.drop) > 0)
      rates.drops.push_back({&row, window.rate(before.dropped(row.drop), now.dropped(row.drop)), now.dropped(row.drop)});
  }
  std::stable_sort(rates.drops.begin(), rates.drops.end(), [](const DropRate& a, const DropRate& b) { return a.rate > b.rate; });

  for (std::size_t i = 0; i < std::min(earlier.measures.size(), later.measures.size()); ++i) {
    rates.measures.push_back(later.measures[i] - earlier.measures[i]);
  }

  std::map<PublicKey, const PeerSnapshot*> known;
  for (const PeerSnapshot& peer : earlier.peers) known.emplace(peer.public_key, &peer);
  for (const PeerSnapshot& peer : later.peers) {
    const auto found = known.find(peer.public_key);
    const bool is_new = found == known.end() || went_back(found->second->counters, peer.counters);
    rates.peers.push_back(window.peer(peer, is_new ? PeerCounters{} : found->second->counters));
  }
  std::stable_sort(rates.peers.begin(), rates.peers.end(),
                   [](const PeerRate& a, const PeerRate& b) { return a.out.bytes + a.in.bytes > b.out.bytes + b.in.bytes; });
  return rates;
}

}  // namespace wgu::top
