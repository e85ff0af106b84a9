#include "wgu/host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <set>
#include <vector>

namespace wgu {
namespace {

TEST(SystemHost, RandomFillsTheWholeSpanAnew) {
  const Host host = Host::system();
  host.random({});
  std::set<std::vector<std::uint8_t>> seen;
  for (int i = 0; i < 100; ++i) {
    std::vector<std::uint8_t> bytes(4096, 0);
    host.random(bytes);
    // 32 zero bytes in a row anywhere would mean that a part was left out.
    const std::vector<std::uint8_t> zeros(32, 0);
    EXPECT_EQ(std::search(bytes.begin(), bytes.end(), zeros.begin(), zeros.end()), bytes.end());
    EXPECT_TRUE(seen.insert(std::move(bytes)).second);
  }
}

TEST(SystemHost, WallTimeIsUnixTime) {
  const Host host = Host::system();
  const std::time_t before = std::time(nullptr);
  const WallTime now = host.wall_time();
  const std::time_t after = std::time(nullptr);
  EXPECT_GE(now.seconds + 1, before);  // time(2) may lag by a tick
  EXPECT_LE(now.seconds, after + 1);
  EXPECT_LT(now.nanoseconds, 1'000'000'000U);
  EXPECT_LE(now, host.wall_time());
}

}  // namespace
}  // namespace wgu
