#include "bench/lab/link.h"

#include <gtest/gtest.h>

#include "bench/offloads.h"
#include "bench/traffic/sockets.h"
#include "tests_in_sandbox.h"

namespace wgu::bench {
namespace {

constexpr const char* kDev =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
    "    lo:    1000      10    0    0    0     0          0         0     1000      10    0    0    0     0       0          0\n"
    "  wire:  123456     789    1   22    0     0          0         0   654321     987    2  333    0     0       0          0\n";

TEST(Link, DropsAreOfBothDirections) {
  EXPECT_EQ(parse_dropped_frames(kDev, "wire"), 355U);
  EXPECT_EQ(parse_dropped_frames(kDev, "lo"), 0U);
  EXPECT_FALSE(parse_dropped_frames(kDev, "wir"));
  EXPECT_FALSE(parse_dropped_frames(kDev, "face |bytes"));
  EXPECT_FALSE(parse_dropped_frames("wire: 1 2 3\n", "wire"));
}

TEST(Link, WireHasWhatItWasGiven) {
  in_sandbox([] {
    auto a = NetworkNamespace::create().value();
    auto b = NetworkNamespace::create().value();
    {
      const Visit visit(a);
      create_veth("wire", 1420, b).value();
      EXPECT_FALSE(create_veth("wire", 1420, b).ok()) << "the name is taken";
      add_address("wire", IpAddress::v4(192, 0, 2, 1), 24).value();
      EXPECT_EQ(add_address("wire", IpAddress::v4(192, 0, 2, 1), 24).error().code, EEXIST);
      EXPECT_EQ(add_address("nowhere", IpAddress::v4(192, 0, 2, 1), 24).error().code, ENODEV);
      bring_up("wire").value();
      EXPECT_TRUE(has_offload("wire", "tx-udp-segmentation").value());
      set_offload("wire", "tx-udp-segmentation", false).value();
      EXPECT_FALSE(has_offload("wire", "tx-udp-segmentation").value());
      EXPECT_EQ(set_offload("wire", "no-such-offload", true).error().code, ENOENT);
      EXPECT_EQ(dropped_frames("wire").value(), 0U);
      EXPECT_FALSE(dropped_frames("nowhere").ok());
      add_route(Prefix::parse("198.18.0.0/15").value(), IpAddress::v4(192, 0, 2, 2)).value();
      EXPECT_FALSE(add_route(Prefix::parse("198.20.0.0/15").value(), IpAddress::v4(203, 0, 113, 1)).ok()) << "no way to that gateway";
      own_prefix(Prefix::parse("203.0.113.0/24").value()).value();
    }
    EXPECT_FALSE(dropped_frames("wire").ok()) << "the wire is not here";
    const Visit visit(b);
    EXPECT_TRUE(has_offload("wire", "tx-udp-segmentation").value()) << "the other end is its own";
    bring_up("wire").value();
    EXPECT_EQ(bring_up("a-name-that-is-too-long-for-a-link").error().code, EINVAL);
  });
}

TEST(Link, IPv6AddressIsUsableAtOnce) {
  in_sandbox([] {
    auto a = NetworkNamespace::create().value();
    auto b = NetworkNamespace::create().value();
    const auto near = IpAddress::parse("2001:db8::1").value();
    {
      const Visit visit(a);
      create_veth("wire", 1500, b).value();
      add_address("wire", near, 64).value();
      bring_up("wire").value();
    }
    {
      const Visit visit(b);
      add_address("wire", IpAddress::parse("2001:db8::2").value(), 64).value();
      bring_up("wire").value();
      add_route(Prefix::parse("2001:2::/48").value(), near).value();
    }
    const Visit visit(a);
    own_prefix(Prefix::parse("2001:2::/48").value()).value();
    const auto socket = open_udp_sink({near, 0});
    EXPECT_TRUE(socket) << socket.error().message << ": it still waits for somebody to object";
  });
}

}  // namespace
}  // namespace wgu::bench
