#pragma once
// wake() for a loop that may be parked in the kernel. The eventfd is written only while the loop is parked, so waking a busy
// worker costs one atomic exchange.
//
// Why none is lost: wake() sets `requested_` and then reads `parked_`; the loop sets `parked_` and then reads `requested_`. Under
// seq_cst at least one of them sees the other's store (Dekker), so either the loop does not block or the eventfd is written.

#include <sys/eventfd.h>

#include <atomic>
#include <cstdint>

#include "io/file_descriptor.h"

namespace wgu::io {

class WakeSignal {
 public:
  WakeSignal() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  [[nodiscard]] int fd() const noexcept { return event_.get(); }  // readable when a parked loop was woken

  // Any thread. A request that is already pending needs no second write: whoever made it wrote if the loop was parked.
  void request() noexcept {
    if (requested_.exchange(true, std::memory_order_seq_cst)) return;
    if (!parked_.load(std::memory_order_seq_cst)) return;
    const std::uint64_t one = 1;
    // EAGAIN (counter full) still leaves the eventfd readable.
    [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
  }

  // The loop's thread, around the call that blocks. False: a request is pending, do not block.
  [[nodiscard]] bool park() noexcept {
    parked_.store(true, std::memory_order_seq_cst);
    return !requested_.load(std::memory_order_seq_cst);
  }
  void unpark() noexcept { parked_.store(false, std::memory_order_seq_cst); }

  // Any thread; a hint.
  [[nodiscard]] bool is_parked() const noexcept { return parked_.load(std::memory_order_relaxed); }

  // Takes the request, if there is one.
  [[nodiscard]] bool consume() noexcept { return requested_.exchange(false, std::memory_order_seq_cst); }

  void drain() noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(event_.get(), &count, sizeof count);
  }

 private:
  FileDescriptor event_;
  std::atomic<bool> requested_{false};
  std::atomic<bool> parked_{false};
};

}  // namespace wgu::io
