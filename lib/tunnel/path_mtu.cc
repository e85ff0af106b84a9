// outer packet = IP header, UDP header, data header, inner packet, tag; so room = path MTU - all of these.

#include "tunnel/path_mtu.h"

#include <algorithm>

#include "crypto/aead.h"
#include "noise/messages.h"

namespace wgu::tunnel {
namespace {

constexpr std::size_t kOverhead = 8 + noise::kDataHeaderSize + crypto::kAeadTagSize;  // UDP (RFC 768), data message
constexpr std::size_t kOuterIpv4 = 20;
constexpr std::size_t kOuterIpv6 = 40;
constexpr std::size_t kMostPathMtu = 65'535;
constexpr std::size_t kLeastLinkMtuV4 = 68;  // RFC 791 section 3.2

std::size_t bounded(Family outer, std::size_t mtu) noexcept {
  return std::clamp(mtu, outer == Family::kIpv4 ? kLeastPathMtuV4 : kLeastPathMtuV6, kMostPathMtu);
}

}  // namespace

void PathMtu::learn(Family outer, std::size_t mtu, Instant now) noexcept {
  mtu_ = static_cast<std::uint16_t>(bounded(outer, mtu));
  room_ = static_cast<std::uint16_t>(mtu_ - (outer == Family::kIpv4 ? kOuterIpv4 : kOuterIpv6) - kOverhead);
  until_ = now + kPathMtuBelievedFor;
}

bool PathMtu::narrow(Family outer, std::size_t mtu, Instant now) noexcept {
  const bool was_known = is_known(now);
  if (was_known && bounded(outer, mtu) >= mtu_) return false;
  learn(outer, mtu, now);
  return was_known;
}

bool PathMtu::take_question(Instant now) noexcept {
  if (now < until_) return false;
  mtu_ = 0;
  until_ = now + kPathMtuAskedAgain;
  return true;
}

std::size_t too_big_for(std::span<const std::uint8_t> packet, std::size_t room) noexcept {
  const bool is_v4 = packet[0] >> 4 == 4;
  constexpr std::uint8_t kDontFragment = 0x40;  // of the byte with the flags
  if (is_v4 && (packet[6] & kDontFragment) == 0) return 0;
  const std::size_t mtu = std::max(room, is_v4 ? kLeastLinkMtuV4 : kLeastPathMtuV6);
  return packet.size() > mtu ? mtu : 0;
}

}  // namespace wgu::tunnel
