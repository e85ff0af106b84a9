#include <gtest/gtest.h>

#include "telemetry/snapshots.h"

namespace wgu::telemetry {
namespace {

TEST(Snapshot, TellsAllOfAStatusButItsSecrets) {
  DeviceStatus status;
  status.private_key = PrivateKey::generate();
  status.public_key = key_number(9);
  const PeerSnapshot expected = peer_number(3);
  PeerStatus& peer = status.peers.emplace_back();
  peer.public_key = expected.public_key;
  peer.preshared_key = PresharedKey::generate();
  peer.endpoint = expected.endpoint;
  peer.allowed_ips = expected.allowed_ips;
  peer.last_handshake = expected.last_handshake;
  peer.rx_bytes = expected.rx_bytes;
  peer.tx_bytes = expected.tx_bytes;
  peer.path_mtu = expected.path_mtu;
  peer.counters = expected.counters;

  const std::string secrets[] = {status.private_key.reveal_base64(), peer.preshared_key.reveal_base64()};
  const Snapshot snapshot = make_snapshot(std::move(status), snapshot_of(2, 0).workers);
  EXPECT_EQ(snapshot.public_key, key_number(9));
  EXPECT_EQ(snapshot.workers.size(), 2U);
  ASSERT_EQ(snapshot.peers.size(), 1U);
  EXPECT_EQ(snapshot.peers[0].public_key, expected.public_key);
  EXPECT_EQ(snapshot.peers[0].endpoint, expected.endpoint);
  EXPECT_EQ(snapshot.peers[0].allowed_ips, expected.allowed_ips);
  EXPECT_EQ(snapshot.peers[0].last_handshake, expected.last_handshake);
  EXPECT_EQ(snapshot.peers[0].rx_bytes, expected.rx_bytes);
  EXPECT_EQ(snapshot.peers[0].tx_bytes, expected.tx_bytes);
  EXPECT_EQ(snapshot.peers[0].path_mtu, expected.path_mtu);
  EXPECT_EQ(snapshot.peers[0].counters, expected.counters);

  std::string text;
  append_json(snapshot, text);
  append_metrics(snapshot, MetricsFormat::kOpenMetrics, text);
  for (const std::string& secret : secrets) EXPECT_EQ(text.find(secret), std::string::npos);
}

}  // namespace
}  // namespace wgu::telemetry
