// Requests that the kernel answers, and refuses, without privileges.
#include "io/netlink.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

namespace wgu::io {
namespace {

TEST(NetlinkRequest, KernelAnswersWhatItIsAsked) {
  const auto socket = open_netlink_socket();
  ASSERT_TRUE(socket);
  NetlinkRequest request(RTM_GETLINK, 0, ifinfomsg{});
  request.add(IFLA_IFNAME, std::string("lo"));
  std::string name;
  int answers = 0;
  const auto exchanged = request.exchange(socket->get(), 7, [&](const nlmsghdr& header, NetlinkBytes payload) {
    ++answers;
    EXPECT_EQ(header.nlmsg_type, RTM_NEWLINK);
    EXPECT_EQ(header.nlmsg_seq, 7U);
    for_each_attribute(payload.subspan(sizeof(ifinfomsg)), [&](int type, NetlinkBytes value) {
      if (type == IFLA_IFNAME) name = reinterpret_cast<const char*>(value.data());
    });
  });
  ASSERT_TRUE(exchanged) << exchanged.error().message;
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(name, "lo");
}

TEST(NetlinkRequest, RefusalIsAnErrorWithItsNumber) {
  const auto socket = open_netlink_socket();
  ASSERT_TRUE(socket);
  NetlinkRequest request(RTM_GETLINK, 0, ifinfomsg{});
  request.add(IFLA_IFNAME, std::string("no-such-link"));
  const auto refused = request.exchange(socket->get(), 1, [](const nlmsghdr&, NetlinkBytes) { FAIL() << "there is no such link"; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENODEV);
}

TEST(NetlinkRequest, NestedAttributeIsAsLongAsWhatItHolds) {
  const auto socket = open_netlink_socket();
  ASSERT_TRUE(socket);
  // Root learns that there is no such kind, which takes finding it in there; others, that it is not for them.
  NetlinkRequest request(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  request.add(IFLA_IFNAME, std::string("never"));
  const std::size_t info = request.begin(IFLA_LINKINFO);
  request.add(IFLA_INFO_KIND, std::string("no-such-kind"));
  request.end(info);
  const auto refused = request.exchange(socket->get(), 2, [](const nlmsghdr&, NetlinkBytes) {});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().code == EOPNOTSUPP || refused.error().code == EPERM) << refused.error().message;
}

}  // namespace
}  // namespace wgu::io
