#pragma once
// Receiver index -> handshake or session of this worker's peers. The first byte on the wire (the index's low byte) is the
// worker's number, so that a classic BPF program steers by it; the other 24 bits are random, so that nobody guesses them.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "noise/keypair.h"

namespace wgu::tunnel {

inline constexpr unsigned kMaxWorkers = 256;

class Peer;

class IndexTable {
 public:
  struct Entry {
    Peer* peer = nullptr;
    noise::Keypair* keypair = nullptr;  // null: a handshake under way
  };

  // `random` as in Host.
  IndexTable(std::uint8_t worker, std::function<void(std::span<std::uint8_t>)> random);

  // A fresh index for a handshake of `peer`. Allocates (handshakes only, never the data path).
  [[nodiscard]] std::uint32_t insert(Peer* peer);
  // The handshake's index becomes its session's. \pre index is present
  void assign(std::uint32_t index, noise::Keypair* keypair) noexcept;
  void erase(std::uint32_t index) noexcept;                             // absent: nothing
  [[nodiscard]] const Entry* find(std::uint32_t index) const noexcept;  // valid until the next insert or erase
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] static std::uint8_t worker_of(std::uint32_t index) noexcept { return static_cast<std::uint8_t>(index); }

 private:
  struct Slot {
    std::uint32_t index = 0;
    bool is_used = false;
    Entry entry;
  };
  void grow();
  [[nodiscard]] std::size_t slot_of(std::uint32_t index) const noexcept;

  std::uint8_t worker_;
  std::function<void(std::span<std::uint8_t>)> random_;
  std::vector<Slot> slots_;  // open addressing, power of two, at most half full
  std::size_t size_ = 0;
};

}  // namespace wgu::tunnel
