// Two WireGuard tunnels without a socket, a thread or a clock: this program is their network, their devices and their time.
#include <wgu/tunnel.h>

#include <array>
#include <cstdio>
#include <cstring>

namespace {

constexpr auto kAlice = wgu::Endpoint{wgu::IpAddress{wgu::Family::kIpv4, {192, 0, 2, 1}}, 51820};
constexpr auto kBob = wgu::Endpoint{wgu::IpAddress{wgu::Family::kIpv4, {192, 0, 2, 2}}, 51820};

struct Side {
  Side(wgu::Endpoint at, wgu::PacketPool& pool) : endpoint(at), tunnel({}, wgu::Host::system(), pool) {}
  wgu::Endpoint endpoint;
  wgu::Tunnel tunnel;
  wgu::TunnelOutput output;
};

wgu::DeviceChange configure(const wgu::PrivateKey& own, const wgu::PublicKey& other, wgu::Endpoint at, const char* allowed_ips) {
  wgu::DeviceChange change;
  change.private_key = own.copy();
  wgu::PeerChange& peer = change.peers.emplace_back();
  peer.public_key = other;
  peer.endpoint = at;
  peer.allowed_ips.push_back({wgu::Prefix::parse(allowed_ips).value()});
  return change;
}

// The network: what one side sent arrives at the other, until nobody has anything to say.
void exchange(Side& a, Side& b, wgu::Instant now) {
  for (bool is_quiet = false; !is_quiet;) {
    is_quiet = true;
    for (auto [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
      from->tunnel.advance(now, from->output);
      for (wgu::Datagram& datagram : from->output.to_network) {
        std::printf("%4zu bytes from port of %s\n", datagram.packet.size(), from->endpoint.to_string().c_str());
        datagram.remote = from->endpoint;
      }
      if (from->output.to_network.empty()) continue;
      is_quiet = false;
      to->tunnel.receive(from->output.to_network, now, to->output);
      from->output.to_network.clear();
    }
  }
}

// A minimal IPv4 packet from 10.0.0.1 to 10.0.0.2 with `text` in it (protocol 253: experiments, RFC 3692).
wgu::Packet make_packet(wgu::PacketPool& pool, const char* text) {
  wgu::Packet packet = pool.take(wgu::kPacketHeadroom);
  const std::size_t size = 20 + std::strlen(text);
  packet.resize(size);
  const std::array<std::uint8_t, 20> header{0x45, 0, 0, static_cast<std::uint8_t>(size), 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, 1, 10,
                                            0,    0, 2};
  std::memcpy(packet.data(), header.data(), header.size());
  std::memcpy(packet.data() + header.size(), text, std::strlen(text));
  return packet;
}

}  // namespace

int main() {
  wgu::PacketPool pool(64, 2048);
  wgu::Instant now{};
  const wgu::PrivateKey alice_key = wgu::PrivateKey::generate();
  const wgu::PrivateKey bob_key = wgu::PrivateKey::generate();
  Side alice(kAlice, pool);
  Side bob(kBob, pool);
  alice.tunnel.apply(configure(alice_key, bob_key.public_key(), kBob, "10.0.0.2/32"), now).value();
  bob.tunnel.apply(configure(bob_key, alice_key.public_key(), kAlice, "10.0.0.1/32"), now).value();
  alice.tunnel.set_up(true, now);
  bob.tunnel.set_up(true, now);

  std::array packets{make_packet(pool, "hello, bob")};
  alice.tunnel.send(packets, now, alice.output);  // no session yet: staged, a handshake begins
  exchange(alice, bob, now);

  for (const wgu::Packet& packet : bob.output.to_device) {
    std::printf("bob's device got: %.*s\n", static_cast<int>(packet.size() - 20), reinterpret_cast<const char*>(packet.data()) + 20);
  }
  return bob.output.to_device.size() == 1 ? 0 : 1;
}
