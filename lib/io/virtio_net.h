#pragma once
// The header that a TUN with IFF_VNET_HDR puts before each packet it is read from, and wants before each that is written to it:
// struct virtio_net_hdr of <linux/virtio_net.h> (Virtual I/O Device 1.1, section 5.1.6), 10 bytes, in the host's byte order as
// long as nobody asks for another (TUNSETVNETLE, TUNSETVNETBE).

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wgu::io {

struct VirtioNetHeader {
  std::uint8_t flags = 0;
  std::uint8_t gso_type = 0;
  std::uint16_t header_size = 0;      // hdr_len: headers that each segment repeats. Only a hint, and wrong on forwarded packets
  std::uint16_t gso_size = 0;         // payload bytes of each segment but the last
  std::uint16_t checksum_start = 0;   // the checksum covers all from here to the end,
  std::uint16_t checksum_offset = 0;  // and its field lies this far behind the start

  friend bool operator==(const VirtioNetHeader&, const VirtioNetHeader&) = default;
};
inline constexpr std::size_t kVirtioNetHeaderSize = 10;
static_assert(sizeof(VirtioNetHeader) == kVirtioNetHeaderSize);

// VirtioNetHeader::flags
inline constexpr std::uint8_t kVirtioNeedsChecksum = 1;  // the field holds the folded sum of the pseudo header; the rest is to be added

// VirtioNetHeader::gso_type
inline constexpr std::uint8_t kVirtioGsoNone = 0;
inline constexpr std::uint8_t kVirtioGsoTcpV4 = 1;
inline constexpr std::uint8_t kVirtioGsoTcpV6 = 4;
inline constexpr std::uint8_t kVirtioGsoUdpL4 = 5;     // UDP datagrams, IPv4 or IPv6 (Linux 6.2)
inline constexpr std::uint8_t kVirtioGsoEcn = 0x80;    // with a TCP type: the first segment, and it alone, carries CWR

// \pre at least kVirtioNetHeaderSize bytes at `bytes`
inline VirtioNetHeader load_virtio_net_header(const std::uint8_t* bytes) noexcept {
  VirtioNetHeader header;
  std::memcpy(&header, bytes, sizeof header);
  return header;
}
inline void store_virtio_net_header(const VirtioNetHeader& header, std::uint8_t* bytes) noexcept {
  std::memcpy(bytes, &header, sizeof header);
}

}  // namespace wgu::io
