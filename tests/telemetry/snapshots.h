#pragma once
// A snapshot with a number of its own in each member, and texts that must be escaped.

#include <string>

#include "wgu/telemetry.h"

namespace wgu::telemetry {

inline PublicKey key_number(std::uint32_t number) {
  PublicKey key;
  for (std::size_t i = 0; i < 4; ++i) key.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  key.bytes[31] = 1;
  return key;
}

inline PeerSnapshot peer_number(std::uint32_t number) {
  PeerSnapshot peer;
  peer.public_key = key_number(number);
  peer.endpoint = {IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(number)), 51820, 0};
  peer.allowed_ips.push_back(
      Prefix::masked(IpAddress::v4(10, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)), 32));
  peer.last_handshake = {1'800'000'000 + number, 500'000'000};
  peer.rx_bytes = 1000 + number;
  peer.tx_bytes = 2000 + number;
  peer.path_mtu = static_cast<std::uint16_t>(1400 + number % 100);
  std::uint64_t value = 10 + number;
  for (const PeerCounterInfo& row : peer_counter_table()) peer.counters.*row.member = value++;
  return peer;
}

// As Engine::watch_peer() makes it.
inline void watch(PeerSnapshot& peer) {
  for (std::size_t i = 0; i < kDropCount; ++i) peer.drops.push_back(500 + i);
  peer.stages.resize(kStageCount);
  for (std::size_t stage = 0; stage < kStageCount; ++stage) peer.stages[stage].record(std::uint64_t{1} << 20, stage + 1);
}

inline Snapshot snapshot_of(unsigned workers, std::uint32_t peers) {
  Snapshot snapshot;
  snapshot.interface_name = R"(w"g\0)";
  snapshot.public_key = key_number(4'000'000'000);
  snapshot.taken = {1'800'000'000, 0};
  for (unsigned worker = 0; worker < workers; ++worker) {
    Counters& counters = snapshot.workers.emplace_back();
    std::uint64_t value = 1000 * (worker + 1);
    for (const CounterInfo& row : counter_table()) counters.*row.member = value++;
    for (std::uint64_t& rekeys : counters.rekeys) rekeys = value++;
    for (std::uint64_t& drops : counters.drops) drops = value++;
  }
  for (std::uint32_t number = 1; number <= peers; ++number) snapshot.peers.push_back(peer_number(number));
  return snapshot;
}

}  // namespace wgu::telemetry
