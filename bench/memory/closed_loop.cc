#include "bench/memory/closed_loop.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "bench/memory/confinement.h"
#include "bench/memory/inner_packet.h"

namespace wgu::bench {
namespace {

constexpr unsigned kBatch = 32;  // packets of one sendmmsg, recvmmsg

// What goes in: the flows of a queue in turn, the sizes in turn.
class Source {
 public:
  Source(const RoundOptions& options, std::size_t queues) : options_(options), next_sequence_(options.flows) {
    for (unsigned queue = 0; queue < queues; ++queue) next_flow_.push_back(queue);
  }
  // \returns the size. `at` has room for the largest
  std::uint32_t write_next(std::size_t queue, std::uint8_t* at) noexcept {
    const std::uint32_t size = options_.sizes[size_index_];
    size_index_ = (size_index_ + 1) % options_.sizes.size();
    unsigned& flow = next_flow_[queue];
    write_inner_packet({at, size}, {flow, next_sequence_[flow]++});
    flow += static_cast<unsigned>(next_flow_.size());
    if (flow >= options_.flows) flow = static_cast<unsigned>(queue);
    return size;
  }

 private:
  const RoundOptions& options_;
  std::vector<std::uint64_t> next_sequence_;  // of each flow
  std::vector<unsigned> next_flow_;           // of each queue
  std::size_t size_index_ = 0;
};

}  // namespace

// The messages of one system call, a packet each.
struct ClosedLoop::Batch {
  explicit Batch(std::size_t capacity) : memory(kBatch * capacity) {
    for (unsigned i = 0; i < kBatch; ++i) {
      vectors[i] = {&memory[i * capacity], capacity};
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
  [[nodiscard]] std::uint8_t* packet(unsigned i) const noexcept { return static_cast<std::uint8_t*>(vectors[i].iov_base); }
  std::vector<std::uint8_t> memory;
  std::array<iovec, kBatch> vectors{};
  std::array<mmsghdr, kBatch> headers{};
};

ClosedLoop::ClosedLoop(const RoundOptions& options, const std::vector<io::FileDescriptor>& entrance,
                       const std::vector<io::FileDescriptor>& exit, const std::vector<int>& cpus)
    : options_(options), entrance_(entrance), exit_(exit), cpus_(cpus), tally_(options.flows) {
  drain_thread_ = std::thread([this] { drain(); });
  feeder_thread_ = std::thread([this] { feed(); });
  while (feeder_id_.load() == 0 || drain_id_.load() == 0) std::this_thread::yield();
}

// --- Feeder ----------------------------------------------------------------------------------------------------------------

void ClosedLoop::feed() {
  const Confinement confinement(cpus_);
  feeder_id_ = gettid();
  // Flows are dealt out to the queues in turn, so queues beyond their number stay idle.
  const std::size_t queues = std::min<std::size_t>(entrance_.size(), options_.flows);
  Source source(options_, queues);
  Batch batch(largest_packet());
  for (std::size_t queue = 0; !is_stopping_.load(std::memory_order_relaxed); queue = (queue + 1) % queues) {
    const unsigned room = await_room();
    const unsigned count = std::min(kBatch, room);
    for (unsigned i = 0; i < count; ++i) batch.vectors[i].iov_len = source.write_next(queue, batch.packet(i));
    sent_ += count;  // before they are: the drain may see them before sendmmsg() returns
    for (unsigned done = 0; done < count;) {
      const int taken = sendmmsg(entrance_[queue].get(), &batch.headers[done], count - done, 0);
      if (taken >= 0) done += static_cast<unsigned>(taken);
      if (taken >= 0 || errno == EINTR) continue;
      failure_ = std::string("writing to the device: ") + std::strerror(errno);
      is_stopping_ = true;
      break;
    }
  }
  has_fed_ = true;
}

// How many may be sent. The drain wakes us only at half a window, not at every packet. Told to stop, we still end only once the drain
// has settled that much, which it does in any case.
unsigned ClosedLoop::await_room() {
  const std::uint64_t sent = sent_.load();
  std::uint64_t settled = settled_.load();
  if (sent - settled >= options_.window) {
    for (; sent - settled > options_.window / 2; settled = settled_.load()) settled_.wait(settled);
  }
  return options_.window - static_cast<unsigned>(sent - settled);
}

// --- Drain -----------------------------------------------------------------------------------------------------------------

void ClosedLoop::drain() {
  const Confinement confinement(cpus_);
  drain_id_ = gettid();
  Batch batch(largest_packet() + 1);  // a longer one is seen to be longer
  std::vector<pollfd> waits;
  for (const auto& queue : exit_) waits.push_back({queue.get(), POLLIN, 0});
  while (true) {
    bool has_read = false;
    for (const auto& queue : exit_) has_read |= read_queue(queue.get(), batch);
    const bool is_empty = sent_.load() == settled_.load();
    if (has_read) continue;
    if (has_fed_ && is_empty) return;
    // Short once the feeder has ended and nothing may come to wake us.
    const int ready = poll(waits.data(), waits.size(), is_empty ? kPatience / 20 : kPatience);
    if (ready == 0 && !is_empty) settle(sent_.load() - settled_.load());
  }
}

bool ClosedLoop::read_queue(int queue, Batch& batch) {
  const int count = recvmmsg(queue, batch.headers.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (count <= 0) return false;
  const std::uint64_t duplicates = tally_.arrived().duplicates;
  for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) tally_.add({batch.packet(i), batch.headers[i].msg_len});
  packets_.store(tally_.arrived().packets, std::memory_order_relaxed);
  bytes_.store(tally_.arrived().bytes, std::memory_order_relaxed);
  settle(static_cast<std::uint64_t>(count) - (tally_.arrived().duplicates - duplicates));  // a duplicate's original was settled
  return true;
}

// What was written off may arrive after all, so there may be less on its way than is to be settled.
void ClosedLoop::settle(std::uint64_t count) {
  const std::uint64_t sent = sent_.load();
  const std::uint64_t settled = std::min(sent, settled_.load() + count);
  settled_ = settled;
  if (sent - settled <= options_.window / 2) settled_.notify_one();
}

std::size_t ClosedLoop::largest_packet() const { return *std::max_element(options_.sizes.begin(), options_.sizes.end()); }

void ClosedLoop::stop() {
  if (!feeder_thread_.joinable()) return;
  is_stopping_ = true;
  feeder_thread_.join();
  drain_thread_.join();
}

}  // namespace wgu::bench
