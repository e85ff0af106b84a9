#pragma once
// What is known of the way to one peer's endpoint: how many bytes its outer IP packets may have, for how long that may be believed,
// and what follows for an inner packet. A value; somebody else measures.
//
//   unknown --learn, narrow--> known --kBelievedFor later, or another endpoint--> unknown

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "wgu/net.h"
#include "wgu/time.h"

namespace wgu::tunnel {

// RFC 1191 section 6.3 and RFC 8201 section 4: not before ten minutes is a larger path looked for again.
inline constexpr Duration kPathMtuBelievedFor = std::chrono::minutes(10);
// A question that nobody answered (no route) is asked again.
inline constexpr Duration kPathMtuAskedAgain = std::chrono::seconds(10);
// Whoever forges an ICMP error must not squeeze a path below what every IPv4 host takes in (RFC 791 section 3.1) and every IPv6 link
// carries (RFC 8200 section 5).
inline constexpr std::size_t kLeastPathMtuV4 = 576;
inline constexpr std::size_t kLeastPathMtuV6 = 1280;

class PathMtu {
 public:
  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  // The answer to a question: the path to an endpoint of that family takes `mtu` bytes.
  void learn(Family outer, std::size_t mtu, Instant now) noexcept;
  // It no longer takes more than that; never raises what is known (RFC 8201 section 4). True when that is less than was known.
  bool narrow(Family outer, std::size_t mtu, Instant now) noexcept;
  void forget() noexcept { *this = PathMtu(); }

  // The largest inner packet that leaves in one piece, padding aside; kNoLimit while unknown.
  [[nodiscard]] std::size_t room(Instant now) const noexcept { return is_known(now) ? room_ : kNoLimit; }
  [[nodiscard]] std::uint16_t bytes() const noexcept { return mtu_; }  // as last known; 0: it is not
  // Is it time to ask? Then the question counts as asked.
  [[nodiscard]] bool take_question(Instant now) noexcept;

 private:
  [[nodiscard]] bool is_known(Instant now) const noexcept { return mtu_ != 0 && now < until_; }

  Instant until_ = Instant::min();  // known: believed so long; unknown: no question before
  std::uint16_t mtu_ = 0;
  std::uint16_t room_ = 0;
};

// What its sender should hear (the MTU of ICMP's "packet too big") when an inner packet is larger than `room`; 0: nothing, it may
// leave in several pieces. These are packets that their sender allows to be fragmented (IPv4 without DF), and those that no
// link may refuse (IPv4 up to 68 bytes, RFC 791; IPv6 up to 1280): the kernel fragments the outer packet, as it does all of its
// own WireGuard's, so that one inner packet stays one message. \pre packet passed parse_outbound
[[nodiscard]] std::size_t too_big_for(std::span<const std::uint8_t> packet, std::size_t room) noexcept;

}  // namespace wgu::tunnel
