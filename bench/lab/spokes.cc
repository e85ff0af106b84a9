// open: addresses, sockets, keys. carry: handshakes -> kSettle -> for each spoke, over and over:
//
//     trains -> hub's device ~> spoke's socket -> counted (whole packets) | opened for proof | taken by the spoke's tunnel (all else)
//       ^------- fewer than the window are on the way, or nothing has come for kLost ------'
//
// A train is so long that one for each spoke fits a TUN device's queue even where the kernel cuts them in front of it, as for daemons that
// take no super-packets; the window halves with every loss, so that those end up with no more than that on the way.
#include "bench/lab/spokes.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <type_traits>

#include "bench/lab/link.h"
#include "bench/traffic/sockets.h"
#include "bench/traffic/trains.h"
#include "bench/traffic/udp_sender.h"
#include "io/system_error.h"
#include "noise/messages.h"
#include "wgu/tunnel.h"

namespace wgu::bench {

static_assert(std::is_trivially_copyable_v<SpokesCarried>);

namespace {

constexpr std::uint16_t kPort = 51821;    // of the spokes: the daemon at their end has its own
constexpr std::uint16_t kDiscard = 9;     // inside; what arrives is only counted
constexpr std::uint16_t kKeepalive = 25;  // s: makes a spoke shake hands at once, and without data of its own
constexpr unsigned kFirstAddress = 64;    // of their networks
constexpr unsigned kDeviceQueue = 500;    // packets that a TUN device queues unless told otherwise (linux/drivers/net/tun.c)
constexpr unsigned kWindow = 4;           // trains on the way to each; with one, both CPUs slept a fifth of the time over the wake-ups
constexpr int kTick = 5;                  // ms between looks at timers and losses
constexpr std::int64_t kPatience = 3 * kSecond;             // for all handshakes
constexpr std::int64_t kRetry = 100 * kMillisecond;         // of one: a hub may have been told to come up, and not be up yet
constexpr std::int64_t kSettle = 10 * kMillisecond;         // after the last, for the hub to see that it is complete
constexpr std::int64_t kLost = 50 * kMillisecond;           // without an arrival: the rest of the train is given up
constexpr std::int64_t kProofInterval = 10 * kMillisecond;  // of each spoke
constexpr std::size_t kOverhead = 64;                       // bytes around an inner packet: header, tag, padding
constexpr std::size_t kIntervals = 1000;

// In the network of `end`, which has 1 or 2 in it.
IpAddress beside(IpAddress end, unsigned number) {
  end.bytes[end.bits() / 8 - 1] = static_cast<std::uint8_t>(kFirstAddress + number);
  return end;
}

Instant instant(std::int64_t monotonic) { return Instant(Duration(monotonic)); }

// A spoke at work.
struct Active {
  const Spoke& spoke;
  Tunnel tunnel;
  unsigned on_the_way = 0;        // packets
  unsigned window = kWindow;      // trains
  std::int64_t begun = 0;         // its handshake
  std::int64_t last_arrival = 0;  // or departure
  std::int64_t last_proof = 0;
  bool is_connected = false;  // it has sent what completes the handshake
};

class Carrier {
 public:
  Carrier(const Spokes& spokes, const SpokesRun& run);
  Result<SpokesCarried> carry();

 private:
  Result<void> begin_handshake(Active& active);
  Result<void> read(Active& active);
  Result<void> prove(Active& active, std::span<const std::uint8_t> datagram);
  void give(Active& active, std::span<const std::uint8_t> datagram);
  void send_output(Active& active);
  Result<void> look_after(Active& active);
  Result<void> send_trains();

  const Spokes& spokes_;
  const SpokesRun& run_;
  const std::int64_t begun_ = monotonic_now();
  std::int64_t now_ = begun_;
  PacketPool pool_;
  TunnelOutput output_;
  TrainReader reader_;
  TrainSource trains_;
  std::vector<Active> active_;
  std::vector<pollfd> waits_;
  SpokesCarried carried_{};
};

Carrier::Carrier(const Spokes& spokes, const SpokesRun& run)
    : spokes_(spokes),
      run_(run),
      pool_(64, kPacketHeadroom + spokes.inner_mtu + kOverhead),
      reader_(spokes.inner_mtu + kOverhead),
      trains_(spokes.payload,
              std::clamp<unsigned>(kDeviceQueue / static_cast<unsigned>(spokes.all.size()), 1, max_segments(spokes.payload))) {
  for (const Spoke& spoke : spokes.all) {
    active_.push_back(Active{spoke, Tunnel({}, Host::system(), pool_)});
    waits_.push_back({spoke.network.get(), POLLIN, 0});
  }
  carried_.by_time.begin = begun_;
  carried_.by_time.length = std::max<std::int64_t>(run.duration / static_cast<std::int64_t>(kIntervals), 1);
}

Result<SpokesCarried> Carrier::carry() {
  for (Active& active : active_) {
    if (auto begun = begin_handshake(active); !begun) return begun.error();
  }
  const OwnTimer timer;
  std::int64_t first_train = 0;
  for (std::int64_t next_look = 0; (now_ = monotonic_now()) < begun_ + run_.duration;) {
    if (now_ >= next_look) {
      for (Active& active : active_) {
        if (auto done = look_after(active); !done) return done.error();
      }
      next_look = now_ + kTick * kMillisecond;
    }
    if (first_train == 0) {
      if (std::all_of(active_.begin(), active_.end(), [](const Active& active) { return active.is_connected; }))
        first_train = now_ + kSettle;
      if (first_train == 0 && now_ - begun_ > kPatience) return Error{ETIMEDOUT, "the hub does not answer the handshakes of all its peers"};
    } else if (now_ >= first_train) {
      if (auto sent = send_trains(); !sent) return sent.error();
    }
    if (::poll(waits_.data(), waits_.size(), kTick) < 0 && errno != EINTR) return io::system_error(errno, "wait for the hub");
    now_ = monotonic_now();
    for (std::size_t i = 0; i < active_.size(); ++i) {
      if (waits_[i].revents == 0) continue;
      if (auto done = read(active_[i]); !done) return done.error();
    }
  }
  carried_.time = timer.elapsed();
  return carried_;
}

// From scratch: what came to nothing is forgotten.
Result<void> Carrier::begin_handshake(Active& active) {
  const bool is_ipv6 = active.spoke.inner.family == Family::kIpv6;
  const std::uint8_t anywhere[16] = {};
  DeviceChange change;
  change.private_key = active.spoke.key.copy();
  PeerChange& peer = change.peers.emplace_back();
  peer.public_key = spokes_.hub;
  peer.endpoint = spokes_.hub_at;
  peer.persistent_keepalive = kKeepalive;
  peer.allowed_ips.push_back({Prefix::masked(is_ipv6 ? IpAddress::v6_from(anywhere) : IpAddress::v4_from(anywhere), 0)});
  active.tunnel = Tunnel({.mtu = static_cast<std::uint16_t>(spokes_.inner_mtu)}, Host::system(), pool_);
  active.begun = now_;
  if (auto applied = active.tunnel.apply(std::move(change), instant(now_)); !applied) return applied;
  active.tunnel.set_up(true, instant(now_));
  return {};
}

// What is due: timers, and what does not come any more.
Result<void> Carrier::look_after(Active& active) {
  if (!active.is_connected && now_ - active.begun > kRetry) {
    if (auto begun = begin_handshake(active); !begun) return begun;
  }
  if (active.on_the_way > 0 && now_ - active.last_arrival > kLost) {
    carried_.lost += std::exchange(active.on_the_way, 0);
    active.window = std::max(active.window / 2, 1U);
  }
  active.tunnel.advance(instant(now_), output_);
  send_output(active);
  return {};
}

Result<void> Carrier::send_trains() {
  for (Active& active : active_) {
    while (active.on_the_way + trains_.packets() <= active.window * trains_.packets()) {
      const auto sent = trains_.send(active.spoke.source.get());
      if (!sent) return sent.error();
      if (*sent == 0) break;
      if (active.on_the_way == 0) active.last_arrival = now_;
      active.on_the_way += *sent;
      carried_.sent += *sent;
    }
  }
  return {};
}

Result<void> Carrier::read(Active& active) {
  const std::size_t whole = spokes_.inner_mtu + noise::kDataMinSize;  // or more, where a daemon pads beyond the MTU
  for (const TrainBeginning& message : reader_.read(active.spoke.network.get())) {
    if (message.at_hand.empty()) continue;
    const bool is_data = message.at_hand[0] == static_cast<std::uint8_t>(noise::MessageType::kData) && message.stride >= whole;
    if (!is_data) {
      if (message.is_first_whole()) give(active, message.at_hand);
      continue;
    }
    const std::size_t packets = message.count_of(whole);
    carried_.by_time.add(now_, packets);
    if (now_ >= run_.count_from && now_ < run_.count_until) {
      carried_.by_spoke[static_cast<std::size_t>(&active - active_.data())] += packets;
    }
    active.on_the_way -= static_cast<unsigned>(std::min<std::size_t>(packets, active.on_the_way));
    active.last_arrival = now_;
    if (message.is_first_whole() && now_ - active.last_proof >= kProofInterval) {
      if (auto proven = prove(active, message.at_hand); !proven) return proven;
    }
  }
  return {};
}

Result<void> Carrier::prove(Active& active, std::span<const std::uint8_t> datagram) {
  active.last_proof = now_;
  give(active, datagram);
  const bool is_ipv6 = active.spoke.inner.family == Family::kIpv6;
  const std::size_t destination = is_ipv6 ? 24 : 16;  // in the packet (RFC 8200, section 3; RFC 791, section 3.1)
  const auto is_ours = [&](const Packet& packet) {
    return packet.size() == spokes_.inner_mtu &&
           std::memcmp(packet.data() + destination, active.spoke.inner.bytes.data(), active.spoke.inner.bits() / 8) == 0;
  };
  const bool is_proven = output_.to_device.size() == 1 && is_ours(output_.to_device[0]);
  output_.clear();
  if (!is_proven) return Error{EBADMSG, "what the hub sends is not what it was given"};
  ++carried_.proven;
  return {};
}

// To the spoke's tunnel, as any peer would; what it has to say to that is sent. What it would deliver stays in `output_.to_device`.
void Carrier::give(Active& active, std::span<const std::uint8_t> datagram) {
  output_.clear();
  Packet packet = pool_.take(kPacketHeadroom);
  packet.resize(datagram.size());
  std::copy(datagram.begin(), datagram.end(), packet.data());
  Datagram received{std::move(packet), spokes_.hub_at, {}};
  active.tunnel.receive({&received, 1}, instant(now_), output_);
  active.tunnel.advance(instant(now_), output_);
  send_output(active);
}

void Carrier::send_output(Active& active) {
  for (const Datagram& datagram : output_.to_network) {
    const ssize_t sent = ::send(active.spoke.network.get(), datagram.packet.data(), datagram.packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    // Only who has the hub's response sends anything in a session.
    const bool is_in_session = datagram.packet.data()[0] == static_cast<std::uint8_t>(noise::MessageType::kData);
    if (sent >= 0 && is_in_session) active.is_connected = true;
  }
  output_.to_network.clear();
}

template <class Open>
auto open_at(const NetworkNamespace& where, Open&& open) {
  const Visit visit(where);
  return open();
}

}  // namespace

Result<Spokes> Spokes::open(const Testbed& testbed, const PublicKey& hub, unsigned count) {
  if (count == 0 || count > kMost) return Error{EINVAL, "as many spokes there cannot be: " + std::to_string(count)};
  const TestbedOptions& options = testbed.options();
  Spokes spokes;
  spokes.hub = hub;
  spokes.hub_at = {testbed.outer(End::kB), Testbed::kPort};
  spokes.inner_mtu = options.inner_mtu;
  spokes.payload = options.inner_mtu - udp_headers(options.family);
  for (unsigned i = 0; i < count; ++i) {
    Spoke spoke{PrivateKey::generate(), beside(testbed.inner(End::kA), i), {beside(testbed.outer(End::kA), i), kPort}, {}, {}};
    auto network = open_at(testbed.at(End::kA), [&]() -> Result<io::FileDescriptor> {
      if (auto added = add_address(Testbed::kWire, spoke.outer.address, static_cast<std::uint8_t>(spoke.outer.address.bits())); !added) {
        return added.error();
      }
      return open_udp_sender(spokes.hub_at, spoke.outer);
    });
    if (!network) return std::move(network).error();
    auto source = open_at(testbed.at(End::kB), [&] { return open_udp_sender({spoke.inner, kDiscard}); });
    if (!source) return std::move(source).error();
    if (auto prepared = TrainReader::prepare(network->get()); !prepared) return prepared.error();
    spoke.network = std::move(*network);
    spoke.source = std::move(*source);
    spokes.all.push_back(std::move(spoke));
  }
  return spokes;
}

std::vector<PeerChange> Spokes::peers() const {
  std::vector<PeerChange> peers;
  for (const Spoke& spoke : all) {
    PeerChange& peer = peers.emplace_back();
    peer.public_key = spoke.key.public_key();
    peer.endpoint = spoke.outer;
    peer.allowed_ips.push_back({Prefix::masked(spoke.inner, static_cast<std::uint8_t>(spoke.inner.bits()))});
  }
  return peers;
}

Result<SpokesCarried> carry(const Spokes& spokes, const SpokesRun& run) { return Carrier(spokes, run).carry(); }

double fairness(std::span<const std::uint64_t> shares) {
  double sum = 0;
  double squares = 0;
  for (const std::uint64_t share : shares) {
    const auto value = static_cast<double>(share);
    sum += value;
    squares += value * value;
  }
  return squares > 0 ? sum * sum / (squares * static_cast<double>(shares.size())) : 0;
}

}  // namespace wgu::bench
