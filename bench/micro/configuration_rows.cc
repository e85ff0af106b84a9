// A large device set up, replaced and cleared: 10,000 peers with 100 allowed IPs each, through the sans-IO Tunnel, which holds what an
// engine holds (an engine's workers share it among them). An item is the whole change. What it costs in memory is the row's label, by how
// much more of it is resident.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <random>

#include "bench/micro/rows.h"
#include "wgu/tunnel.h"

namespace wgu::bench {
namespace {

constexpr std::size_t kPeers = 10'000;
constexpr std::size_t kBlocksAPeer = 100;
constexpr Instant kNow{};

// Peers in a random order of keys; blocks of a peer beside each other, as address plans have them, /32 or /64.
DeviceChange large_device(Family family, std::size_t peers, std::size_t blocks_a_peer) {
  std::mt19937_64 random(peers);
  DeviceChange change;
  change.private_key = PrivateKey::generate();
  change.replace_peers = true;
  change.peers.resize(peers);
  std::uint32_t number = 0;
  for (PeerChange& peer : change.peers) {
    // Any 32 bytes are a public key to X25519.
    for (std::uint8_t& byte : peer.public_key.bytes) byte = static_cast<std::uint8_t>(random());
    peer.endpoint = Endpoint{IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(number)), 51820};
    peer.replace_allowed_ips = true;
    for (std::size_t i = 0; i < blocks_a_peer; ++i, ++number) {
      const std::array<std::uint8_t, 16> bytes{0x0A, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                                               static_cast<std::uint8_t>(number)};
      const bool is_v4 = family == Family::kIpv4;
      const IpAddress address = is_v4 ? IpAddress::v4_from(bytes.data()) : IpAddress::v6_from(bytes.data());
      peer.allowed_ips.push_back({Prefix::masked(address, is_v4 ? 32 : 64)});
    }
  }
  return change;
}

// Of memory that is ours alone. The allocator first gives back what it keeps, so that what is used again counts again.
double resident_bytes() {
  malloc_trim(0);
  std::size_t size = 0, resident = 0, shared = 0;
  std::ifstream("/proc/self/statm") >> size >> resident >> shared;
  return static_cast<double>(resident - shared) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

struct Device {
  PacketPool pool{64, 2048};
  Tunnel tunnel{{}, Host::system(), pool};
};

double bytes_of(Family family, std::size_t peers, std::size_t blocks_a_peer) {
  Device device;
  const double before = resident_bytes();
  device.tunnel.apply(large_device(family, peers, blocks_a_peer), kNow).value();
  return resident_bytes() - before;
}

std::string memory_label(Family family) {
  const double bare = bytes_of(family, kPeers, 0);
  const double whole = bytes_of(family, kPeers, kBlocksAPeer);
  return fmt::format("{:.0f} B a peer, {:.1f} B an allowed IP", bare / kPeers, (whole - bare) / (kPeers * kBlocksAPeer));
}

void set_up(benchmark::State& state, Family family) {
  for (auto _ : state) {
    state.PauseTiming();
    auto device = std::make_unique<Device>();
    DeviceChange change = large_device(family, kPeers, kBlocksAPeer);
    state.ResumeTiming();
    if (!device->tunnel.apply(std::move(change), kNow)) state.SkipWithError("refused");
    state.PauseTiming();
    device.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations());
  state.SetLabel(memory_label(family));
}

// All peers and blocks go; and come again, as with `wg setconf`, unless it is `cleared`.
void change_all(benchmark::State& state, Family family, bool is_cleared) {
  auto device = std::make_unique<Device>();
  for (auto _ : state) {
    state.PauseTiming();
    device->tunnel.apply(large_device(family, kPeers, kBlocksAPeer), kNow).value();
    DeviceChange change;
    if (!is_cleared) change = large_device(family, kPeers, kBlocksAPeer);
    change.replace_peers = true;
    state.ResumeTiming();
    if (!device->tunnel.apply(std::move(change), kNow)) state.SkipWithError("refused");
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

void add_configuration_rows(const AddRow& add) {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const std::string of = fmt::format("/{}/peers:{}/allowed_ips:{}", family == Family::kIpv4 ? "v4" : "v6", kPeers, kPeers * kBlocksAPeer);
    add("configure/set_up" + of, [family](benchmark::State& state) { set_up(state, family); });
    add("configure/replace" + of, [family](benchmark::State& state) { change_all(state, family, false); });
    add("configure/clear" + of, [family](benchmark::State& state) { change_all(state, family, true); });
  }
}

}  // namespace wgu::bench
