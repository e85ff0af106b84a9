#pragma once
// What a pair of the memory bench has to do with packets, whichever pair it is.

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "bench/memory/closed_loop.h"

namespace wgu::bench {

// Some thousands of packets through `pair`, which was started with `options`: all arrive, whole and in order.
template <class Pair>
void expect_every_packet_in_order(Pair& pair, const RoundOptions& options) {
  const std::vector<int> any_cpu;
  ClosedLoop loop(options, pair.entrance(), pair.exit(), any_cpu);
  for (int i = 0; i < 4000 && loop.packets() < 5000; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  loop.stop();
  EXPECT_GE(loop.arrived().packets, 5000U);
  EXPECT_EQ(loop.sent(), loop.arrived().packets);
  EXPECT_EQ(loop.arrived().reordered + loop.arrived().duplicates + loop.arrived().corrupted, 0U);
}

}  // namespace wgu::bench
