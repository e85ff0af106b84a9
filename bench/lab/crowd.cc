#include "bench/lab/crowd.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "bench/lab/link.h"
#include "bench/traffic/sockets.h"
#include "crypto/secret_slab.h"
#include "io/system_error.h"
#include "io/udp.h"
#include "noise/cookie.h"
#include "noise/handshake.h"
#include "wgu/host.h"

namespace wgu::bench {
namespace {

Prefix crowd_prefix(Family family) {
  return family == Family::kIpv6 ? Prefix::parse("2001:2::/48").value() : Prefix::masked(IpAddress::v4(198, 18, 0, 0), 15);
}

struct alignas(cmsghdr) SourceControl {
  std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo))> bytes{};  // room for either family
};

template <class Info>
void set_control(SourceControl& control, msghdr& message, int level, int type, const Info& info) {
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
}

void set_source(SourceControl& control, msghdr& message, const IpAddress& source) {
  if (source.family == Family::kIpv6) {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, source.bytes.data(), sizeof info.ipi6_addr);
    set_control(control, message, IPPROTO_IPV6, IPV6_PKTINFO, info);
  } else {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, source.bytes.data(), sizeof info.ipi_spec_dst);
    set_control(control, message, IPPROTO_IP, IP_PKTINFO, info);
  }
}

}  // namespace

Crowd::Crowd(unsigned members, const PublicKey& responder) : responder_(responder) {
  for (unsigned i = 0; i < members; ++i) keys_.push_back(PrivateKey::generate());
}

std::vector<PublicKey> Crowd::public_keys() const {
  std::vector<PublicKey> keys;
  for (const PrivateKey& key : keys_) keys.push_back(key.public_key());
  return keys;
}

std::vector<InitiationBytes> Crowd::initiations(std::size_t count) const {
  std::vector<InitiationBytes> messages(count);
  crypto::SecretSlab slab(sizeof(noise::PeerSecrets));
  noise::CookieJar jar(responder_);
  const std::int64_t today = Host::system().wall_time().seconds;
  for (std::size_t member = 0; member < keys_.size(); ++member) {
    const noise::Identity identity{keys_[member].copy(), keys_[member].public_key()};
    noise::Handshake handshake(slab, responder_);
    handshake.set_identity(identity);
    for (std::size_t number = member; number < count; number += keys_.size()) {
      const PrivateKey ephemeral = PrivateKey::generate();
      const auto stamp = noise::tai64n({today + static_cast<std::int64_t>(number / keys_.size()), 0});
      if (!handshake.create_initiation(identity, ephemeral.reveal(), stamp, static_cast<std::uint32_t>(number), messages[number])) {
        throw BadResult({EINVAL, "no initiation can be made for this responder"});
      }
      jar.add_macs(messages[number], Instant{});
    }
  }
  return messages;
}

Result<void> settle_crowd(const Testbed& testbed) {
  const Prefix prefix = crowd_prefix(testbed.options().family);
  {
    const Visit visit(testbed.at(End::kA));
    if (auto owned = own_prefix(prefix); !owned) return owned;
  }
  const Visit visit(testbed.at(End::kB));
  return add_route(prefix, testbed.outer(End::kA));
}

IpAddress crowd_address(std::uint32_t number, Family family) noexcept {
  const auto byte = [number](int shift) { return static_cast<std::uint8_t>(number >> shift); };
  const auto high = static_cast<std::uint8_t>(byte(16) & 1);
  if (family != Family::kIpv6) return IpAddress::v4(198, static_cast<std::uint8_t>(18 | high), byte(8), byte(0));
  // A prefix's address with no bits of its own is for all its routers (RFC 4291): the host part is never zero.
  const std::uint8_t bytes[16] = {0x20, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, high, byte(8), byte(0)};
  return IpAddress::v6_from(bytes);
}

CrowdSocket::CrowdSocket(io::FileDescriptor fd, const Endpoint& responder)
    // Connecting would settle on one source address; so each message names where it goes, too.
    : fd_(std::move(fd)), family_(responder.address.family), remote_size_(io::encode_address(responder, remote_)) {}

Result<CrowdSocket> CrowdSocket::open(const Endpoint& responder) {
  const bool is_ipv6 = responder.address.family == Family::kIpv6;
  const std::uint8_t any[16] = {};
  auto socket = open_udp_sink({is_ipv6 ? IpAddress::v6_from(any) : IpAddress::v4_from(any), kPort});
  if (!socket) return std::move(socket).error();
  const int on = 1;  // own_prefix() makes addresses ours to hear; to send from, IPv6 wants them on a link
  if (is_ipv6 && ::setsockopt(socket->get(), IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on) != 0) {
    return io::system_error(errno, "send from any address");
  }
  return CrowdSocket(std::move(*socket), responder);
}

std::size_t CrowdSocket::send(std::span<const InitiationBytes> messages, std::uint32_t first) const {
  std::array<mmsghdr, kBatch> headers{};
  std::array<iovec, kBatch> buffers{};
  std::array<SourceControl, kBatch> controls{};
  for (std::size_t i = 0; i < messages.size(); ++i) {
    buffers[i] = {const_cast<std::uint8_t*>(messages[i].data()), messages[i].size()};
    msghdr& message = headers[i].msg_hdr;
    message.msg_name = const_cast<sockaddr_storage*>(&remote_);
    message.msg_namelen = remote_size_;
    message.msg_iov = &buffers[i];
    message.msg_iovlen = 1;
    set_source(controls[i], message, crowd_address(first + static_cast<std::uint32_t>(i), family_));
  }
  const int sent = ::sendmmsg(fd_.get(), headers.data(), static_cast<unsigned>(messages.size()), MSG_DONTWAIT);
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

}  // namespace wgu::bench
