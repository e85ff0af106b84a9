#pragma once
// Loads a tunnel as a sender does that waits for what it sent: never more than a window of packets on their way, so that no queue
// overflows and what is lost was lost by the tunnel. Two threads:
//
//   feeder  writes packets to the entrance while the window has room; once it is full, waits until half of it has arrived
//   drain   reads the exit and tallies; what has not arrived after kPatience is written off, so that a loss does not end the run

#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "bench/memory/round.h"
#include "bench/memory/tally.h"
#include "io/file_descriptor.h"

namespace wgu::bench {

inline constexpr int kPatience = 500;  // milliseconds without an arrival

class ClosedLoop {
 public:
  // All that is given outlives this. \param entrance, exit  the far ends of the devices, a queue each
  // \param cpus  for the two threads; empty: any
  ClosedLoop(const RoundOptions& options, const std::vector<io::FileDescriptor>& entrance, const std::vector<io::FileDescriptor>& exit,
             const std::vector<int>& cpus);
  ~ClosedLoop() { stop(); }
  ClosedLoop(const ClosedLoop&) = delete;
  ClosedLoop& operator=(const ClosedLoop&) = delete;

  // Arrived so far; any thread.
  [[nodiscard]] std::uint64_t packets() const noexcept { return packets_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::set<pid_t> feeder_thread() const { return {feeder_id_.load()}; }
  [[nodiscard]] std::set<pid_t> drain_thread() const { return {drain_id_.load()}; }

  // Ends the feeder, waits for what is still on its way, ends the drain.
  void stop();
  // After stop().
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_.load(); }
  [[nodiscard]] const Arrived& arrived() const noexcept { return tally_.arrived(); }
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }  // of a system call; empty: none

 private:
  struct Batch;
  void feed();
  unsigned await_room();
  void drain();
  bool read_queue(int queue, Batch& batch);
  void settle(std::uint64_t count);
  [[nodiscard]] std::size_t largest_packet() const;

  const RoundOptions& options_;
  const std::vector<io::FileDescriptor>& entrance_;
  const std::vector<io::FileDescriptor>& exit_;
  const std::vector<int>& cpus_;
  Tally tally_;          // the drain's until it ended
  std::string failure_;  // the feeder's until it ended
  std::atomic<bool> is_stopping_{false}, has_fed_{false};
  std::atomic<pid_t> feeder_id_{0}, drain_id_{0};
  alignas(64) std::atomic<std::uint64_t> sent_{0};
  alignas(64) std::atomic<std::uint64_t> settled_{0};  // no longer on their way: arrived or written off
  std::atomic<std::uint64_t> packets_{0}, bytes_{0};
  std::thread drain_thread_, feeder_thread_;
};

}  // namespace wgu::bench
