// The real thing, briefly: two engines, a session, packets.
#include "bench/memory/tunnel_pair.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "bench/memory/carried.h"

namespace wgu::bench {
namespace {

TEST(TunnelPair, CarriesEveryPacketInOrder) {
  for (const unsigned workers : {1U, 2U}) {
    const RoundOptions options{.sizes = {48, 576, 1420}, .flows = 3, .workers = workers, .window = 64};
    auto pair = TunnelPair::start(options);
    ASSERT_TRUE(pair.ok()) << pair.error().message;
    EXPECT_GE(pair->sender_threads().size(), workers);
    EXPECT_GE(pair->receiver_threads().size(), workers);
    expect_every_packet_in_order(*pair, options);
    EXPECT_EQ(pair->unexplained(), 0U);
    EXPECT_TRUE(pair->drops().empty()) << pair->drops().begin()->first;
  }
}

TEST(TunnelPair, AnUnknownBackendIsRefused) {
  const auto pair = TunnelPair::start({.sizes = {64}, .io = "dpdk"});
  ASSERT_FALSE(pair.ok());
  EXPECT_EQ(pair.error().code, EINVAL);
}

TEST(TunnelPair, ACpuThatIsNotThereIsAnError) {
  const auto pair = TunnelPair::start({.sizes = {64}, .sender_cpus = {100000}, .receiver_cpus = {100000}});
  ASSERT_FALSE(pair.ok());
}

}  // namespace
}  // namespace wgu::bench
