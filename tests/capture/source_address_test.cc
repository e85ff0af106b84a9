#include "capture/source_address.h"

#include <gtest/gtest.h>

#include "io/own_namespace.h"

namespace wgu::capture {
namespace {

IpAddress source_to(const char* endpoint) { return source_address_to(Endpoint::parse(endpoint).value()); }

TEST(SourceAddress, IsTheRoutesOwn) {
  io::test::run_in_own_namespace([] {
    EXPECT_EQ(source_to("198.51.100.1:51820"), IpAddress{}) << "no way there";
    EXPECT_EQ(source_to("[2001:db8:1::1]:51820"), IpAddress{});
    ASSERT_EQ(
        std::system("ip link set lo up && ip link add veth0 type veth peer name veth1 && ip link set veth0 up && ip link set veth1 up &&"
                    " ip addr add 192.0.2.1/24 dev veth0 && ip addr add 2001:db8::1/64 dev veth0 nodad &&"
                    " ip route add 198.51.100.0/24 via 192.0.2.9 && ip -6 route add 2001:db8:1::/48 via 2001:db8::9"),
        0);
    EXPECT_EQ(source_to("198.51.100.1:51820"), IpAddress::v4(192, 0, 2, 1));
    EXPECT_EQ(source_to("[2001:db8:1::1]:51820"), IpAddress::parse("2001:db8::1").value());
    EXPECT_EQ(source_to("127.0.0.5:51820"), IpAddress::v4(127, 0, 0, 1));
  });
}

TEST(SourceAddress, OfNoEndpointIsNone) { EXPECT_EQ(source_address_to({}), IpAddress{}); }

}  // namespace
}  // namespace wgu::capture
