#include "bench/memory/relay_pair.h"

#include <gtest/gtest.h>

#include "bench/memory/carried.h"

namespace wgu::bench {
namespace {

TEST(RelayPair, CarriesEveryPacketInOrder) {
  for (const unsigned workers : {1U, 2U}) {
    const RoundOptions options{.sizes = {48, 1420, 1420, 576, 9000}, .flows = 3, .workers = workers, .window = 64};
    auto pair = RelayPair::start(options);
    ASSERT_TRUE(pair.ok()) << pair.error().message;
    EXPECT_EQ(pair->sender_threads().size(), workers);
    EXPECT_EQ(pair->receiver_threads().size(), workers);
    expect_every_packet_in_order(*pair, options);
  }
}

TEST(RelayPair, EndsWithoutHavingCarriedAnything) {
  auto pair = RelayPair::start({.sizes = {64}});
  ASSERT_TRUE(pair.ok()) << pair.error().message;
}

}  // namespace
}  // namespace wgu::bench
