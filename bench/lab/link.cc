// Making and addressing takes netlink, one request and one answer each; the rest are the older ioctls, which are shorter.

#include "bench/lab/link.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "io/file_descriptor.h"
#include "io/netlink.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

using io::FileDescriptor;
using io::NetlinkRequest;
using io::system_error;

Result<void> send(NetlinkRequest& request, const std::string& attempted) {
  auto socket = io::open_netlink_socket();
  if (!socket) return std::move(socket).error();
  const auto done = request.exchange(socket->get(), 1, [](const nlmsghdr&, NetlinkBytes) {});
  if (!done) return system_error(done.error().code, attempted);
  return {};
}

// A request that makes something that was not there, and is answered.
template <class Header>
NetlinkRequest to_make(std::uint16_t type, const Header& header) {
  return {type, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, header};
}

void add(NetlinkRequest& request, std::uint16_t type, const IpAddress& address) {
  request.add(type, address.bytes.data(), address.bits() / 8);
}

std::uint8_t family_of(const IpAddress& address) { return address.family == Family::kIpv6 ? AF_INET6 : AF_INET; }

NetlinkRequest route_to(const Prefix& prefix, unsigned char table, unsigned char scope, unsigned char type) {
  rtmsg message{};
  message.rtm_family = family_of(prefix.address);
  message.rtm_dst_len = prefix.length;
  message.rtm_table = table;
  message.rtm_protocol = RTPROT_STATIC;
  message.rtm_scope = scope;
  message.rtm_type = type;
  NetlinkRequest request = to_make(RTM_NEWROUTE, message);
  add(request, RTA_DST, prefix.address);
  return request;
}

Result<ifreq> request_for(const std::string& name) {
  ifreq request{};
  if (name.empty() || name.size() >= sizeof request.ifr_name) return Error{EINVAL, "no interface can have the name " + name};
  std::memcpy(request.ifr_name, name.data(), name.size());
  return request;
}

Result<void> control(unsigned long call, ifreq& request, const std::string& attempted) {
  const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket || ::ioctl(socket.get(), call, &request) != 0) return system_error(errno, attempted + " " + request.ifr_name);
  return {};
}

}  // namespace

Result<void> create_veth(const std::string& name, std::uint32_t mtu, const NetworkNamespace& there) {
  NetlinkRequest request = to_make(RTM_NEWLINK, ifinfomsg{});
  request.add(IFLA_IFNAME, name).add(IFLA_MTU, mtu);
  const std::size_t info = request.begin(IFLA_LINKINFO);
  request.add(IFLA_INFO_KIND, std::string("veth"));
  const std::size_t data = request.begin(IFLA_INFO_DATA);
  const std::size_t peer = request.begin(VETH_INFO_PEER);
  request.add_header(ifinfomsg{});
  request.add(IFLA_IFNAME, name).add(IFLA_MTU, mtu).add(IFLA_NET_NS_FD, static_cast<std::uint32_t>(there.descriptor()));
  request.end(peer);
  request.end(data);
  request.end(info);
  return send(request, "make the veth " + name);
}

Result<void> add_address(const std::string& name, const IpAddress& address, std::uint8_t prefix_length) {
  const unsigned index = ::if_nametoindex(name.c_str());
  if (index == 0) return system_error(errno, "give an address to " + name);
  ifaddrmsg message{};
  message.ifa_family = family_of(address);
  message.ifa_prefixlen = prefix_length;
  message.ifa_flags = IFA_F_NODAD;
  message.ifa_scope = RT_SCOPE_UNIVERSE;
  message.ifa_index = index;
  NetlinkRequest request = to_make(RTM_NEWADDR, message);
  add(request, IFA_LOCAL, address);
  add(request, IFA_ADDRESS, address);
  return send(request, "give " + address.to_string() + " to " + name);
}

Result<void> set_mtu(const std::string& name, std::uint32_t mtu) {
  auto request = request_for(name);
  if (!request) return std::move(request).error();
  request->ifr_mtu = static_cast<int>(mtu);
  return control(SIOCSIFMTU, *request, "set the MTU " + std::to_string(mtu) + " of");
}

Result<void> bring_up(const std::string& name) {
  auto request = request_for(name);
  if (!request) return std::move(request).error();
  if (auto got = control(SIOCGIFFLAGS, *request, "read the flags of"); !got) return got;
  request->ifr_flags = static_cast<short>(request->ifr_flags | IFF_UP);
  return control(SIOCSIFFLAGS, *request, "bring up");
}

Result<void> add_route(const Prefix& prefix, const IpAddress& gateway) {
  NetlinkRequest request = route_to(prefix, RT_TABLE_MAIN, RT_SCOPE_UNIVERSE, RTN_UNICAST);
  add(request, RTA_GATEWAY, gateway);
  return send(request, "add a route to " + prefix.to_string());
}

Result<void> own_prefix(const Prefix& prefix) {
  NetlinkRequest request = route_to(prefix, RT_TABLE_LOCAL, RT_SCOPE_HOST, RTN_LOCAL);
  request.add(RTA_OIF, ::if_nametoindex("lo"));
  return send(request, "own all of " + prefix.to_string());
}

std::optional<std::uint64_t> parse_dropped_frames(std::string_view net_dev, std::string_view name) {
  std::istringstream lines{std::string(net_dev)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || line.find_first_not_of(' ') == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(' ');
    if (std::string_view(line).substr(begin, colon - begin) != name) continue;
    // received: bytes packets errs drop fifo frame compressed multicast; sent: bytes packets errs drop ...
    std::istringstream fields(line.substr(colon + 1));
    std::array<std::uint64_t, 12> values{};
    for (auto& value : values) {
      if (!(fields >> value)) return std::nullopt;
    }
    return values[3] + values[11];
  }
  return std::nullopt;
}

Result<std::uint64_t> dropped_frames(const std::string& name) {
  std::ifstream file("/proc/thread-self/net/dev");
  std::ostringstream text;
  text << file.rdbuf();
  const auto count = parse_dropped_frames(text.str(), name);
  if (!count) return Error{ENODEV, "no counters of " + name};
  return *count;
}

}  // namespace wgu::bench
