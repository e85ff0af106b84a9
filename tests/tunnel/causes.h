#pragma once
// The stage for causes: devices of which one is watched, and what moves with traffic, by name.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tunnel/device.h"
#include "tunnel/stranger.h"
#include "values/moved.h"

namespace wgu::tunnel {

// Sizes on the wire (whitepaper 5.4), for an inner packet of 100 bytes.
inline constexpr std::int64_t kInner = 100, kData = 16 + 112 + 16, kInitiation = 148, kResponse = 92, kCookieReply = 64;
// Waiting handshake messages from which on a device is under load, and the most that wait (kernel queueing.h, an eighth and the whole of
// MAX_QUEUED_INCOMING_HANDSHAKES as wgu has it).
inline constexpr int kLoad = 128, kFullQueue = 1024;

class Stage : public Pair {
 public:
  using Pair::a;
  using Pair::b;
  using Pair::establish;
  using Pair::exchange;
  using Pair::now;
  using Pair::run_alone;

  // From here on counts what happens to `device`.
  void watch(Device& device) {
    watched_ = &device;
    before_ = device.counters();
    for (auto& shard : device.shards) {
      shard->events().set_wanted(true);
      shard->events().clear();
    }
  }
  [[nodiscard]] Moved seen() const {
    Moved all = moved(before_, watched_->counters());
    for (auto& shard : watched_->shards) add_events(shard->events().events(), all);
    return all;
  }
  // A third device, and `count` that are its peers.
  Device& hub(std::size_t buffers = 1024) { return *devices_.emplace_back(std::make_unique<Device>("hub", std::uint8_t{100}, 1, buffers)); }
  std::vector<Device*> spokes(Device& hub, int count) {
    std::vector<Device*> all;
    for (int i = 0; i < count; ++i) {
      const auto number = static_cast<std::uint8_t>(101 + i);
      all.push_back(devices_.emplace_back(std::make_unique<Device>("spoke " + std::to_string(i), number)).get());
      hub.add_peer(*all.back(), now);
      all.back()->add_peer(hub, now);
    }
    return all;
  }

  static Sent only_of(Device& device) { return only(device.take_sent()); }
  // `from` begins a handshake with `to`, which answers; the response is in the caller's hands.
  Sent initiation(Device& from, Device& to) {
    from.send(to, now);
    from.advance(now);
    return only_of(from);
  }
  Sent response(Device& from, Device& to) {
    receive(to, initiation(from, to).bytes, from);
    return only_of(to);
  }
  // The first data message of a session that `from` began.
  Bytes first_data(Device& from, Device& to) {
    receive(from, response(from, to).bytes, to);
    return only_of(from).bytes;
  }
  void receive(Device& device, const Bytes& bytes, const Device& from) {
    device.receive(bytes, from.at, now);
    device.advance(now);
  }
  // Data messages of a's for b.
  std::vector<Bytes> data(int count, std::uint8_t traffic_class = 0) {
    std::vector<Bytes> all;
    for (int i = 0; i < count; ++i) {
      a.send(b, now, kInner, traffic_class);
      all.push_back(only_of(a).bytes);
    }
    return all;
  }
  // So many handshake messages seem to wait for b.
  void load(int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(b.gate.try_enter());
  }
  void unload(int count) {
    for (int i = 0; i < count; ++i) b.gate.leave();
  }

 private:
  std::vector<std::unique_ptr<Device>> devices_;
  Device* watched_ = nullptr;
  Counters before_;
};

// What arrives, and inner packets of the usual size that do.
inline Moved datagrams(int n, std::int64_t size) { return {{"datagrams_received", n}, {"datagram_bytes_received", n * size}}; }
inline Moved opened(int n) {
  Moved all = datagrams(n, kData);
  all["open_batches"] = n;
  return all;
}
inline Moved delivered(int n) {
  Moved all = opened(n);
  all.merge(Moved{{"device_packets_sent", n}, {"device_bytes_sent", n * kInner}});
  return all;
}
inline Moved from_device(int n, std::int64_t size = kInner) {
  return {{"device_packets_received", n}, {"device_bytes_received", n * size}};
}
// ... each answered by ICMP: IP header, ICMP header, and of what it is about as much as 576 bytes hold (RFC 1812, 4.3.2.3).
inline Moved answered(int n, std::int64_t size = kInner) {
  Moved all = from_device(n, size);
  all.merge(Moved{{"icmp_sent", n}, {"device_packets_sent", n}, {"device_bytes_sent", n * std::min<std::int64_t>(28 + size, 576)}});
  return all;
}
inline Moved with(Moved all, Moved more) {
  all.merge(more);
  EXPECT_TRUE(more.empty()) << "a row names " << more.begin()->first << " twice";
  return all;
}
// Handshake messages that wait one at a time, and are refused.
inline Moved refused(int n, std::int64_t size) {
  return with(datagrams(n, size), {{"inbound_queued_peak", 1}, {"event handshake_failed", n}});
}

}  // namespace wgu::tunnel
