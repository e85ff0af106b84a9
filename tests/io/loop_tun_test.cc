// The loops on a real TUN: what a socket in its place cannot show.

#include "io/loop_fixture.h"
#include "io/own_namespace.h"
#include "io/tun.h"

namespace wgu::io {
namespace {

using namespace std::chrono_literals;

class TunLoopTest : public LoopTest {};

INSTANTIATE_TEST_SUITE_P(Backends, TunLoopTest, ::testing::ValuesIn(kBackends),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(TunLoopTest, TunIsReadRefusesWritesWhileDownAndEndsOnce) {
  test::run_in_own_namespace([&] {
    const auto here = test::Namespace::current();
    auto tun = open_tun("wgloop0", 1);
    ASSERT_TRUE(tun.ok()) << tun.error().message;
    open(256, 2048);
    const int queue = tun->queues[0].get();
    loop_->set_device(queue, queue);

    std::string ip(20, '\0');  // an IPv4 header that the kernel accepts into its receive path, and then drops
    ip[0] = 0x45;
    ip[3] = 20;
    write(packet(ip));
    loop_->wait(0s, arrivals_);
    EXPECT_EQ(arrivals_.write_failures, 1u);  // down: EIO
    arrivals_.clear();

    here.set_up("wgloop0", true);
    write(packet(ip));
    // An interface that comes up solicits routers and reports its multicast groups on its own (RFC 4861, RFC 3810).
    ASSERT_TRUE(wait_until([&] { return !arrivals_.from_device.empty(); }));
    EXPECT_EQ(arrivals_.write_failures, 0u);
    EXPECT_EQ(arrivals_.from_device[0].data()[0] >> 4, 6);
    EXPECT_EQ(arrivals_.from_device[0].headroom(), kDeviceHeadroom);

    here.set_up("wgloop0", false);
    arrivals_.clear();
    loop_->wait(20ms, arrivals_);
    EXPECT_FALSE(arrivals_.device_gone);

    here.remove("wgloop0");
    ASSERT_TRUE(wait_until([&] { return arrivals_.device_gone; }));
    arrivals_.clear();
    loop_->wait(50ms, arrivals_);
    EXPECT_FALSE(arrivals_.device_gone);
    loop_.reset();
    EXPECT_EQ(pool_->in_use(), 0u);
  });
}

}  // namespace
}  // namespace wgu::io
