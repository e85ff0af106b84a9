#include "bench/memory/device_queue.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <vector>

namespace wgu::bench {
namespace {

TEST(DeviceQueue, KeepsPacketsApartBothWays) {
  const auto queue = make_device_queue();
  ASSERT_TRUE(queue) << queue.error().message;
  std::array<char, 100> bytes{};
  ASSERT_EQ(::send(queue->far.get(), "one", 3, 0), 3);
  ASSERT_EQ(::send(queue->far.get(), "three", 5, 0), 5);
  EXPECT_EQ(::recv(queue->near.get(), bytes.data(), bytes.size(), 0), 3);
  EXPECT_EQ(::recv(queue->near.get(), bytes.data(), bytes.size(), 0), 5);
  ASSERT_EQ(::send(queue->near.get(), "back", 4, 0), 4);
  EXPECT_EQ(::recv(queue->far.get(), bytes.data(), bytes.size(), 0), 4);
}

TEST(DeviceQueue, RefusesWhatFindsNoRoom) {
  const auto queue = make_device_queue();
  ASSERT_TRUE(queue) << queue.error().message;
  const std::vector<char> packet(1500);
  int sent = 0;
  while (sent < 100'000 && ::send(queue->near.get(), packet.data(), packet.size(), MSG_DONTWAIT) == 1500) ++sent;
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_GE(sent, 64) << "less than a window";
}

}  // namespace
}  // namespace wgu::bench
