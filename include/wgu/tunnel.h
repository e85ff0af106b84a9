#pragma once
/// \file
/// A whole WireGuard device without any I/O: packets and the time go in, packets come out. No thread, no clock, no socket, no
/// lock. One thread at a time. A sans-IO user stops at this header; engine.h adds threads and rings.

#include <memory>
#include <span>
#include <vector>

#include "wgu/device.h"
#include "wgu/events.h"
#include "wgu/host.h"
#include "wgu/packet.h"
#include "wgu/result.h"
#include "wgu/stats.h"
#include "wgu/time.h"

namespace wgu {

/// What to do about paths that carry less than the interface's MTU promises. Off, as the kernel has it: outer packets leave without
/// DF, and who cannot carry them whole fragments them.
struct PathPolicy {
  bool discover_mtu = false;  ///< learn each peer's path MTU, and tell inner senders (ICMP) whose packets are too large for it
  bool clamp_mss = false;     ///< lower the MSS of inner TCP connections, both ways, to what the interface and the path carry
};

struct TunnelOptions {
  std::uint16_t mtu = 1420;  ///< bytes of the largest inner packet; padding never goes past it
  PathPolicy path{};
};

/// How many bytes may an IP packet to `remote` have? Asked with PathPolicy::discover_mtu once data goes there, and again after ten
/// minutes (RFC 8201) or a roaming; to be answered by answer_path(), soon or never.
struct PathQuestion {
  Endpoint remote;
  std::uint64_t tag = 0;  ///< the tunnel's own, as Datagram::tag
};

/// What a call produced, appended in order. The caller sends, delivers and clears; the vectors keep their capacity, so the data
/// path does not allocate once warm.
struct TunnelOutput {
  std::vector<Datagram> to_network;
  std::vector<Packet> to_device;
  std::vector<PathQuestion> path_questions;
  void clear() noexcept {
    to_network.clear();
    to_device.clear();
    path_questions.clear();
  }
};

class Tunnel {
 public:
  /// `pool` provides buffers for what the tunnel makes itself (handshakes, keepalives, ICMP) and outlives the tunnel, as does
  /// every pool that packets come from.
  Tunnel(TunnelOptions options, Host host, PacketPool& pool);
  ~Tunnel();
  Tunnel(Tunnel&&) noexcept;
  Tunnel& operator=(Tunnel&&) noexcept;

  /// Applies the change whole, or leaves all as it was. \errors EINVAL, ENOSPC (too many peers)
  Result<void> apply(DeviceChange change, Instant now);
  [[nodiscard]] DeviceStatus status() const;
  [[nodiscard]] Counters counters() const;

  /// The interface goes up (keepalives and handshakes may begin) or down (sessions end, what is staged is dropped). Starts down.
  void set_up(bool is_up, Instant now);
  void set_mtu(std::uint16_t mtu);

  /// Inner packets from the device: routed, staged, sealed. Each needs kPacketHeadroom and kPacketTailroom. Consumes `packets`.
  void send(std::span<Packet> packets, Instant now, TunnelOutput& output);
  /// UDP payloads from the network. Handshake messages wait for advance(). Consumes `datagrams`.
  void receive(std::span<Datagram> datagrams, Instant now, TunnelOutput& output);
  /// Does what is due at `now`: timers, waiting handshakes (a few a call: each costs ~100 us).
  void advance(Instant now, TunnelOutput& output);
  /// When advance() has something to do next, exactly; kNever when nothing is armed. In the past while
  /// handshakes wait; beside much data, when the next of them has its turn.
  [[nodiscard]] Instant next_deadline() const;

  /// A datagram of `to_network` (its tag and size) could not be sent; takes it off the peer's byte count.
  void send_failed(std::uint64_t tag, std::size_t size, Drop reason);

  /// An IP packet to the question's endpoint may have `mtu` bytes: the interface's MTU or less, never more.
  void answer_path(const PathQuestion& question, std::size_t mtu, Instant now);
  /// The network, or the kernel that sends, said that the path to `remote` takes no more than `mtu` bytes (ICMP, EMSGSIZE).
  void narrow_path(const Endpoint& remote, std::size_t mtu, Instant now);

  /// Whether to tell of events; not by default. They are good until cleared or the next call, and bounded: what finds no room is
  /// counted (events_held_back), so take them after every call.
  void want_events(bool is_wanted);
  [[nodiscard]] std::span<const Event> events() const;
  void clear_events();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wgu
