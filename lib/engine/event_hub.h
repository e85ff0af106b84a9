#pragma once
// Where events of all workers come together. Workers post into rings of their own, without a lock or a wait; the control side tells its
// own; one thread delivers both to the embedder's callback, and the last of them stay for whoever asks.

#include <array>
#include <boost/lockfree/spsc_queue.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "io/file_descriptor.h"
#include "wgu/events.h"
#include "wgu/result.h"

namespace wgu::engine {

class EventHub {
 public:
  static constexpr std::size_t kRecent = 1024;    // kept for recent()
  static constexpr std::size_t kRingSize = 1024;  // of a worker, until the next delivery

  // Before any other call. \errors of eventfd(2)
  Result<void> open(unsigned workers);

  // The worker's thread. False: its ring is full.
  [[nodiscard]] bool post(unsigned worker, const Event& event) noexcept { return rings_[worker]->push(event); }
  void wake() noexcept;  // something was posted; any thread

  void tell(const Event& event);  // any thread

  // Readable when there is something to deliver.
  [[nodiscard]] int fd() const noexcept { return wake_event_.get(); }
  // One thread at a time. `callback` may be empty, and may call recent().
  void deliver(const std::function<void(const Event&)>& callback);

  [[nodiscard]] std::vector<Event> recent() const;  // any thread; oldest first

 private:
  using Ring = boost::lockfree::spsc_queue<Event, boost::lockfree::capacity<kRingSize>>;
  std::vector<std::unique_ptr<Ring>> rings_;  // by worker
  io::FileDescriptor wake_event_;
  mutable std::mutex mutex_;
  std::vector<Event> told_;     // not yet delivered, at most kRingSize
  std::deque<Event> recent_;    // at most kRecent
};

}  // namespace wgu::engine
