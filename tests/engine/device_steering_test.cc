// What is said and done where the kernel refuses; a program at work is tun_steering_test's.
#include "engine/device_steering.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>

#include <cstdlib>
#include <string_view>
#include <vector>

#include "io/own_namespace.h"
#include "io/tun.h"

namespace wgu::engine {
namespace {

using HomeChange = tunnel::Configuration::HomeChange;

// Sends a datagram there and says which queue of two it came out of; -1: of none.
int queue_of(const io::Tun& tun, const char* address) {
  constexpr std::string_view kText = "steer me";
  const io::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  EXPECT_EQ(::inet_pton(AF_INET, address, &to.sin_addr), 1);
  EXPECT_EQ(::sendto(socket.get(), kText.data(), kText.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
            static_cast<ssize_t>(kText.size()));
  pollfd queues[] = {{tun.queues[0].get(), POLLIN, 0}, {tun.queues[1].get(), POLLIN, 0}};
  while (::poll(queues, 2, 1000) > 0) {  // router solicitations and the like come out as well
    for (int i = 0; i < 2; ++i) {
      if (queues[i].revents == 0) continue;
      char packet[2048];
      const ssize_t size = ::read(queues[i].fd, packet, sizeof packet);
      if (size > 0 && std::string_view(packet, static_cast<std::size_t>(size)).ends_with(kText)) return i;
    }
  }
  return -1;
}

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

    // What is full still follows moves, and room that comes is used.
    ASSERT_EQ(std::system("ip link set steer1 up && ip route add default dev steer1"), 0);
    EXPECT_EQ(queue_of(tun, "10.0.0.5"), 1);
    EXPECT_EQ(queue_of(tun, "10.1.17.111"), 0) << "the last of 70,000";
    steering.apply({{homes[5].prefix, std::uint16_t{0}}, {homes[6].prefix, std::uint16_t{1}}, {homes.back().prefix, std::uint16_t{1}}},
                   log);
    EXPECT_EQ(queue_of(tun, "10.0.0.5"), 0);
    EXPECT_EQ(queue_of(tun, "10.0.0.6"), 1);
    EXPECT_EQ(queue_of(tun, "10.1.17.111"), 0) << "still no room";
    steering.apply({{homes[6].prefix, std::nullopt}, {homes.back().prefix, std::uint16_t{1}}}, log);
    EXPECT_EQ(queue_of(tun, "10.0.0.6"), 0);
    EXPECT_EQ(queue_of(tun, "10.1.17.111"), 1);

    for (HomeChange& change : homes) change.home.reset();
    steering.apply(homes, log);
    steering.detach();
    EXPECT_FALSE(steering.is_attached());
    EXPECT_EQ(lines.size(), 1U);
  });
}

}  // namespace
}  // namespace wgu::engine
