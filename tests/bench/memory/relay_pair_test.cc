#include "bench/memory/relay_pair.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "bench/memory/closed_loop.h"

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;

TEST(RelayPair, CarriesEveryPacketInOrder) {
  for (const unsigned workers : {1U, 2U}) {
    const RoundOptions options{.sizes = {48, 1420, 1420, 576, 9000}, .flows = 3, .workers = workers, .window = 64};
    auto pair = RelayPair::start(options);
    ASSERT_TRUE(pair.ok()) << pair.error().message;
    EXPECT_EQ(pair->sender_threads().size(), workers);
    EXPECT_EQ(pair->receiver_threads().size(), workers);
    const std::vector<int> any_cpu;
    ClosedLoop loop(options, pair->entrance(), pair->exit(), any_cpu);
    for (int i = 0; i < 4000 && loop.packets() < 5000; ++i) std::this_thread::sleep_for(5ms);
    loop.stop();
    EXPECT_GE(loop.arrived().packets, 5000U);
    EXPECT_EQ(loop.sent(), loop.arrived().packets);
    EXPECT_EQ(loop.arrived().reordered + loop.arrived().duplicates + loop.arrived().corrupted, 0U);
  }
}

TEST(RelayPair, EndsWithoutHavingCarriedAnything) {
  auto pair = RelayPair::start({.sizes = {64}});
  ASSERT_TRUE(pair.ok()) << pair.error().message;
}

}  // namespace
}  // namespace wgu::bench
