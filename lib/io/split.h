#pragma once
// What one read of a TUN with virtio_net_hdr holds, as the IP packets that go into the tunnel: a super-packet of TCP or UDP
// becomes its segments, a packet with an unfinished checksum gets it, anything else stays as it is. Pure functions of bytes.
//
//   SuperPacket super;
//   if (SplitError error = super.parse(header, packet); error != SplitError::kNone) -> counted drop
//   super.write(first, count, arena + headroom, stride);     segment first + k at arena + headroom + k * stride

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/checksum.h"
#include "io/virtio_net.h"

namespace wgu::io {

enum class SplitError : std::uint8_t {
  kNone,
  kUnknownGsoType,      // none of those switched on: UFO, or ECN without TCP
  kNotIp,               // neither version 4 nor 6, or the other one than the type says
  kBadIpHeader,         // cut short, or longer than the packet
  kBadLength,           // the IP header's length is not that of the packet; so is a "big TCP" packet's, which is zero
  kFragment,            // a fragment cannot be a super-packet
  kBadProtocol,         // not the protocol that the type says
  kBadTransportHeader,  // cut short, or longer than the packet
  kBadChecksumPlace,    // start or offset not the transport header's, or outside of the packet
  kNoChecksumRequest,   // a super-packet whose checksum is said to be finished: it cannot be (virtio 1.1 5.1.6.4)
  kNoSegmentSize,       // gso_size 0
  kTooManySegments,
};
inline constexpr std::size_t kSplitErrorCount = static_cast<std::size_t>(SplitError::kTooManySegments) + 1;
[[nodiscard]] const char* split_error_name(SplitError error) noexcept;

// Whatever an honest kernel makes stays below: 65,535 bytes in segments of 36, the least that TCP sends (TCP_MIN_SND_MSS 48 less
// 12 of timestamps), are 1,821; UDP stops at 128 (UDP_MAX_SEGMENTS).
inline constexpr std::size_t kMaxSplitSegments = 2048;

class SuperPacket {
 public:
  // Checks everything that write() relies on. The bytes must outlive this object's use; `packet` begins at the IP header.
  [[nodiscard]] SplitError parse(const VirtioNetHeader& header, std::span<const std::uint8_t> packet,
                                 std::size_t max_segments = kMaxSplitSegments) noexcept;

  // 1 when it is an ordinary packet. 0 before parse(), and after it failed.
  [[nodiscard]] std::size_t segments() const noexcept { return segments_; }
  // Bytes of IP packet `i`: all alike but the last, which may be shorter.
  [[nodiscard]] std::size_t segment_size(std::size_t i) const noexcept {
    return i + 1 < segments_ ? headers_ + segment_payload_ : headers_ + last_payload_;
  }
  [[nodiscard]] std::size_t largest_segment() const noexcept { return segment_size(0); }
  // The packet as read; its IP header names source and destination of all segments.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return packet_; }
  // Nothing to change: an ordinary packet with its checksum, which may be used where it is.
  [[nodiscard]] bool is_finished() const noexcept { return kind_ == Kind::kFinished; }

  // Copies segment `i`, finished, to `out`, which has room for segment_size(i) and does not overlap. Returns that size.
  std::size_t write(std::size_t i, std::uint8_t* out) const noexcept;
  // Segments first to first + count - 1, `stride` apart. \pre stride >= largest_segment(), or count is 1
  void write(std::size_t first, std::size_t count, std::uint8_t* out, std::size_t stride) const noexcept;

 private:
  enum class Kind : std::uint8_t { kFinished, kUnfinished, kTcp, kUdp };

  [[nodiscard]] SplitError parse_gso(const VirtioNetHeader& header, std::size_t max_segments) noexcept;
  [[nodiscard]] SplitError check_ipv4(std::uint8_t protocol) const noexcept;
  [[nodiscard]] SplitError check_ipv6(std::uint8_t protocol) const noexcept;
  void add_up_headers() noexcept;
  void write_ordinary(std::uint8_t* out) const noexcept;

  std::span<const std::uint8_t> packet_;
  std::size_t segments_ = 0;
  std::size_t headers_ = 0;          // IP and transport header together
  std::size_t segment_payload_ = 0;  // of all segments but the last
  std::size_t last_payload_ = 0;
  std::size_t transport_ = 0;        // where the transport header begins: checksum_start
  std::size_t checksum_field_ = 0;
  WordSum ip_sum_ = 0;         // IPv4 header without length, id and checksum
  WordSum transport_sum_ = 0;  // transport and pseudo header without lengths, and of TCP without sequence number and flags
  Kind kind_ = Kind::kFinished;
};

// Finishes the checksum of an ordinary packet where it lies (gso_type none); does nothing when none is asked for.
[[nodiscard]] SplitError finish_checksum(const VirtioNetHeader& header, std::span<std::uint8_t> packet) noexcept;

}  // namespace wgu::io
