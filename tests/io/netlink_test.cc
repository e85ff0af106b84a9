// Attributes as rtnetlink(7) lays them out, written and read; requests that the kernel answers, and refuses, without privileges.
#include "io/netlink.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>

namespace wgu::io {
namespace {

// Length and type of 16 bits each, the payload, zeros up to a multiple of four.
const std::uint8_t kAttributes[] = {
    7, 0, 1, 0, 'a', 'b', 'c', 0,  // three bytes of payload
    8, 0, 2, 0, 1,   0,   0,   0,  // four
    4, 0, 3, 0,                    // none
};

TEST(Netlink, AttributesAreTakenApart) {
  std::map<int, std::size_t> sizes;
  for_each_attribute(kAttributes, [&](int type, NetlinkBytes payload) { sizes[type] = payload.size(); });
  EXPECT_EQ(sizes, (std::map<int, std::size_t>{{1, 3}, {2, 4}, {3, 0}}));
}

TEST(Netlink, NothingIsReadBeyondWhatThereIs) {
  for (std::size_t size = 0; size < sizeof kAttributes; ++size) {
    std::size_t payloads = 0;
    for_each_attribute(NetlinkBytes(kAttributes, size), [&](int, NetlinkBytes payload) { payloads += payload.size(); });
    EXPECT_EQ(payloads, size < 7 ? 0U : size < 16 ? 3U : 7U) << size;
  }
  const std::uint8_t too_short[] = {3, 0, 1, 0};
  for_each_attribute(too_short, [](int, NetlinkBytes) { FAIL() << "shorter than its own header"; });
  const std::uint8_t message[sizeof(nlmsghdr)] = {255};
  for_each_message(message, [](const nlmsghdr&, NetlinkBytes) { FAIL() << "longer than what there is"; });
  EXPECT_EQ(load<std::uint32_t>(NetlinkBytes(kAttributes, 3)), 0U);
}

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
