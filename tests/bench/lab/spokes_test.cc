// The hub is an engine of this process, in the testbed's namespace b.
#include "bench/lab/spokes.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>

#include "bench/lab/link.h"
#include "tests_in_sandbox.h"
#include "wgu/engine.h"

namespace wgu::bench {
namespace {

constexpr const char* kDevice = "hub";

TEST(Fairness, IsJains) {
  const auto of = [](std::vector<std::uint64_t> shares) { return fairness(shares); };
  EXPECT_EQ(of({7}), 1);
  EXPECT_EQ(of({5, 5, 5, 5}), 1);
  EXPECT_EQ(of({8, 0, 0, 0}), 0.25);
  EXPECT_NEAR(of({1, 3}), 0.8, 1e-12);
  EXPECT_EQ(of({0, 0}), 0);
  EXPECT_EQ(of({}), 0);
}

// On the wire of a bare testbed; the way to the spokes leads through its device instead of the inner wire.
struct Hub {
  explicit Hub(const TestbedOptions& options) : testbed(Testbed::create({"veth"}, options).value()) {
    const Visit visit(testbed.at(End::kB));
    engine = std::make_unique<Engine>(Engine::start({.interface_name = kDevice}).value());
    DeviceChange change;
    change.private_key = PrivateKey::generate();
    change.listen_port = Testbed::kPort;
    key = change.private_key->public_key();
    engine->apply(std::move(change)).value();
    set_mtu(kDevice, options.inner_mtu).value();
    IpAddress own = testbed.inner(End::kB);
    own.bytes[own.bits() / 8 - 1] = 127;  // shares all but six bits with the spokes
    add_address(kDevice, own, static_cast<std::uint8_t>(own.bits() - 6)).value();
    bring_up(kDevice).value();
  }
  void add(std::vector<PeerChange> peers) const {
    DeviceChange change;
    change.peers = std::move(peers);
    engine->apply(std::move(change)).value();
  }

  Testbed testbed;
  std::unique_ptr<Engine> engine;
  PublicKey key;
};

void expect_all_to_be_served(Family family) {
  TestbedOptions options;
  options.family = family;
  const Hub hub(options);
  const Spokes spokes = Spokes::open(hub.testbed, hub.key, 5).value();
  hub.add(spokes.peers());
  const std::int64_t now = monotonic_now();
  // Handshakes included, of which some may have to be repeated.
  const auto carried = carry(spokes, {.duration = 4 * kSecond, .count_from = now, .count_until = now + 3 * kSecond});
  ASSERT_TRUE(carried) << carried.error().message;
  for (std::size_t i = 0; i < Spokes::kMost; ++i) EXPECT_EQ(carried->by_spoke[i] > 0, i < 5) << i;
  const auto& times = carried->by_time.counts;
  const std::uint64_t arrived = std::accumulate(times.begin(), times.end(), std::uint64_t{0});
  EXPECT_GT(arrived, std::accumulate(carried->by_spoke.begin(), carried->by_spoke.end(), std::uint64_t{0})) << "the last quarter of the time does not count";
  EXPECT_LE(arrived, carried->sent);
  EXPECT_LE(arrived, hub.engine->counters().data_packets_sent);
  EXPECT_GE(carried->proven, 5U);
  EXPECT_GT(carried->time.user + carried->time.system, 0);
}

TEST(Spokes, HubServesThemAll) {
  in_sandbox([] { expect_all_to_be_served(Family::kIpv4); });
}

TEST(Spokes, HubServesThemAllOverIPv6) {
  in_sandbox([] { expect_all_to_be_served(Family::kIpv6); });
}

TEST(Spokes, AreSomeButNotTooMany) {
  in_sandbox([] {
    const auto testbed = Testbed::create({"veth"}, {}).value();
    EXPECT_EQ(Spokes::open(testbed, {}, 0).error().code, EINVAL);
    EXPECT_EQ(Spokes::open(testbed, {}, Spokes::kMost + 1).error().code, EINVAL);
  });
}

TEST(Spokes, HubThatDoesNotKnowThemIsNamed) {
  in_sandbox([] {
    const Hub hub({});
    const Spokes spokes = Spokes::open(hub.testbed, hub.key, 2).value();
    auto peers = spokes.peers();
    peers.pop_back();
    hub.add(std::move(peers));
    const auto carried = carry(spokes, {.duration = 60 * kSecond});
    ASSERT_FALSE(carried);
    EXPECT_EQ(carried.error().code, ETIMEDOUT);
  });
}

// Counting alone would take this for service.
TEST(Spokes, HubThatSendsWhatIsAnothersIsNotBelieved) {
  in_sandbox([] {
    const Hub hub({});
    const Spokes spokes = Spokes::open(hub.testbed, hub.key, 2).value();
    auto peers = spokes.peers();
    std::swap(peers[0].allowed_ips, peers[1].allowed_ips);
    hub.add(std::move(peers));
    const auto carried = carry(spokes, {.duration = 60 * kSecond});
    ASSERT_FALSE(carried);
    EXPECT_EQ(carried.error().code, EBADMSG);
  });
}

}  // namespace
}  // namespace wgu::bench
