// The crowd's initiations before a real responder of the noise layer, and its addresses on a real wire.
#include "bench/lab/crowd.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <set>

#include "bench/traffic/sockets.h"
#include "crypto/secret_slab.h"
#include "io/udp.h"
#include "noise/cookie.h"
#include "noise/handshake.h"
#include "tests_in_sandbox.h"

namespace wgu::bench {
namespace {

// Within five seconds.
bool is_readable(int fd) {
  pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, 5000) == 1;
}

TEST(Crowd, InitiationsAreWhatAResponderAccepts) {
  const noise::Identity responder = [] {
    PrivateKey key = PrivateKey::generate();
    const PublicKey ours = key.public_key();
    return noise::Identity{std::move(key), ours};
  }();
  const Crowd crowd(3, responder.public_key);
  const auto keys = crowd.public_keys();
  const auto messages = crowd.initiations(7);
  ASSERT_EQ(messages.size(), 7U);
  noise::CookieChecker checker(std::array<std::uint8_t, 32>{});
  checker.set_public_key(responder.public_key);
  crypto::SecretSlab slab(sizeof(noise::PeerSecrets));
  std::vector<noise::Handshake> handshakes;
  for (const PublicKey& key : keys) handshakes.emplace_back(slab, key).set_identity(responder);
  Instant now{};
  for (std::size_t i = 0; i < messages.size(); ++i) {
    EXPECT_TRUE(checker.has_valid_mac1(messages[i])) << i;
    const auto opened = noise::open_initiation(responder, messages[i]);
    ASSERT_TRUE(opened) << i;
    EXPECT_EQ(opened->remote_static, keys[i % 3]) << i;
    EXPECT_EQ(opened->sender_index, i);
    // kAccepted only when newer than the member's one before.
    EXPECT_EQ(handshakes[i % 3].accept_initiation(responder, *opened, now), noise::Handshake::Verdict::kAccepted) << i;
    now += std::chrono::seconds(1);
  }
}

TEST(Crowd, AddressesAreOfTheBenchmarkNetworks) {
  EXPECT_EQ(crowd_address(0, Family::kIpv4).to_string(), "198.18.0.0");
  EXPECT_EQ(crowd_address(258, Family::kIpv4).to_string(), "198.18.1.2");
  EXPECT_EQ(crowd_address(0x10003, Family::kIpv4).to_string(), "198.19.0.3");
  EXPECT_EQ(crowd_address(0x20003, Family::kIpv4), crowd_address(3, Family::kIpv4));
  EXPECT_EQ(crowd_address(0x10203, Family::kIpv6).to_string(), "2001:2::101:203");
  EXPECT_EQ(crowd_address(0x20003, Family::kIpv6), crowd_address(3, Family::kIpv6));
}

void expect_answers_to_every_member(Family family) {
  TestbedOptions options;
  options.family = family;
  auto testbed = Testbed::create({"veth"}, options).value();
  settle_crowd(testbed).value();
  const auto responder = [&] {
    const Visit visit(testbed.at(End::kB));
    return open_udp_sink({testbed.outer(End::kB), 0}).value();
  }();
  const auto crowd = [&] {
    const Visit visit(testbed.at(End::kA));
    return CrowdSocket::open(local_endpoint(responder.get()).value()).value();
  }();
  const std::vector<InitiationBytes> messages(5);
  ASSERT_EQ(crowd.send(messages, 70'000), 5U);
  std::set<std::string> sources;
  for (int i = 0; i < 5; ++i) {
    std::array<char, 200> bytes{};
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    ASSERT_TRUE(is_readable(responder.get()));
    ASSERT_EQ(::recvfrom(responder.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &size), 148);
    sources.insert(io::decode_address(from).address.to_string());
    ASSERT_EQ(::sendto(responder.get(), "answer", 6, 0, reinterpret_cast<sockaddr*>(&from), size), 6);
    ASSERT_TRUE(is_readable(crowd.descriptor()));
    ASSERT_EQ(::recv(crowd.descriptor(), bytes.data(), bytes.size(), 0), 6);
  }
  std::set<std::string> expected;
  for (std::uint32_t i = 0; i < 5; ++i) expected.insert(crowd_address(70'000 + i, family).to_string());
  EXPECT_EQ(sources, expected);
}

TEST(Crowd, EveryMessageHasItsOwnSourceAndAnswersComeBack) {
  in_sandbox([] { expect_answers_to_every_member(Family::kIpv4); });
}

TEST(Crowd, AndOverIPv6) {
  in_sandbox([] { expect_answers_to_every_member(Family::kIpv6); });
}

}  // namespace
}  // namespace wgu::bench
