// Hits every probe with arguments that are known, over and over: what the probes test looks at with readelf and bpftrace.
//   every_probe SECONDS
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <thread>

#include "values/probes.h"

namespace {

// One outer round: what one worker would say of a few packets of two peers.
void one_round() {
  const std::array<std::uint8_t, 32> alice{0xa1, 0x1c, 0xe0}, bob{0xb0, 0xb0};
  const std::uint64_t worker = 3;
  WGU_PROBE(device_read, worker, 45, 64000);  // a super-packet of 1422-byte packets
  WGU_PROBE(device_read, worker, 1, 60);
  WGU_PROBE(device_written, worker, 2, 120);
  WGU_PROBE(datagrams_received, worker, 10, 14520);
  WGU_PROBE(datagrams_sent, worker, 40, 58080);
  WGU_PROBE(batch_sealed, worker, 40, 56800, 30'000);
  WGU_PROBE(batch_opened, worker, 10, 14200, 3'000'000);
  WGU_PROBE(peer_batch, worker, alice.data(), 0, 30, 42600, 20'000);
  WGU_PROBE(peer_batch, worker, bob.data(), 0, 10, 14200, 5'000);
  WGU_PROBE(packets_dropped, worker, 7, 2);
  WGU_PROBE(handshake_begun, worker, alice.data(), 1);
  WGU_PROBE(handshake_completed, worker, alice.data(), 1, 700'000);
  WGU_PROBE(handshake_failed, worker, bob.data(), 7);
  WGU_PROBE(session_erased, worker, alice.data());
  WGU_PROBE(endpoint_changed, worker, bob.data());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[1]));
  while (std::chrono::steady_clock::now() < until) {
    one_round();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}
