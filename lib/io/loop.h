#pragma once
// The seam between a worker and the kernel: one loop a worker, made and used on that worker's thread alone. Two loops stand
// behind it: ring.cc (io_uring) and poller.cc (epoll). Packets go in and out as Packet and Datagram; the loop knows nothing of
// what they mean.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "wgu/packet.h"
#include "wgu/result.h"
#include "wgu/time.h"

namespace wgu::io {

struct SendFailure {
  std::uint64_t tag = 0;   // of the datagram
  std::uint32_t size = 0;  // bytes of its payload
  int error = 0;           // errno: EAGAIN (buffer full), EMSGSIZE, ...
};

// What a path takes, in bytes of an IP packet.
struct PathMtu {
  Endpoint remote;
  std::uint32_t mtu = 0;
};

// When the kernel took in what one receive brought.
struct ReceiveStamp {
  WallTime when;
  std::uint32_t datagrams = 0;
};

// What one wait() brought. The caller clears it; the vectors keep their capacity.
struct Arrivals {
  std::vector<Packet> from_device;
  std::vector<Datagram> from_network;
  std::vector<ReceiveStamp> stamps;  // of what is in from_network, where sockets stamp (set_timestamps)
  std::vector<SendFailure> send_failures;
  std::vector<std::uint64_t> stale_sources;    // tags of datagrams that left, but not from Datagram::local: it is gone, forget it
  std::vector<PathMtu> narrow_paths;           // that turned out so (LoopOptions::discovers_path_mtu)
  std::uint64_t refused_trains = 0;            // datagrams that left one by one, because their train was refused (train.h)
  std::uint64_t write_failures = 0;            // device packets the kernel refused
  std::uint64_t write_failure_bytes = 0;       // theirs
  std::uint64_t truncated_datagrams = 0;       // larger than a buffer: received, dropped
  std::uint64_t truncated_device_packets = 0;  // likewise, read from the device
  std::uint64_t unplaced_datagrams = 0;        // received, but no buffer was left: dropped
  std::uint64_t unplaced_device_packets = 0;   // likewise, read from the device
  std::uint64_t malformed_device_reads = 0;    // super-packets that contradict their virtio header: dropped
  std::uint64_t starved_device_reads = 0;      // no buffer in the pool: the read waits (the packet stays in the kernel)
  std::uint64_t starved_socket_reads = 0;
  std::uint64_t device_reads = 0;  // that brought something
  std::uint64_t device_writes = 0;
  std::uint64_t super_packets_read = 0;  // of those, with several packets in one piece
  std::uint64_t super_packets_written = 0;
  std::uint64_t socket_receives = 0;
  std::uint64_t socket_sends = 0;
  std::uint64_t trains_received = 0;
  std::uint64_t trains_sent = 0;
  bool device_gone = false;  // the device was deleted (EBADFD and the like): no more reads from it

  // All that has happened, for who treats them alike.
  static constexpr std::uint64_t Arrivals::*kCounts[] = {&Arrivals::refused_trains,         &Arrivals::write_failures,
                                                         &Arrivals::truncated_datagrams,    &Arrivals::truncated_device_packets,
                                                         &Arrivals::unplaced_datagrams,     &Arrivals::unplaced_device_packets,
                                                         &Arrivals::malformed_device_reads, &Arrivals::starved_device_reads,
                                                         &Arrivals::starved_socket_reads,   &Arrivals::write_failure_bytes};
  // What it took. No news: that a send has completed ends no wait().
  static constexpr std::uint64_t Arrivals::*kOperations[] = {
      &Arrivals::device_reads,    &Arrivals::device_writes, &Arrivals::super_packets_read, &Arrivals::super_packets_written,
      &Arrivals::socket_receives, &Arrivals::socket_sends,  &Arrivals::trains_received,    &Arrivals::trains_sent};

  void clear() noexcept {
    from_device.clear();
    from_network.clear();
    stamps.clear();
    send_failures.clear();
    stale_sources.clear();
    narrow_paths.clear();
    for (const auto count : kCounts) this->*count = 0;
    for (const auto count : kOperations) this->*count = 0;
    device_gone = false;
  }
};

// What a read of the device brings and a write takes: one IP packet, or a virtio header (virtio_net.h) and an IP packet, which may
// be a super-packet of a kind that is switched on.
struct DeviceFormat {
  bool has_virtio_header = false;
  bool tcp_v4 = false;  // TUN_F_TSO4
  bool tcp_v6 = false;  // TUN_F_TSO6
  bool udp = false;     // TUN_F_USO4 and TUN_F_USO6
};

struct LoopOptions {
  PacketPool* pool = nullptr;        // for what is read and received; owned by the worker's thread
  PacketPool* large_pool = nullptr;  // likewise, for what does not fit into a buffer of `pool`, and for what is split into slices
  // Buffers of kReceiveBuffer (intake.h) for trains, which stay where they were received; null: all is copied.
  PacketPool* read_pool = nullptr;
  std::size_t receive_headroom = 0;  // of received datagrams
  std::size_t device_headroom = 0;   // of packets read from the device
  std::size_t device_tailroom = 0;   // kept free behind a packet read from the device
  // Bytes that a packet of `size` read from the device will have when it leaves, from its headroom on: packets of one read are laid
  // that far apart, so that they leave in one piece. Empty: with headroom and tailroom around each.
  std::function<std::size_t(std::size_t size)> departing_size{};
  std::size_t max_batch = 64;                       // reads of one wait(), at least 2, so that no source starves the others
  bool segmentation = true;                         // datagrams leave in trains where they can (UDP_SEGMENT)
  Duration train_pause = std::chrono::seconds(10);  // before a destination that refused a train gets the next (TrainRefusals::kFor)
  bool discovers_path_mtu = false;                  // the sockets are prepared by discover_path_mtu(): tell what they learn
  std::uint8_t worker = 0;                          // whose loop it is, for tracers (values/probes.h)
  bool plain_device_calls = false;  // the ring reads and writes the device by poll, read(2) and write(2), as before Linux 6.7
};

class Loop {
 public:
  virtual ~Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Descriptors stay the caller's; -1 is none. Replacing or removing one cancels what is under way on the old one before it
  // returns, so the caller may close it then. All are (made) non-blocking.
  virtual void set_device(int read_fd, int write_fd, DeviceFormat format) = 0;
  void set_device(int read_fd, int write_fd) { set_device(read_fd, write_fd, DeviceFormat()); }
  virtual void set_sockets(int v4, int v6) = 0;

  // Queues for sending or writing, in order; handed to the kernel at the latest by the next wait(). Consumes.
  virtual void send(std::span<Datagram> datagrams) = 0;
  virtual void write(std::span<Packet> packets) = 0;

  // Hands over what is queued, then waits until something arrives, wake() is called, or `timeout` passes (zero: only look;
  // Duration::max(): for ever). Appends to `arrivals`.
  virtual void wait(Duration timeout, Arrivals& arrivals) = 0;

  // What the kernel would send to `remote` whole (path_mtu.h); 0: it does not say.
  [[nodiscard]] virtual std::uint32_t ask_path_mtu(const Endpoint& remote) noexcept = 0;

  // Ends a wait() under way, or the next one. Any thread.
  virtual void wake() noexcept = 0;

  // Is its thread blocked in wait()? Any thread; a hint, true only for the moment.
  [[nodiscard]] virtual bool is_parked() const noexcept = 0;

  // Gives the memory that the loop reads into back to the system, until the next read.
  virtual void release_unused() noexcept = 0;

  [[nodiscard]] virtual const char* name() const noexcept = 0;  // "io_uring", "epoll"
  // Packets handed to the kernel and not yet completed; wait() brings it to zero.
  [[nodiscard]] virtual std::size_t in_flight() const noexcept = 0;

 protected:
  Loop() = default;
};

// \errors ENOSYS, EPERM and others when io_uring is missing, refused (seccomp, kernel.io_uring_disabled) or lacks what ring.cc
// needs (multishot recvmsg with provided buffers, Linux 6.0).
Result<std::unique_ptr<Loop>> open_ring(LoopOptions options);
Result<std::unique_ptr<Loop>> open_poller(LoopOptions options);

}  // namespace wgu::io
