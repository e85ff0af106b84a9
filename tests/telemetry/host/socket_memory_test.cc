#include "telemetry/host/socket_memory.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace wgu::telemetry {
namespace {

class UdpPair : public testing::Test {
 protected:
  void SetUp() override {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(receiver_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(receiver_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    ASSERT_EQ(::connect(sender_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void TearDown() override {
    ::close(receiver_);
    ::close(sender_);
  }
  void send(int datagrams) const {
    const std::array<char, 1000> payload{};
    for (int i = 0; i < datagrams; ++i) ASSERT_EQ(::send(sender_, payload.data(), payload.size(), 0), 1000);
  }
  [[nodiscard]] int drain() const {
    std::array<char, 2000> buffer;
    int read = 0;
    while (::recv(receiver_, buffer.data(), buffer.size(), MSG_DONTWAIT) > 0) ++read;
    return read;
  }

  int receiver_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int sender_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

TEST_F(UdpPair, FillsUpThenDropsAndCountsExactly) {
  const int wanted = 8192;
  ASSERT_EQ(::setsockopt(receiver_, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted), 0);
  const SocketMemory empty = read_socket_memory(receiver_).value();
  EXPECT_EQ(empty.receive_queued, 0U);
  EXPECT_EQ(empty.receive_limit, 2U * wanted);
  EXPECT_EQ(empty.receive_fill(), 0);
  EXPECT_EQ(empty.drops, 0U);

  send(1);
  const SocketMemory one = read_socket_memory(receiver_).value();
  EXPECT_GE(one.receive_queued, 1000U);
  EXPECT_GT(one.receive_fill(), 0.05);
  EXPECT_EQ(one.drops, 0U);

  send(199);
  const SocketMemory full = read_socket_memory(receiver_).value();
  EXPECT_GT(full.receive_fill(), 0.5);
  const int kept = drain();
  EXPECT_GT(kept, 0);
  EXPECT_EQ(full.drops, 200U - static_cast<unsigned>(kept));
  EXPECT_EQ(read_socket_memory(receiver_).value().receive_queued, 0U);
}

TEST_F(UdpPair, HasASendBufferToo) { EXPECT_GT(read_socket_memory(sender_).value().send_limit, 0U); }

TEST(SocketMemory, OfNoSocketIsNone) {
  EXPECT_FALSE(read_socket_memory(-1));
  EXPECT_FALSE(read_socket_memory(STDIN_FILENO));
}

}  // namespace
}  // namespace wgu::telemetry
