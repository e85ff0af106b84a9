#include "bench/lab/network_namespace.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <filesystem>

#include "bench/traffic/sockets.h"
#include "tests_in_sandbox.h"

namespace wgu::bench {
namespace {

unsigned long inode_here() { return NetworkNamespace::current().value().inode(); }

TEST(NetworkNamespace, VisitsComeBack) {
  in_sandbox([] {
    const unsigned long here = inode_here();
    auto there = NetworkNamespace::create().value();
    EXPECT_EQ(inode_here(), here) << "making one is not entering it";
    {
      const Visit visit(there);
      EXPECT_EQ(inode_here(), there.inode());
      auto further = NetworkNamespace::create().value();
      const Visit second(further);
      EXPECT_EQ(inode_here(), further.inode());
    }
    EXPECT_EQ(inode_here(), here);
  });
}

TEST(NetworkNamespace, SocketsStayWhereTheyWereMade) {
  in_sandbox([] {
    auto there = NetworkNamespace::create().value();
    const Endpoint anywhere{IpAddress::v4(127, 0, 0, 1), 0};
    const auto sink = [&] {
      const Visit visit(there);
      return open_udp_sink(anywhere).value();
    }();
    const Endpoint place = local_endpoint(sink.get()).value();
    // The same address and port are free here, and a datagram to them does not get there.
    const auto same = open_udp_sink(place);
    ASSERT_TRUE(same) << same.error().message;
    const auto sender = open_udp_sender(place).value();
    ASSERT_EQ(::send(sender.get(), "x", 1, 0), 1);
    pollfd wait{same->get(), POLLIN, 0};
    ASSERT_EQ(::poll(&wait, 1, 5000), 1);
    char byte = 0;
    EXPECT_EQ(::recv(sink.get(), &byte, 1, MSG_DONTWAIT), -1);
    EXPECT_EQ(::recv(same->get(), &byte, 1, MSG_DONTWAIT), 1);
  });
}

TEST(NetworkNamespace, HasNoName) {
  in_sandbox([] {
    auto there = NetworkNamespace::create().value();
    EXPECT_FALSE(std::filesystem::exists("/run/netns"));
  });
}

}  // namespace
}  // namespace wgu::bench
