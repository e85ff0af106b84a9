#include "bench/lab/testbed.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "bench/lab/link.h"
#include "bench/offloads.h"
#include "bench/traffic/sockets.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

constexpr const char* kInnerWire = "inner";  // on the bare testbed
constexpr const char* kSuperPackets = "tx-udp-segmentation";
// A network of each family; the two ends are 1 and 2 in it. 192.0.2.0/24 and 2001:db8::/32 are set aside for examples (RFC 5737, RFC 3849).
struct Network {
  IpAddress v4;
  std::uint8_t v4_length;
  const char* v6;
  std::uint8_t v6_length = 64;
};
const Network kInner{IpAddress::v4(10, 77, 0, 0), 16, "fd77::"};
const Network kOuter{IpAddress::v4(192, 0, 2, 0), 24, "2001:db8::"};
constexpr std::uint16_t kProbePort = 9;
constexpr int kProbeInterval = 20;  // ms

IpAddress address_in(const Network& network, Family family, End end) {
  IpAddress address = family == Family::kIpv6 ? IpAddress::parse(network.v6).value() : network.v4;
  address.bytes[address.bits() / 8 - 1] = end == End::kA ? 1 : 2;
  return address;
}

std::uint8_t prefix_length(const Network& network, Family family) {
  return family == Family::kIpv6 ? network.v6_length : network.v4_length;
}

// `work` returns Result<void>; it is done in `where`.
template <class Work>
Result<void> in(const NetworkNamespace& where, Work&& work) {
  const Visit visit(where);
  return work();
}

Prefix host_prefix(const IpAddress& address) { return Prefix::masked(address, static_cast<std::uint8_t>(address.bits())); }

// Interface names are unique on the machine, as namespaces' numbers are: daemons' control sockets have them as file names.
std::string interface_name(const NetworkNamespace& where) { return fmt::format("wb{}", where.inode()); }

}  // namespace

IpAddress Testbed::inner(End end) const { return address_in(kInner, options_.family, end); }
IpAddress Testbed::outer(End end) const { return address_in(kOuter, options_.family, end); }

Result<Testbed> Testbed::create(const Subject& subject, const TestbedOptions& options) {
  auto a = NetworkNamespace::create();
  if (!a) return std::move(a).error();
  auto b = NetworkNamespace::create();
  if (!b) return std::move(b).error();
  Testbed testbed(subject, options, std::move(*a), std::move(*b));
  if (auto laid = testbed.lay_wires(); !laid) return std::move(laid).error();
  if (!subject.is_bare()) {
    if (auto started = testbed.start_daemons(); !started) return std::move(started).error();
  }
  return testbed;
}

Result<void> Testbed::lay_wires() {
  struct Wire {
    const char* name;
    std::uint32_t mtu;
    std::uint8_t prefix_length;
    IpAddress a, b;
  };
  std::vector<Wire> wires = {{kWire, options_.outer_mtu(), prefix_length(kOuter, options_.family), outer(End::kA), outer(End::kB)}};
  if (subject_.is_bare()) {
    wires.push_back({kInnerWire, options_.inner_mtu, prefix_length(kInner, options_.family), inner(End::kA), inner(End::kB)});
  }
  for (const Wire& wire : wires) {
    if (auto made = in(at(End::kA), [&] { return create_veth(wire.name, wire.mtu, at(End::kB)); }); !made) return made;
    for (const End end : {End::kA, End::kB}) {
      auto set_up = in(at(end), [&]() -> Result<void> {
        if (!options_.has_wire_gso) {
          if (auto set = set_offload(wire.name, kSuperPackets, false); !set) return set;
        }
        if (auto added = add_address(wire.name, end == End::kA ? wire.a : wire.b, wire.prefix_length); !added) return added;
        return bring_up(wire.name);
      });
      if (!set_up) return set_up;
    }
  }
  return {};
}

Result<void> Testbed::start_daemons() {
  std::array<PrivateKey, 2> keys = {PrivateKey::generate(), PrivateKey::generate()};
  public_keys_ = {keys[0].public_key(), keys[1].public_key()};
  for (const End end : {End::kA, End::kB}) {
    auto started = Daemon::start(at(end), subject_.command, interface_name(at(end)));
    if (!started) return std::move(started).error();
    daemons_[index(end)].emplace(std::move(*started));
  }
  for (const End end : {End::kA, End::kB}) {
    PeerChange peer;
    peer.public_key = public_keys_[index(other(end))];
    // Both ends are told: Tailscale's fork of wireguard-go leaves it to its caller to learn where a peer is.
    peer.endpoint = Endpoint{outer(other(end)), kPort};
    peer.allowed_ips.push_back({host_prefix(inner(other(end)))});
    DeviceChange change;
    change.private_key = std::move(keys[index(end)]);
    change.listen_port = kPort;
    change.peers.push_back(std::move(peer));
    if (auto configured = daemon(end)->configure(change); !configured) return configured;
    const std::string& name = daemon(end)->interface_name();
    auto set_up = in(at(end), [&]() -> Result<void> {
      if (auto set = set_mtu(name, options_.inner_mtu); !set) return set;
      if (auto added = add_address(name, inner(end), prefix_length(kInner, options_.family)); !added) return added;
      return bring_up(name);
    });
    if (!set_up) return set_up;
  }
  return {};
}

Result<void> Testbed::await_traffic(std::chrono::milliseconds patience) {
  const auto open_in = [&](End end, auto&& open) {
    const Visit visit(at(end));
    return open();
  };
  auto sink = open_in(End::kB, [&] { return open_udp_sink({inner(End::kB), kProbePort}); });
  if (!sink) return std::move(sink).error();
  auto sender = open_in(End::kA, [&] { return open_udp_sender({inner(End::kB), kProbePort}); });
  if (!sender) return std::move(sender).error();
  for (const auto deadline = std::chrono::steady_clock::now() + patience;;) {
    const char probe = 0;
    static_cast<void>(::send(sender->get(), &probe, sizeof probe, MSG_DONTWAIT));
    pollfd wait{sink->get(), POLLIN, 0};
    if (::poll(&wait, 1, kProbeInterval) > 0) return {};
    if (auto used = usage(); !used) return std::move(used).error();
    if (std::chrono::steady_clock::now() >= deadline) {
      return Error{ETIMEDOUT, fmt::format("nothing gets through the tunnel of {} in {} ms", subject_.name, patience.count())};
    }
  }
}

Result<Usage> Testbed::usage() const {
  Usage usage;
  for (const auto& daemon : daemons_) {
    if (!daemon) continue;
    if (!daemon->is_running()) return Error{ECHILD, fmt::format("the daemon of {} ended: {}", subject_.name, daemon->last_output())};
    for (const pid_t pid : daemon->processes()) {
      if (const auto seconds = cpu_seconds(pid)) usage.daemons += *seconds;
      usage.threads.merge(thread_claims(pid));
    }
  }
  auto machine = machine_time();
  if (!machine) return std::move(machine).error();
  usage.machine = *machine;
  usage.at = std::chrono::steady_clock::now();
  return usage;
}

HostCounters Testbed::udp_counters() const {
  HostCounters sum;
  for (const auto& where : namespaces_) {
    const Visit visit(where);
    add(sum, read_udp_counters());
  }
  return sum;
}

Result<std::uint64_t> Testbed::wire_drops() const {
  std::uint64_t sum = 0;
  for (const auto& where : namespaces_) {
    const Visit visit(where);
    auto dropped = dropped_frames(subject_.is_bare() ? kInnerWire : kWire);
    if (!dropped) return dropped;
    sum += *dropped;
  }
  return sum;
}

}  // namespace wgu::bench
