// The header byte by byte, and its constants written out again from the specification (virtio 1.1, section 5.1.6): the kernel's own
// <linux/virtio_net.h> is no C++. That the kernel agrees is seen in offload_tun_test.cc.
#include "io/virtio_net.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>

namespace wgu::io {
namespace {

TEST(VirtioNetHeader, ConstantsAreThoseOfTheSpecification) {
  EXPECT_EQ(kVirtioNeedsChecksum, 1);  // VIRTIO_NET_HDR_F_NEEDS_CSUM
  EXPECT_EQ(kVirtioGsoNone, 0);        // VIRTIO_NET_HDR_GSO_NONE
  EXPECT_EQ(kVirtioGsoTcpV4, 1);       // VIRTIO_NET_HDR_GSO_TCPV4
  EXPECT_EQ(kVirtioGsoTcpV6, 4);       // VIRTIO_NET_HDR_GSO_TCPV6
  EXPECT_EQ(kVirtioGsoUdpL4, 5);       // VIRTIO_NET_HDR_GSO_UDP_L4
  EXPECT_EQ(kVirtioGsoEcn, 0x80);      // VIRTIO_NET_HDR_GSO_ECN
}

TEST(VirtioNetHeader, LiesAtAnyAddressInTheHostsOrder) {
  const VirtioNetHeader header{1, 0x84, 0x0102, 0x0304, 0x0506, 0x0708};
  std::array<std::uint8_t, 1 + kVirtioNetHeaderSize> bytes{};
  store_virtio_net_header(header, bytes.data() + 1);
  EXPECT_EQ(load_virtio_net_header(bytes.data() + 1), header);
  const std::array<std::uint8_t, 1 + kVirtioNetHeaderSize> little = {0, 1, 0x84, 2, 1, 4, 3, 6, 5, 8, 7};
  const std::array<std::uint8_t, 1 + kVirtioNetHeaderSize> big = {0, 1, 0x84, 1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(bytes, std::endian::native == std::endian::little ? little : big);
}

}  // namespace
}  // namespace wgu::io
