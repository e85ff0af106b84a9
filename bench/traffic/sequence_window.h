#pragma once
// Which sequence numbers arrived: distinct, twice, out of order. Memory is bounded: a bit for each of the newest 2^20 numbers, so that
// what comes later than that after its successors can no longer be told from a duplicate; it is counted as neither.

#include <cstdint>
#include <vector>

namespace wgu::bench {

class SequenceWindow {
 public:
  static constexpr std::uint64_t kWindow = std::uint64_t{1} << 20;
  // A number that leaps further ahead than this is not from a sender of ours: even ten million a second take hours.
  static constexpr std::uint64_t kMaxLeap = std::uint64_t{1} << 40;

  SequenceWindow() : seen_(kWindow / 64) {}

  enum class Arrival : std::uint8_t { kFirst, kReordered, kDuplicate, kTooOld, kForeign };
  // kReordered is a first arrival as well, after a greater number.
  Arrival add(std::uint64_t sequence) noexcept;

 private:
  [[nodiscard]] bool test_and_set(std::uint64_t sequence) noexcept;

  std::vector<std::uint64_t> seen_;  // a ring of bits
  std::uint64_t next_ = 0;           // one after the greatest so far
};

}  // namespace wgu::bench
