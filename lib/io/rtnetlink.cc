// rtnetlink for one TUN.
//
//   LinkRequests  request -> kernel works in sendmsg itself -> the answer lies in the socket when sendmsg returns: nothing waits
//   LinkEvents    RTMGRP_LINK; events of another namespace carry its id as a control message
//
// The two are separate sockets, so that an answer is never searched for among events, and a flood of events never costs an answer.

#include "io/rtnetlink.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/net_namespace.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/netlink.h"
#include "io/system_error.h"
#include "values/quote_value.h"

namespace wgu::io {
namespace {

using Bytes = NetlinkBytes;

std::string text(Bytes bytes) {
  const auto* begin = reinterpret_cast<const char*>(bytes.data());
  return {begin, strnlen(begin, bytes.size())};
}

void read_tun_info(Bytes bytes, LinkMessage& link) {
  for_each_attribute(bytes, [&](int type, Bytes value) {
    if (type == IFLA_TUN_PI) link.has_packet_information = load<std::uint8_t>(value) != 0;
    if (type == IFLA_TUN_PERSIST) link.is_persistent = load<std::uint8_t>(value) != 0;
    if (type == IFLA_TUN_MULTI_QUEUE) link.is_multi_queue = load<std::uint8_t>(value) != 0;
    if (type == IFLA_TUN_NUM_QUEUES || type == IFLA_TUN_NUM_DISABLED_QUEUES) link.attached_queues += load<std::uint32_t>(value);
  });
}

void read_link_info(Bytes bytes, LinkMessage& link) {
  Bytes data;
  for_each_attribute(bytes, [&](int type, Bytes value) {
    if (type == IFLA_INFO_KIND) link.kind = text(value);
    if (type == IFLA_INFO_DATA) data = value;
  });
  if (link.kind == "tun") read_tun_info(data, link);
}

std::optional<LinkMessage> parse_link(const nlmsghdr& header, Bytes payload) {
  if ((header.nlmsg_type != RTM_NEWLINK && header.nlmsg_type != RTM_DELLINK) || payload.size() < sizeof(ifinfomsg)) return {};
  const auto info = load<ifinfomsg>(payload);
  // A bridge reports its ports by the same messages: such a "removal" is only the end of a membership.
  if (info.ifi_family != AF_UNSPEC) return {};
  LinkMessage link;
  link.is_removal = header.nlmsg_type == RTM_DELLINK;
  link.index = static_cast<std::uint32_t>(info.ifi_index);
  link.is_up = (info.ifi_flags & IFF_UP) != 0;
  for_each_attribute(payload.subspan(std::min<std::size_t>(NLMSG_ALIGN(sizeof info), payload.size())), [&](int type, Bytes value) {
    switch (type) {
      case IFLA_IFNAME:
        link.name = text(value);
        break;
      case IFLA_MTU:
        link.mtu = load<std::uint32_t>(value);
        break;
      case IFLA_NEW_NETNSID:
        link.moved_to_namespace = load<std::int32_t>(value);
        break;
      case IFLA_NEW_IFINDEX:
        link.moved_to_index = load<std::uint32_t>(value);
        break;
      case IFLA_LINKINFO:
        read_link_info(value, link);
        break;
      default:
        break;
    }
  });
  return link;
}

// struct rtgenmsg is one byte; the attributes behind it begin at four.
struct PaddedGenericMessage {
  rtgenmsg message{AF_UNSPEC};
  std::array<std::uint8_t, 3> padding{};
};

bool is_same_file(int a, int b) noexcept {
  struct stat first {
  }, second{};
  return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace

Result<LinkRequests> LinkRequests::open() {
  auto socket = open_netlink_socket();
  if (!socket) return std::move(socket).error();
  FileDescriptor own(::ioctl(socket->get(), SIOCGSKNS));  // needs CAP_NET_ADMIN, but no /proc
  if (!own) own = FileDescriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  return LinkRequests(std::move(*socket), std::move(own));
}

Result<LinkMessage> LinkRequests::link(const std::string& name, int namespace_id) {
  if (name.size() >= IFNAMSIZ) return system_error(EINVAL, "ask for link " + quote_value(name));
  NetlinkRequest request(RTM_GETLINK, 0, ifinfomsg{});
  request.add(IFLA_IFNAME, name).add(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  if (namespace_id != kOwnNamespace) request.add(IFLA_TARGET_NETNSID, static_cast<std::uint32_t>(namespace_id));
  std::optional<LinkMessage> link;
  auto exchanged =
      request.exchange(socket_.get(), ++sequence_, [&](const nlmsghdr& header, Bytes payload) { link = parse_link(header, payload); });
  if (!exchanged) return std::move(exchanged).error();
  if (!link) return system_error(EPROTO, "ask for link " + quote_value(name));
  link->namespace_id = namespace_id;
  return std::move(*link);
}

std::optional<int> LinkRequests::namespace_of_tun(int queue) {
  const FileDescriptor there(::ioctl(queue, TUNGETDEVNETNS));
  if (!there || !own_namespace_) return {};
  if (is_same_file(there.get(), own_namespace_.get())) return kOwnNamespace;
  auto id = id_of(there.get());
  if (id) return id;
  // Somebody else may be faster (EEXIST): the id counts, and not whose it is.
  static_cast<void>(assign_id(there.get()));
  return id_of(there.get());
}

bool LinkRequests::is_own_namespace(int namespace_id) {
  return namespace_id == kOwnNamespace || (own_namespace_ && id_of(own_namespace_.get()) == namespace_id);
}

std::optional<int> LinkRequests::id_of(int namespace_fd) {
  NetlinkRequest request(RTM_GETNSID, 0, PaddedGenericMessage{});
  request.add(NETNSA_FD, static_cast<std::uint32_t>(namespace_fd));
  std::optional<int> id;
  const auto exchanged = request.exchange(socket_.get(), ++sequence_, [&](const nlmsghdr&, Bytes payload) {
    for_each_attribute(payload.subspan(std::min(sizeof(PaddedGenericMessage), payload.size())), [&](int type, Bytes value) {
      if (type == NETNSA_NSID && load<std::int32_t>(value) != NETNSA_NSID_NOT_ASSIGNED) id = load<std::int32_t>(value);
    });
  });
  return exchanged ? id : std::nullopt;
}

Result<void> LinkRequests::assign_id(int namespace_fd) {
  NetlinkRequest request(RTM_NEWNSID, NLM_F_ACK, PaddedGenericMessage{});
  request.add(NETNSA_FD, static_cast<std::uint32_t>(namespace_fd));
  request.add(NETNSA_NSID, static_cast<std::uint32_t>(NETNSA_NSID_NOT_ASSIGNED));
  return request.exchange(socket_.get(), ++sequence_, [](const nlmsghdr&, Bytes) {});
}

Result<LinkEvents> LinkEvents::open() {
  auto socket = open_netlink_socket();
  if (!socket) return std::move(socket).error();
  const int on = 1;
  // Before bind: no event is to come without the id of its namespace.
  const bool hears = ::setsockopt(socket->get(), SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof on) == 0;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (::bind(socket->get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    return system_error(errno, "listen to link changes");
  }
  return LinkEvents(std::move(*socket), hears);
}

LinkEvents::Reading LinkEvents::read(const std::function<void(const LinkMessage&)>& on_message) {
  std::array<std::uint8_t, kNetlinkReceiveSize> bytes;  // what is still larger comes as truncated
  alignas(cmsghdr) std::array<std::uint8_t, 256> control;
  sockaddr_nl sender{};
  iovec buffer{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_name = &sender;
  message.msg_namelen = sizeof sender;
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t received = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT);
  if (received < 0) {
    if (errno == EINTR) return Reading::kMessages;
    return errno == ENOBUFS ? Reading::kLost : Reading::kNothing;
  }
  if ((message.msg_flags & MSG_TRUNC) != 0) return Reading::kLost;
  if (sender.nl_pid != 0) return Reading::kMessages;  // not from the kernel
  int namespace_id = kOwnNamespace;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_NETLINK && header->cmsg_type == NETLINK_LISTEN_ALL_NSID) {
      std::memcpy(&namespace_id, CMSG_DATA(header), sizeof namespace_id);
    }
  }
  for_each_message(Bytes(bytes.data(), static_cast<std::size_t>(received)), [&](const nlmsghdr& header, Bytes payload) {
    auto link = parse_link(header, payload);
    if (!link) return;
    link->namespace_id = namespace_id;
    on_message(*link);
  });
  return Reading::kMessages;
}

}  // namespace wgu::io
