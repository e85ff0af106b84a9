#pragma once
// The loop on io_uring, for ring.cc (submitting) and ring_completions.cc (what came back). Everyone else uses open_ring().

#include <liburing.h>
#include <netinet/in.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "io/buffer_ring.h"
#include "io/device_writer.h"
#include "io/intake.h"
#include "io/loop.h"
#include "io/message.h"
#include "io/path_mtu.h"
#include "io/train.h"
#include "io/wake_signal.h"

namespace wgu::io {

// Tears the ring down last, when nothing is armed any more.
struct RingHandle {
  io_uring ring{};
  bool is_open = false;
  RingHandle() = default;
  RingHandle(const RingHandle&) = delete;
  RingHandle& operator=(const RingHandle&) = delete;
  ~RingHandle() {
    if (is_open) io_uring_queue_exit(&ring);
  }
};

class Ring final : public Loop {
 public:
  static constexpr socklen_t kNameSize = 32;  // sockaddr_in6 (28), rounded so that the control messages are aligned
  static_assert(kReceivePrefix == sizeof(io_uring_recvmsg_out) + kNameSize + kControlSize);  // as io_uring lays a received buffer out
  static_assert(sizeof(sockaddr_in6) <= kNameSize && kReceivePrefix % alignof(cmsghdr) == 0);

  explicit Ring(const LoopOptions& options);
  ~Ring() override;
  Result<void> open(bool plain_device_calls);

  using Loop::set_device;
  void set_device(int read_fd, int write_fd, DeviceFormat format) override;
  void set_sockets(int v4, int v6) override;
  void send(std::span<Datagram> datagrams) override;
  void write(std::span<Packet> packets) override;
  void wait(Duration timeout, Arrivals& arrivals) override;
  [[nodiscard]] std::uint32_t ask_path_mtu(const Endpoint& remote) noexcept override {
    return io::ask_path_mtu(socket_for(remote.address.family), remote);
  }
  void wake() noexcept override { wake_.request(); }
  [[nodiscard]] bool is_parked() const noexcept override { return wake_.is_parked(); }
  void release_unused() noexcept override;
  [[nodiscard]] const char* name() const noexcept override { return "io_uring"; }
  [[nodiscard]] std::size_t in_flight() const noexcept override { return in_flight_; }

 private:
  using Steady = std::chrono::steady_clock;
  using Verdict = TrainRefusals::Verdict;

  // What a request is for. The first three index sources_.
  enum class Kind : std::uint8_t { kDevice, kSocketV4, kSocketV6, kWake, kSend, kWrite, kCancel };

  struct Source {
    Kind kind = Kind::kDevice;
    int fd = -1;
    std::uint32_t generation = 0;
    bool is_armed = false;
    bool is_gone = false;
    bool is_starved = false;         // counted once, until a packet was read again
    std::size_t usual_size = 0;      // bytes of a read, the average of late
    Steady::time_point resume_at{};  // not to be read before
  };

  // A request's name: the generation tells one on a replaced descriptor from one on its successor.
  static std::uint64_t user_data(Kind kind, std::uint32_t generation, std::uint32_t slot) noexcept {
    return std::uint64_t{static_cast<std::uint8_t>(kind)} << 56 | std::uint64_t{generation & 0xffffff} << 32 | slot;
  }

  io_uring& ring() noexcept { return handle_.ring; }
  Source& device() noexcept { return sources_[0]; }
  [[nodiscard]] int socket_for(Family family) const noexcept {
    return family == Family::kIpv4 ? sources_[1].fd : family == Family::kIpv6 ? sources_[2].fd : -1;
  }
  BufferRing& buffers_of(const Source& source) noexcept { return source.kind == Kind::kDevice ? device_buffers_ : socket_buffers_; }
  bool knows_multishot_read();

  // ring.cc
  bool flush();
  io_uring_sqe* next_entry();
  void submit_train(std::span<Datagram>& datagrams, int fd);
  void submit_writes();
  void end_writes() noexcept;
  void drain_sends();
  void lend_buffers() noexcept;
  [[nodiscard]] std::size_t wanted_reads(const Source& source) const noexcept;
  void arm_wake();
  Duration arm_sources(Duration left);
  void arm(Source& source);
  void report_starvation(Source& source);
  void enter(Duration left);
  void replace(Source& source, int fd);
  void cancel(Kind kind, std::uint32_t generation, const bool& is_armed);

  // ring_completions.cc; those that return bool: is there something to tell the caller?
  bool harvest(Arrivals& arrivals);
  bool complete(const io_uring_cqe& completion, Arrivals& arrivals);
  bool complete_write(std::uint32_t slot, int result, Arrivals& arrivals);
  bool complete_read(Source& source, const io_uring_cqe& completion, Arrivals& arrivals);
  void end_device(Arrivals& arrivals);
  bool note_read_error(Source& source, int error, Arrivals& arrivals);
  bool deliver_empty_read(Arrivals& arrivals);
  void deliver_datagrams(const Packet& buffer, int result, Arrivals& arrivals);
  bool read_plainly(Arrivals& arrivals);
  void write_plainly(const DeviceWriter::Write& write, Arrivals& arrivals) noexcept;

  Intake intake_;
  const std::size_t reads_;  // of a source's buffers at once: half of max_batch
  const bool segmentation_;
  const bool do_trains_stay_;  // in buffers of a read_pool
  const std::uint8_t worker_;
  WakeSignal wake_;
  RingHandle handle_;
  PacketPool own_buffers_;  // for the device, whose reads are always copied; for the sockets too where there is no read_pool
  BufferRing socket_buffers_;
  BufferRing device_buffers_;
  msghdr receive_layout_{};
  Source sources_[3];  // by Kind
  bool is_wake_armed_ = false;
  bool is_device_by_ring_ = false;
  bool is_write_by_ring_ = false;
  bool is_device_readable_ = false;  // polled device: not yet read empty
  bool zero_is_end_ = false;
  int write_fd_ = -1;
  DeviceWriter writer_;
  std::span<const DeviceWriter::Write> planned_;  // by number of the write
  std::vector<std::uint8_t> plain_buffer_;  // for a polled device
  std::vector<Train> trains_;
  std::vector<std::uint32_t> free_trains_;
  TrainRefusals refusals_;
  std::size_t in_flight_ = 0;        // trains and writes
  bool may_be_refused_ = false;      // among them is a train that the kernel may refuse as such, or for its size
  unsigned cancels_under_way_ = 0;
  Arrivals carried_;  // what completed outside wait()
};

}  // namespace wgu::io
