// Questions about links and their events; what the watcher makes of them stands in link_watcher_test.cc.

#include "io/rtnetlink.h"

#include <gtest/gtest.h>
#include <linux/if_tun.h>

#include <vector>

#include "io/own_namespace.h"
#include "io/tun.h"

namespace wgu::io {
namespace {

using test::Namespace;
using test::run_in_own_namespace;

TEST(Rtnetlink, TellsALinkByName) {
  auto requests = LinkRequests::open();
  ASSERT_TRUE(requests) << requests.error().message;
  const auto loopback = requests->link("lo");
  ASSERT_TRUE(loopback) << loopback.error().message;
  EXPECT_EQ(loopback->name, "lo");
  EXPECT_EQ(loopback->index, 1U);
  EXPECT_NE(loopback->mtu, 0U);
  EXPECT_FALSE(loopback->is_removal);
  EXPECT_EQ(loopback->namespace_id, kOwnNamespace);
  EXPECT_EQ(loopback->kind, "");
}

TEST(Rtnetlink, SaysWhyThereIsNoAnswer) {
  auto requests = LinkRequests::open();
  ASSERT_TRUE(requests);
  const auto missing = requests->link("wgtest-none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ENODEV);
  const auto too_long = requests->link(std::string(5000, 'x'));
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code, EINVAL);
  const auto nowhere = requests->link("lo", 12345);  // no namespace has this id
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, EINVAL);
  EXPECT_TRUE(requests->link("lo")) << "a refusal leaves nothing behind in the socket";
}

TEST(Rtnetlink, TellsHowATunIsHeld) {
  run_in_own_namespace([] {
    auto requests = LinkRequests::open();
    ASSERT_TRUE(requests);
    const auto tun = open_tun("wgtest0", 3);
    ASSERT_TRUE(tun);
    const auto several = requests->link("wgtest0");
    ASSERT_TRUE(several) << several.error().message;
    EXPECT_EQ(several->kind, "tun");
    EXPECT_TRUE(several->is_multi_queue);
    EXPECT_EQ(several->attached_queues, 3U);
    EXPECT_FALSE(several->is_persistent);
    EXPECT_FALSE(several->has_packet_information);
    ASSERT_EQ(::ioctl(tun->queues[0].get(), TUNSETPERSIST, 1), 0);
    EXPECT_TRUE(requests->link("wgtest0")->is_persistent);
    ASSERT_EQ(::ioctl(tun->queues[0].get(), TUNSETPERSIST, 0), 0);
    const auto single = open_tun("wgtest1", 1);
    ASSERT_TRUE(single);
    EXPECT_FALSE(requests->link("wgtest1")->is_multi_queue);
  });
}

TEST(Rtnetlink, FindsTheNamespaceOfATun) {
  run_in_own_namespace([] {
    const auto home = Namespace::current(), there = Namespace::make();
    auto requests = LinkRequests::open();
    ASSERT_TRUE(requests);
    ASSERT_EQ(::setns(there.fd.get(), CLONE_NEWNET), 0);  // made there, so that no move gave the namespace an id here
    const auto tun = open_tun("wgtest0", 1);
    ASSERT_TRUE(tun);
    there.set_mtu("wgtest0", 1300);
    ASSERT_EQ(::setns(home.fd.get(), CLONE_NEWNET), 0);
    const auto id = requests->namespace_of_tun(tun->queues[0].get());
    ASSERT_TRUE(id.has_value());
    EXPECT_NE(*id, kOwnNamespace);
    EXPECT_FALSE(requests->is_own_namespace(*id));
    EXPECT_EQ(requests->namespace_of_tun(tun->queues[0].get()), id) << "the same for ever";
    const auto link = requests->link("wgtest0", *id);
    ASSERT_TRUE(link) << link.error().message;
    EXPECT_EQ(link->mtu, 1300U);
    EXPECT_EQ(requests->link("wgtest0").error().code, ENODEV);

    there.move("wgtest0", home);
    EXPECT_EQ(requests->namespace_of_tun(tun->queues[0].get()), kOwnNamespace);
    home.name_namespace(home, 7);
    EXPECT_EQ(requests->namespace_of_tun(tun->queues[0].get()), kOwnNamespace);
    EXPECT_TRUE(requests->is_own_namespace(7));
    EXPECT_TRUE(requests->is_own_namespace(kOwnNamespace));
    test::keep_capabilities(0);
    EXPECT_FALSE(requests->namespace_of_tun(tun->queues[0].get()).has_value());
  });
}

TEST(Rtnetlink, TellsEventsAndTheirLoss) {
  run_in_own_namespace([] {
    const auto home = Namespace::current();
    auto events = LinkEvents::open();
    ASSERT_TRUE(events) << events.error().message;
    EXPECT_TRUE(events->hears_other_namespaces());
    std::vector<LinkMessage> heard;
    const auto read = [&] { return events->read([&](const LinkMessage& link) { heard.push_back(link); }); };
    EXPECT_EQ(read(), LinkEvents::Reading::kNothing);
    const auto tun = open_tun("wgtest0", 1);
    ASSERT_TRUE(tun);
    home.set_mtu("wgtest0", 1420);
    while (read() == LinkEvents::Reading::kMessages) {
    }
    ASSERT_GE(heard.size(), 2U);
    EXPECT_EQ(heard.front().name, "wgtest0");
    EXPECT_EQ(heard.front().mtu, 1500U);
    EXPECT_EQ(heard.back().mtu, 1420U);

    const int smallest = 1;
    ASSERT_EQ(::setsockopt(events->fd(), SOL_SOCKET, SO_RCVBUF, &smallest, sizeof smallest), 0);
    for (int mtu = 1000; mtu < 1100; ++mtu) home.set_mtu("wgtest0", mtu);
    unsigned losses = 0;
    for (auto reading = read(); reading != LinkEvents::Reading::kNothing; reading = read()) {
      if (reading == LinkEvents::Reading::kLost) ++losses;
    }
    EXPECT_EQ(losses, 1U);
    EXPECT_LT(heard.back().mtu, 1099U) << "the last event was lost, or this test shows nothing";
    heard.clear();
    home.remove("wgtest0");
    while (read() != LinkEvents::Reading::kNothing) {
    }
    ASSERT_FALSE(heard.empty());
    EXPECT_TRUE(heard.back().is_removal);
    EXPECT_FALSE(heard.back().moved_to_index.has_value());
  });
}

}  // namespace
}  // namespace wgu::io
