#include "wgu-tunnel/listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>

#include "control/scratch_directory.h"

namespace wgu {
namespace {

sockaddr_in6 bound_to(const Listener& listener) {
  sockaddr_in6 address{};
  socklen_t size = sizeof address;
  EXPECT_EQ(::getsockname(listener.socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return address;
}

TEST(Listener, APortAloneIsOfTheLoopback) {
  auto listener = open_listener("0");
  ASSERT_TRUE(listener.ok()) << listener.error().message;
  const sockaddr_in6 address = bound_to(*listener);
  ASSERT_EQ(address.sin6_family, AF_INET);
  EXPECT_EQ(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}

TEST(Listener, TakesAddressesOfBothFamiliesAtOnePort) {
  auto v4 = open_listener("127.0.0.1:0");
  ASSERT_TRUE(v4.ok()) << v4.error().message;
  const sockaddr_in6 address = bound_to(*v4);
  const std::string port = std::to_string(ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port));
  const auto v6 = open_listener("[::1]:" + port);
  if (!v6 && v6.error().code == EADDRNOTAVAIL) GTEST_SKIP() << "no IPv6 here";
  ASSERT_TRUE(v6.ok()) << v6.error().message;
  EXPECT_EQ(bound_to(*v6).sin6_family, AF_INET6);
}

TEST(Listener, SaysWhyItCannot) {
  const auto first = open_listener("0");
  ASSERT_TRUE(first.ok());
  const sockaddr_in6 address = bound_to(*first);
  const std::string taken = std::to_string(ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port));
  const struct {
    std::string address;
    int code;
  } rows[] = {{taken, EADDRINUSE},        {"198.51.100.7:9586", EADDRNOTAVAIL},
              {"localhost:9586", EINVAL}, {"", EINVAL},
              {":9586", EINVAL},          {"65536", EINVAL},
              {"127.0.0.1", EINVAL},      {"unix:status", EINVAL},
              {"unix:/tmp/", EINVAL}};
  for (const auto& row : rows) {
    const auto listener = open_listener(row.address);
    ASSERT_FALSE(listener.ok()) << row.address;
    EXPECT_EQ(listener.error().code, row.code) << listener.error().message;
    EXPECT_TRUE(listener.error().message.starts_with("--metrics " + row.address + ": ")) << listener.error().message;
  }
}

TEST(Listener, AUnixSocketIsItsUsersAlone) {
  const control::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/metrics";
  {
    const auto listener = open_listener("unix:" + path);
    ASSERT_TRUE(listener.ok()) << listener.error().message;
    struct stat status {};
    ASSERT_EQ(::lstat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode, S_IFSOCK | 0600U);
    EXPECT_EQ(open_listener("unix:" + path).error().code, EADDRINUSE);
  }
  struct stat status {};
  EXPECT_NE(::lstat(path.c_str(), &status), 0) << "removed at the end";
  std::ofstream(path) << "somebody's file";
  EXPECT_EQ(open_listener("unix:" + path).error().code, EEXIST);
}

}  // namespace
}  // namespace wgu
