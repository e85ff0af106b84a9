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
#include "noise/cookie.h"
#include "noise/handshake.h"
#include "wgu/host.h"

namespace wgu::bench {
namespace {

const Prefix kCrowdPrefix = Prefix::masked(IpAddress::v4(198, 18, 0, 0), 15);

struct alignas(cmsghdr) SourceControl {
  std::array<std::uint8_t, CMSG_SPACE(sizeof(in_pktinfo))> bytes{};
};

void set_source(SourceControl& control, msghdr& message, const IpAddress& source) {
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = IPPROTO_IP;
  header->cmsg_type = IP_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
  in_pktinfo info{};
  std::memcpy(&info.ipi_spec_dst, source.bytes.data(), sizeof info.ipi_spec_dst);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
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
  {
    const Visit visit(testbed.at(End::kA));
    if (auto owned = own_prefix(kCrowdPrefix); !owned) return owned;
  }
  const Visit visit(testbed.at(End::kB));
  return add_route(kCrowdPrefix, testbed.outer(End::kA));
}

IpAddress crowd_address(std::uint32_t number) noexcept {
  const auto byte = [number](int shift) { return static_cast<std::uint8_t>(number >> shift); };
  return IpAddress::v4(198, static_cast<std::uint8_t>(18 | (byte(16) & 1)), byte(8), byte(0));
}

Result<CrowdSocket> CrowdSocket::open(const Endpoint& responder) {
  auto socket = open_udp_sink({IpAddress::v4(0, 0, 0, 0), kPort});
  if (!socket) return std::move(socket).error();
  sockaddr_in remote{};
  remote.sin_family = AF_INET;
  remote.sin_port = htons(responder.port);
  std::memcpy(&remote.sin_addr, responder.address.bytes.data(), sizeof remote.sin_addr);
  // Connecting would settle on one source address; so each message names where it goes, too.
  CrowdSocket crowd(std::move(*socket));
  crowd.remote_ = remote;
  return crowd;
}

std::size_t CrowdSocket::send(std::span<const InitiationBytes> messages, std::uint32_t first) const {
  std::array<mmsghdr, kBatch> headers{};
  std::array<iovec, kBatch> buffers{};
  std::array<SourceControl, kBatch> controls{};
  for (std::size_t i = 0; i < messages.size(); ++i) {
    buffers[i] = {const_cast<std::uint8_t*>(messages[i].data()), messages[i].size()};
    msghdr& message = headers[i].msg_hdr;
    message.msg_name = const_cast<sockaddr_in*>(&remote_);
    message.msg_namelen = sizeof remote_;
    message.msg_iov = &buffers[i];
    message.msg_iovlen = 1;
    set_source(controls[i], message, crowd_address(first + static_cast<std::uint32_t>(i)));
  }
  const int sent = ::sendmmsg(fd_.get(), headers.data(), static_cast<unsigned>(messages.size()), MSG_DONTWAIT);
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

}  // namespace wgu::bench
