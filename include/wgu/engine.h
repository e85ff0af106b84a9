#pragma once
/// \file
/// A running tunnel: pinned worker threads, one io_uring (or epoll) each, between a TUN device and UDP sockets.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "wgu/device.h"
#include "wgu/result.h"
#include "wgu/stats.h"
#include "wgu/telemetry.h"
#include "wgu/tunnel.h"

namespace wgu {

enum class IoBackend : std::uint8_t { kAuto, kUring, kEpoll };

/// What the kernel does for us: many packets in one operation, and packets to the right worker. Each is used where the kernel grants
/// it; switched off to compare, or to get around a driver.
struct Offloads {
  bool tcp_segmentation = true;  ///< TUN: super-packets of TCP (TSO) from the device and to it
  bool udp_segmentation = true;  ///< TUN: super-packets of UDP (USO, Linux 6.2)
  bool send_trains = true;       ///< UDP sockets: UDP_SEGMENT
  bool receive_trains = true;    ///< UDP sockets: UDP_GRO
  bool device_steering = true;   ///< TUN: a program brings packets to their peer's worker (needs CAP_BPF at the start)
};

enum class LogLevel : std::uint8_t { kSilent, kError, kVerbose };

/// What to write of the traffic, for diagnosis, in a library built with WGU_CAPTURE (any other refuses). The files hold secrets: they are
/// made by start(), readable by their owner only, and never replace what is there.
struct CaptureFiles {
  std::string packets{};  ///< pcapng of packets inside and outside, and the keys that decrypt these; empty: none
  std::string keys{};     ///< key log in Wireshark's format, for a capture made elsewhere; empty: none
  std::uint64_t packets_limit = std::uint64_t{1} << 30;  ///< bytes; then it ends, and what follows is counted (packets_not_captured)
};

struct EngineOptions {
  std::string interface_name{};   ///< of the TUN to create; "wg%d" lets the kernel choose. Ignored when device_fds is not empty
  std::vector<int> device_fds{};  ///< queues of an open TUN (or datagram sockets that act as one); the engine takes them over
  unsigned workers = 0;         ///< 0: one for each CPU of `cpus`
  /// To pin workers to, in turn. Empty: the affinity mask of the calling thread, and workers change places when one of them has to
  /// share its CPU with others while another's is freer.
  std::vector<int> cpus{};
  /// Workers run before every thread without a real-time policy (SCHED_RR), so that packets do not queue while applications have the CPU:
  /// delays under load shrink, and small packets at overload come in smaller batches. Leave CPUs that are not `cpus` to what must
  /// always run. Without CAP_SYS_NICE or RLIMIT_RTPRIO (after before_threads): logged, and as if not asked for.
  bool is_realtime = false;
  IoBackend io = IoBackend::kAuto;  ///< kAuto: io_uring where the kernel allows it, else epoll
  Offloads offloads{};
  PathPolicy path{};  ///< path MTU discovery, MSS clamping (tunnel.h); both off, as the kernel has it
  std::size_t buffers_per_worker = 4096;  ///< packet buffers of about 2 KiB, and as many for larger packets: bound memory in flight
  bool follow_interface = true;  ///< up, down and MTU follow the TUN; false: up at once, MTU from `mtu`
  std::uint16_t mtu = 1420;      ///< when not followed
  std::function<void(LogLevel, const std::string&)> log{};  ///< any thread, and may not throw there; empty: silent
  /// Called by start(), on its thread, once all that needs privileges is open and before any thread is: the place to drop them.
  /// Later changes still need CAP_NET_ADMIN (firewall mark) and CAP_NET_BIND_SERVICE (a port below 1024).
  std::function<Result<void>()> before_threads{};
  Host host = Host::system();    ///< called from every worker
  TelemetryLevel telemetry = TelemetryLevel::kEvents;  ///< telemetry.h
  CaptureFiles capture{};
  /// Events, one at a time and in order of time, on a thread of the engine's that has no packets; a slow one delays only further events.
  /// It may call recent_events(), nothing else of the engine, and may not throw.
  std::function<void(const Event&)> on_event{};
};

inline constexpr std::size_t kMaxWatchedPeers = 16;  ///< 40 KiB each, and a look at each in every round that is timed

class Engine {
 public:
  /// Opens the device, starts the workers. No socket is bound before the interface is up. Fork before, never after.
  /// \errors EINVAL (options), EBUSY (name taken), EPERM, ENOSYS (kUring where it is refused), ENOTSUP (capture
  /// where it is not built in), EEXIST (its files), others of the system
  static Result<Engine> start(EngineOptions options);
  ~Engine();  ///< stops
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // All below: any thread, also several at once.

  /// Applies the change whole, or leaves all as it was. \errors EINVAL, ENOSPC, EADDRINUSE (listen port), EPERM (mark)
  Result<void> apply(DeviceChange change);
  [[nodiscard]] DeviceStatus status();
  [[nodiscard]] Counters counters();                        ///< summed over workers
  [[nodiscard]] std::vector<Counters> worker_counters();    ///< one a worker
  [[nodiscard]] Snapshot snapshot();                        ///< all of it without secrets, for append_metrics() and append_json()
  /// From now on, counts what is dropped of that peer by reason and how long its packets take from stage to stage (where the level has
  /// histograms), as long as it is there, and anew whenever it is there again; or no longer. \errors ENOSPC (kMaxWatchedPeers already)
  Result<void> watch_peer(const PublicKey& peer, bool is_watched);
  /// For Snapshot::host: of this machine, the device, the network cards, the workers' threads ("wgu/0") and sockets ("0/ipv4"). Takes
  /// milliseconds, none of them a worker's.
  [[nodiscard]] std::vector<HostReading> read_host() const;
  [[nodiscard]] std::vector<Event> recent_events() const;   ///< the last thousand or so, oldest first
  void set_telemetry_level(TelemetryLevel level);           ///< from each worker's next round on
  [[nodiscard]] TelemetryLevel telemetry_level() const;
  [[nodiscard]] std::string interface_name() const;         ///< follows a rename
  [[nodiscard]] unsigned workers() const;
  [[nodiscard]] const char* io_backend() const;             ///< "io_uring" or "epoll"
  [[nodiscard]] bool is_up() const;

  void stop();  ///< ends the workers and closes all; idempotent
  /// Waits until the device went away or stop() was called. The reason, for a log line.
  std::string wait();
  /// A descriptor that becomes readable when wait() would return; for a program's own event loop.
  [[nodiscard]] int stopped_fd() const;

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wgu
