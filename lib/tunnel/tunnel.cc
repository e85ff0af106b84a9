// The sans-IO device: one configuration, one shard, nothing handed over.
#include "wgu/tunnel.h"

#include <utility>

#include "tunnel/configuration.h"
#include "tunnel/handshake_gate.h"
#include "tunnel/shard.h"

namespace wgu {

struct Tunnel::Impl {
  Impl(TunnelOptions options, Host given_host, PacketPool& pool)
      : host(std::move(given_host)), gate(host), configuration(1), shard(0, options.mtu, 1, host, gate, pool) {
    shard.set_path_policy(options.path);
  }

  Host host;
  tunnel::HandshakeGate gate;
  tunnel::Configuration configuration;
  tunnel::Shard shard;
};

Tunnel::Tunnel(TunnelOptions options, Host host, PacketPool& pool) : impl_(std::make_unique<Impl>(options, std::move(host), pool)) {}
Tunnel::~Tunnel() = default;
Tunnel::Tunnel(Tunnel&&) noexcept = default;
Tunnel& Tunnel::operator=(Tunnel&&) noexcept = default;

Result<void> Tunnel::apply(DeviceChange change, Instant now) {
  if (Result<void> sound = impl_->configuration.check(change); !sound) return sound;
  tunnel::Configuration::Commit commit = impl_->configuration.commit(std::move(change));
  impl_->shard.apply(std::move(commit.additions[0]), now);
  impl_->shard.apply(commit.removals[0]);
  impl_->configuration.reclaim();
  return {};
}

DeviceStatus Tunnel::status() const {
  DeviceStatus status =
      impl_->configuration.status([this](tunnel::PeerId id, PeerStatus& peer) { impl_->shard.fill(id, peer); });
  status.private_key = impl_->shard.private_key();
  return status;
}

Counters Tunnel::counters() const { return impl_->shard.counters(); }

void Tunnel::set_up(bool is_up, Instant now) { impl_->shard.set_up(is_up, now); }

void Tunnel::set_mtu(std::uint16_t mtu) { impl_->shard.set_mtu(mtu); }

void Tunnel::send(std::span<Packet> packets, Instant now, TunnelOutput& output) { impl_->shard.send(packets, now, output); }

void Tunnel::receive(std::span<Datagram> datagrams, Instant now, TunnelOutput& output) {
  impl_->shard.receive(datagrams, now, output);
}

void Tunnel::advance(Instant now, TunnelOutput& output) { impl_->shard.advance(now, output); }

Instant Tunnel::next_deadline() const { return impl_->shard.next_deadline(); }

void Tunnel::send_failed(std::uint64_t tag, std::size_t size, Drop reason) { impl_->shard.send_failed(tag, size, reason); }

void Tunnel::answer_path(const PathQuestion& question, std::size_t mtu, Instant now) { impl_->shard.answer_path(question, mtu, now); }

void Tunnel::narrow_path(const Endpoint& remote, std::size_t mtu, Instant now) { impl_->shard.narrow_path(remote, mtu, now); }

void Tunnel::want_events(bool is_wanted) { impl_->shard.events().set_wanted(is_wanted); }

std::span<const Event> Tunnel::events() const { return impl_->shard.events().events(); }

void Tunnel::clear_events() { impl_->shard.events().clear(); }

}  // namespace wgu
