#pragma once
// How the engine's control side asks a worker to do something on the worker's own thread. One call at a time (the engine's mutex
// sees to it); the worker looks once a round. Nothing on the data path waits for it.

#include <atomic>
#include <functional>

namespace wgu::engine {

class CallSlot {
 public:
  // Control side: hands over `call`, which stays alive until wait() returns.
  void post(const std::function<void()>& call) noexcept { pending_.store(&call, std::memory_order_release); }
  void wait() const noexcept {
    for (const auto* call = pending_.load(std::memory_order_acquire); call != nullptr;
         call = pending_.load(std::memory_order_acquire)) {
      pending_.wait(call, std::memory_order_acquire);
    }
  }

  // Worker: runs what is pending, if anything.
  void run() {
    const auto* call = pending_.load(std::memory_order_acquire);
    if (call == nullptr) return;
    (*call)();
    pending_.store(nullptr, std::memory_order_release);
    pending_.notify_all();
  }

 private:
  std::atomic<const std::function<void()>*> pending_{nullptr};
};

}  // namespace wgu::engine
