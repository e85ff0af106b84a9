#include "bench/memory/tally.h"

#include "bench/memory/inner_packet.h"

namespace wgu::bench {

void Tally::add(std::span<const std::uint8_t> packet) noexcept {
  const auto number = read_inner_packet(packet);
  if (!number || number->flow >= flows_.size()) {
    ++arrived_.corrupted;
    return;
  }
  switch (flows_[number->flow].add(number->sequence)) {
    case SequenceWindow::Arrival::kReordered:
      ++arrived_.reordered;
      [[fallthrough]];
    case SequenceWindow::Arrival::kFirst:
      ++arrived_.packets;
      arrived_.bytes += packet.size();
      break;
    // Closed loop: a number so far from its neighbours was never given out, or arrived long ago.
    case SequenceWindow::Arrival::kDuplicate:
    case SequenceWindow::Arrival::kTooOld:
      ++arrived_.duplicates;
      break;
    case SequenceWindow::Arrival::kForeign:
      ++arrived_.corrupted;
      break;
  }
}

}  // namespace wgu::bench
