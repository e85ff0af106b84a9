#pragma once
// Two namespaces, a wire between them, and at each end a daemon with the other as its peer: what every row of `tunnel` and `ndr` measures
// in.
//
//     namespace a                                                 namespace b
//     tunnel 10.77.0.1/16 or fd77::1/64 (mtu 1420)                tunnel 10.77.0.2/16 or fd77::2/64
//     wire   192.0.2.1/24 or 2001:db8::1/64 (veth, mtu 1500)      wire   192.0.2.2/24 or 2001:db8::2/64
//
// Without a daemon (the yardstick "veth") the inner addresses lie on a second wire of the tunnel's MTU. Every subject has a testbed of its
// own, and all stand at the same time, so that rounds can take turns quickly: an idle daemon costs next to nothing.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/host_counters.h"
#include "bench/lab/daemon.h"
#include "bench/lab/network_namespace.h"
#include "bench/lab/process_usage.h"
#include "wgu/net.h"
#include "wgu/result.h"

namespace wgu::bench {

enum class End : std::uint8_t { kA, kB };
constexpr End other(End end) { return end == End::kA ? End::kB : End::kA; }

// Who is measured. Without a command: the bare wire.
struct Subject {
  std::string name;
  std::string command{};  // see command_line()
  [[nodiscard]] bool is_bare() const { return command.empty(); }
};

struct TestbedOptions {
  std::uint32_t inner_mtu = 1420;
  Family family = Family::kIpv4;  // of the packets inside, and of the tunnel's own
  bool has_wire_gso = true;       // whether the wire passes UDP super-packets on whole; a network card mostly does not
  // Ethernet's, or as much as it takes for a whole inner packet behind the headers of IPv6, UDP and WireGuard.
  [[nodiscard]] std::uint32_t outer_mtu() const { return std::max<std::uint32_t>(1500, inner_mtu + 80); }
};

// What processes did since they started, and the machine: the daemons at both ends, unless somebody says otherwise.
struct Usage {
  double daemons = 0;  // s
  MachineTime machine{};
  ThreadClaims threads{};  // of the daemons
  std::chrono::steady_clock::time_point at{};
};

class Testbed {
 public:
  inline static constexpr std::uint16_t kPort = 51820;
  inline static constexpr const char* kWire = "wire";

  // Namespaces, wire, and the daemons with keys and each other as peers; addresses and links up. Not yet: a handshake.
  static Result<Testbed> create(const Subject& subject, const TestbedOptions& options);

  // Until something gets through, so that what follows does not wait for a handshake. \errors ETIMEDOUT, ECHILD (a daemon ended)
  Result<void> await_traffic(std::chrono::milliseconds patience = std::chrono::seconds(10));

  [[nodiscard]] const NetworkNamespace& at(End end) const { return namespaces_[index(end)]; }
  [[nodiscard]] IpAddress inner(End end) const;
  [[nodiscard]] IpAddress outer(End end) const;
  [[nodiscard]] Daemon* daemon(End end) { return daemons_[index(end)] ? &*daemons_[index(end)] : nullptr; }  // none on the bare wire
  [[nodiscard]] const PublicKey& public_key(End end) const { return public_keys_[index(end)]; }
  [[nodiscard]] const Subject& subject() const { return subject_; }
  [[nodiscard]] const TestbedOptions& options() const { return options_; }
  [[nodiscard]] Result<Usage> usage() const;               // \errors ECHILD: a daemon ended
  [[nodiscard]] Result<std::uint64_t> wire_drops() const;  // at both ends together
  [[nodiscard]] HostCounters udp_counters() const;         // as well

 private:
  Testbed(Subject subject, const TestbedOptions& options, NetworkNamespace a, NetworkNamespace b)
      : subject_(std::move(subject)), options_(options), namespaces_{std::move(a), std::move(b)} {}
  static constexpr std::size_t index(End end) { return static_cast<std::size_t>(end); }
  Result<void> lay_wires();
  Result<void> start_daemons();

  Subject subject_;
  TestbedOptions options_;
  std::array<NetworkNamespace, 2> namespaces_;
  std::array<std::optional<Daemon>, 2> daemons_{};
  std::array<PublicKey, 2> public_keys_{};
};

}  // namespace wgu::bench
