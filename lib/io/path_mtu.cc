// ICMP -> the kernel's routes (shared by all sockets) and one socket's error queue -> read_path_errors -> ask_path_mtu -> report.
// The number in a report is the route's, so never above the interface's MTU and never below what the kernel accepts from strangers
// (net.ipv4.route.min_pmtu); where a route keeps an MTU of its own ("mtu lock"), the ICMP message's.

#include "io/path_mtu.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/file_descriptor.h"
#include "io/system_error.h"

namespace wgu::io {
namespace {

constexpr int kMostErrors = 256;  // of one look, so that a flood of them holds up nobody

struct Level {
  int level, discover, on, off, errors, mtu;
};
constexpr Level kV4{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_PMTUDISC_DONT, IP_RECVERR, IP_MTU};
constexpr Level kV6{IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT, IPV6_PMTUDISC_DONT, IPV6_RECVERR, IPV6_MTU};

const Level& level_of(Family family) noexcept { return family == Family::kIpv4 ? kV4 : kV6; }

Result<void> discover(int fd, const Level& of) {
  const int one = 1;
  if (::setsockopt(fd, of.level, of.discover, &of.on, sizeof of.on) != 0) return system_error(errno, "setsockopt(MTU_DISCOVER)");
  if (::setsockopt(fd, of.level, of.errors, &one, sizeof one) != 0) return system_error(errno, "setsockopt(RECVERR)");
  return {};
}

// The MTU that one entry of the error queue says its destination's path has; 0: it says something else.
std::uint32_t mtu_in(const msghdr& message) noexcept {
  msghdr walked = message;  // CMSG_NXTHDR wants one that it may change
  for (cmsghdr* control = CMSG_FIRSTHDR(&walked); control != nullptr; control = CMSG_NXTHDR(&walked, control)) {
    const bool is_error = (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_RECVERR) ||
                          (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_RECVERR);
    if (!is_error) continue;
    sock_extended_err error;
    std::memcpy(&error, CMSG_DATA(control), sizeof error);
    const bool is_of_the_path = error.ee_origin == SO_EE_ORIGIN_ICMP || error.ee_origin == SO_EE_ORIGIN_ICMP6;
    return error.ee_errno == EMSGSIZE && is_of_the_path ? error.ee_info : 0;
  }
  return 0;
}

}  // namespace

Result<void> discover_path_mtu(const UdpBinding& binding) {
  for (const UdpSockets& sockets : binding.workers) {
    if (sockets.v4) {
      if (auto set = discover(sockets.v4.get(), kV4); !set) return set;
    }
    if (sockets.v6) {
      if (auto set = discover(sockets.v6.get(), kV6); !set) return set;
    }
  }
  return {};
}

Fragmenting::Fragmenting(int fd, Family family) noexcept : fd_(fd), family_(family) {
  const Level& of = level_of(family);
  ::setsockopt(fd_, of.level, of.discover, &of.off, sizeof of.off);
}

Fragmenting::~Fragmenting() {
  const Level& of = level_of(family_);
  ::setsockopt(fd_, of.level, of.discover, &of.on, sizeof of.on);
}

void read_path_errors(int fd, std::vector<PathMtu>& reports) {
  const std::size_t first = reports.size();
  for (int count = 0; count < kMostErrors; ++count) {
    sockaddr_storage address{};
    alignas(cmsghdr) std::uint8_t control[512];  // the error, who said it, and what decode_control reads of a datagram
    msghdr message{};
    message.msg_name = &address;  // where the datagram went that met the error
    message.msg_namelen = sizeof address;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
    const std::uint32_t mtu = mtu_in(message);
    if (mtu == 0) continue;
    const Endpoint remote = decode_address(address);
    // A train meets the narrow link once a datagram.
    const auto known = std::find_if(reports.begin() + static_cast<std::ptrdiff_t>(first), reports.end(),
                                    [&](const PathMtu& report) { return report.remote == remote; });
    if (known == reports.end()) {
      reports.push_back({remote, mtu});
    } else {
      known->mtu = std::min(known->mtu, mtu);
    }
  }
  for (std::size_t i = first; i < reports.size(); ++i) {
    if (const std::uint32_t of_route = ask_path_mtu(fd, reports[i].remote); of_route != 0)
      reports[i].mtu = std::min(reports[i].mtu, of_route);
  }
}

std::uint32_t ask_path_mtu(int fd, const Endpoint& remote) noexcept {
  const bool is_v4 = remote.address.family == Family::kIpv4;
  // Only a connected socket has a route to ask about; ours are everybody's.
  const FileDescriptor asking(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
  if (!asking) return 0;
  std::uint32_t mark = 0;
  socklen_t length = sizeof mark;
  if (::getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &length) == 0 && mark != 0)
    ::setsockopt(asking.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark);  // without the privilege: the route of those unmarked
  sockaddr_storage address{};
  const socklen_t size = encode_address(remote, address);
  if (::connect(asking.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return 0;
  const Level& of = level_of(remote.address.family);
  int mtu = 0;
  length = sizeof mtu;
  if (::getsockopt(asking.get(), of.level, of.mtu, &mtu, &length) != 0 || mtu < 0) return 0;
  return static_cast<std::uint32_t>(mtu);
}

// What the kernel makes of ICMP messages (net/ipv4/icmp.c icmp_err_convert, net/ipv6/icmp.c tab_unreach).
bool is_path_error(int error) noexcept {
  switch (error) {
    case EMSGSIZE:
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPROTO:
    case EACCES:
      return true;
    default:
      return false;
  }
}

}  // namespace wgu::io
