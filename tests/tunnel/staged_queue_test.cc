#include "tunnel/staged_queue.h"

#include <gtest/gtest.h>

namespace wgu::tunnel {
namespace {

TEST(StagedQueue, FirstInFirstOut) {
  PacketPool pool(8, 64);
  StagedQueue queue;
  EXPECT_FALSE(queue.pop());
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 1; i <= 5; ++i) {
      Packet packet = pool.take(0);
      packet.resize(i);
      queue.push(std::move(packet));
      EXPECT_EQ(queue.size(), i);
    }
    for (std::size_t i = 1; i <= 5; ++i) EXPECT_EQ(queue.pop().size(), i);
    EXPECT_FALSE(queue.pop());
    EXPECT_EQ(queue.size(), 0u);
    EXPECT_EQ(pool.in_use(), 0u);
  }
}

TEST(StagedQueue, GivesItsPacketsBackWhenItGoes) {
  PacketPool pool(4, 64);
  {
    StagedQueue queue;
    queue.push(pool.take(0));
    queue.push(pool.take(0));
    EXPECT_EQ(pool.in_use(), 2u);
  }
  EXPECT_EQ(pool.in_use(), 0u);
}

}  // namespace
}  // namespace wgu::tunnel
