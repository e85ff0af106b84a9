// What is said and done where the kernel refuses; a program at work is tun_steering_test's.
#include "engine/device_steering.h"

#include <gtest/gtest.h>

#include <vector>

#include "io/own_namespace.h"
#include "io/tun.h"

namespace wgu::engine {
namespace {

using HomeChange = tunnel::Configuration::HomeChange;

TEST(DeviceSteering, ThatIsRefusedIsLoggedAndThenNothing) {
  std::vector<std::string> lines;
  const auto log = [&lines](const std::string& line) { lines.push_back(line); };
  DeviceSteering steering;
  steering.attach(-1, log);
  EXPECT_FALSE(steering.is_attached());
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("not steered"), std::string::npos);
  steering.apply({{Prefix::parse("10.0.0.0/8").value(), std::uint16_t{1}}}, log);
  steering.detach();
  EXPECT_EQ(lines.size(), 1U);
}

TEST(DeviceSteering, MorePrefixesThanItTakesAreSaidOnce) {
  io::test::run_in_own_namespace([] {
    io::Tun tun = io::open_tun("steer1", 2).value();
    std::vector<std::string> lines;
    const auto log = [&lines](const std::string& line) { lines.push_back(line); };
    DeviceSteering steering;
    steering.attach(tun.queues[0].get(), log);
    if (!steering.is_attached()) GTEST_SKIP() << lines.at(0);
    std::vector<HomeChange> homes;
    for (std::uint32_t i = 0; i < 70'000; ++i) {
      homes.push_back(
          {Prefix::masked(
               IpAddress::v4(10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)), 32),
           std::uint16_t{1}});
    }
    steering.apply(homes, log);
    EXPECT_TRUE(steering.is_attached());
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(lines[0].find("not all allowed IPs"), std::string::npos);
    for (HomeChange& change : homes) change.home.reset();
    steering.apply(homes, log);
    steering.detach();
    EXPECT_FALSE(steering.is_attached());
    EXPECT_EQ(lines.size(), 1U);
  });
}

}  // namespace
}  // namespace wgu::engine
