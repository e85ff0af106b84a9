// A WireGuard tunnel inside your own process: makes the interface, listens, and reports what passed until the interface goes.
//   hello_tunnel IFNAME PEER_PUBLIC_KEY PEER_ENDPOINT ALLOWED_IPS     (as root; then: ip addr add ... ; ip link set IFNAME up)
#include <wgu/engine.h>

#include <cstdio>

int main(int argc, char** argv) try {
  if (argc != 5) return std::fprintf(stderr, "usage: %s IFNAME PEER_PUBLIC_KEY PEER_ENDPOINT ALLOWED_IPS\n", argv[0]), 2;
  wgu::Engine engine = wgu::Engine::start({.interface_name = argv[1]}).value();

  wgu::DeviceChange change;
  change.private_key = wgu::PrivateKey::generate();
  std::printf("public key: %s\n", change.private_key->public_key().base64().c_str());
  wgu::PeerChange& peer = change.peers.emplace_back();
  peer.public_key = wgu::PublicKey::from_base64(argv[2]).value();
  peer.endpoint = wgu::Endpoint::parse(argv[3]).value();
  peer.allowed_ips.push_back({wgu::Prefix::parse(argv[4]).value()});
  engine.apply(std::move(change)).value();

  std::printf("ended: %s\n", engine.wait().c_str());
  const wgu::Counters counters = engine.counters();
  std::printf("%llu packets out, %llu in\n", static_cast<unsigned long long>(counters.data_packets_sent),
              static_cast<unsigned long long>(counters.device_packets_sent));
} catch (const wgu::BadResult& failure) {
  return std::fprintf(stderr, "%s\n", failure.what()), 1;
}
