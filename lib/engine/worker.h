#pragma once
// One worker: a pinned thread with its own loop, packet pool and shard. Its round:
//
//   wait -> shares of other workers' batches -> calls -> packets from the device -> datagrams from the network -> mail from other workers
//        -> timers, handshakes -> hand everything produced to the loop and to the other workers' mailboxes
//
// Only call(), wake() and meter() are for other threads.

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "engine/call_slot.h"
#include "engine/drop_deltas.h"
#include "engine/event_hub.h"
#include "engine/fan_out.h"
#include "engine/mailbox.h"
#include "engine/meter.h"
#include "engine/recorder.h"
#include "io/loop.h"
#include "telemetry/event_limiter.h"
#include "tunnel/shard.h"
#include "wgu/engine.h"

namespace wgu::engine {

class Worker;

// What the workers of an engine share. Set up before the first starts, unchanged until the last has ended.
struct Crew {
  const EngineOptions& options;
  tunnel::HandshakeGate& gate;
  std::vector<std::unique_ptr<Worker>> workers;
  // mail[to][from]; a worker has none from itself.
  std::vector<std::vector<std::unique_ptr<Mailbox>>> mail;
  std::function<void()> device_gone;  // any thread, at least once
  // Batches that workers offer to others right now; looked at once a round.
  std::atomic<unsigned> open_offers{0};
  EventHub events{};
  Recording recording{};
  // Who may still wake a loop: the engine, and each running worker. A worker waits for zero before it destroys its own.
  std::atomic<unsigned> wakers{1};
  void stop_waking() noexcept {
    if (wakers.fetch_sub(1) == 1) wakers.notify_all();
  }
};

struct WorkerOptions {
  std::uint8_t number = 0;
  int cpu = -1;       // -1: not pinned
  int read_fd = -1;   // TUN queue to read from; -1: none of its own
  int write_fd = -1;
  io::DeviceFormat format{};
  std::uint16_t mtu = 0;
};

class Worker {
 public:
  Worker(WorkerOptions options, Crew& crew);
  ~Worker();  // \pre joined, or never started
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Starts the thread and waits until its loop stands. \errors of io_uring or epoll, of pinning
  Result<void> start();
  // Ask all workers first, then let the crew stop_waking(), then join each: they wait for one another.
  void request_stop() noexcept;
  void join();  // final_counters() is good afterwards
  void drop_mail();  // what others had posted and nobody will read is accounted for. \pre all have been joined

  // Control side: runs `call` with the shard and the loop on the worker's thread. post() then wait(), or both in call().
  using Call = std::function<void(tunnel::Shard&, io::Loop&)>;
  void post(Call call);
  void wait() { slot_.wait(); }
  void call(Call call) {
    post(std::move(call));
    wait();
  }

  [[nodiscard]] Meter& meter() noexcept { return meter_; }
  [[nodiscard]] Recorder& recorder() noexcept { return recorder_; }  // in a call
  void wake() noexcept { loop_->wake(); }
  [[nodiscard]] int thread_number() const noexcept { return thread_number_; }  // gettid(2), once start() has returned
  [[nodiscard]] bool is_parked() const noexcept { return loop_->is_parked(); }
  [[nodiscard]] const char* loop_name() const noexcept { return loop_name_; }
  [[nodiscard]] const Counters& final_counters() const noexcept { return final_counters_; }  // after join()

 private:
  void run(std::promise<Result<void>> started);
  Result<void> set_up();
  void round();
  void account(const io::Arrivals& arrivals);
  Duration seal(std::span<crypto::SealJob> jobs);
  Duration open(std::span<crypto::OpenJob> jobs);
  template <class Job, class Alone, class Together>
  Duration run_batch(std::span<Job> jobs, Alone alone, Together together);
  void help_others();
  [[nodiscard]] bool find_idle();  // into idle_
  bool read_mail(Instant now);  // was there any?
  [[nodiscard]] bool has_mail() const noexcept;
  void hand_out();
  void post_handovers(std::vector<tunnel::Handover>& handovers);
  [[nodiscard]] bool leave_train(tunnel::Handover& handover);
  void rest(Instant now);
  void tell_events();
  [[nodiscard]] bool post(Event& event);
  void tear_down();

  WorkerOptions options_;
  Crew& crew_;
  int thread_number_ = 0;
  std::unique_ptr<PacketPool> pool_;
  std::unique_ptr<PacketPool> large_pool_;  // what is too long for the other; resident only as far as it is used
  std::unique_ptr<PacketPool> read_pool_;   // what trains are received into, and stay in
  std::unique_ptr<io::Loop> loop_;
  std::unique_ptr<tunnel::Shard> shard_;
  const char* loop_name_ = "";
  io::Arrivals arrivals_;
  TunnelOutput output_;
  std::vector<tunnel::Handover> mail_;
  std::vector<bool> was_posted_to_;
  FanOut fan_out_;
  FanOutPolicy fan_out_policy_;
  std::vector<Worker*> idle_;
  Instant round_began_{};  // when its wait was over
  Instant last_traffic_{};
  bool is_resting_ = true;  // holds no more memory than it needs
  Meter meter_;
  Recorder recorder_;
  DropDeltas traced_drops_;
  telemetry::EventLimiter event_limiter_;
  CallSlot slot_;
  std::function<void()> call_;
  std::atomic<bool> is_stopping_{false};
  Counters final_counters_;
  std::thread thread_;
};

}  // namespace wgu::engine
