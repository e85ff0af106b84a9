#pragma once
// What came out of the tunnel: how many, how many out of order, twice, damaged.

#include <cstdint>
#include <span>
#include <vector>

#include "bench/traffic/sequence_window.h"

namespace wgu::bench {

struct Arrived {
  std::uint64_t packets = 0;    // distinct and undamaged
  std::uint64_t bytes = 0;      // of those: of the whole IP packet
  std::uint64_t reordered = 0;  // of those: after one of their flow with a greater number (RFC 4737, type-P-reordered)
  std::uint64_t duplicates = 0;
  std::uint64_t corrupted = 0;  // not what write_inner_packet() made for one of the flows
  friend bool operator==(const Arrived&, const Arrived&) = default;
};

class Tally {
 public:
  explicit Tally(unsigned flows) : flows_(flows) {}
  void add(std::span<const std::uint8_t> packet) noexcept;
  [[nodiscard]] const Arrived& arrived() const noexcept { return arrived_; }
  [[nodiscard]] std::uint64_t lost(std::uint64_t sent) const noexcept { return sent > arrived_.packets ? sent - arrived_.packets : 0; }

 private:
  std::vector<SequenceWindow> flows_;
  Arrived arrived_;
};

}  // namespace wgu::bench
