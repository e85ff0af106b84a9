#pragma once
// The IP and UDP headers that a datagram had, or nearly: a UDP socket tells addresses, ports and the traffic class. Identification, hop
// limit and fragmentation are not known, and made up.

#include <array>
#include <cstdint>
#include <span>

#include "wgu/net.h"
#include "wgu/stats.h"

namespace wgu::capture {

// Of a datagram, as the socket tells it.
struct OuterPath {
  Endpoint remote;
  LocalAddress local;  // unset: not known; the headers have the unspecified address
  std::uint16_t local_port = 0;
  std::uint8_t traffic_class = 0;
};

class OuterHeaders {
 public:
  // \pre path.remote is set; payload is at most 65,507 bytes
  OuterHeaders(Direction direction, const OuterPath& path, std::span<const std::uint8_t> payload) noexcept;
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return std::span(bytes_).first(size_); }

 private:
  std::array<std::uint8_t, 48> bytes_{};  // IPv6 and UDP
  std::size_t size_ = 0;
};

}  // namespace wgu::capture
