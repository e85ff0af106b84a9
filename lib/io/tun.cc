// TUN devices.
//
//   open    IFF_TUN_EXCL -> new device            -> further queues
//                        -> EBUSY: it exists      -> persistent and unused -> attach -> alone on it? -> further queues
//                                                 -> anything else: EBUSY
//   adopt   TUNGETIFF on every descriptor -> flags we can read packets with -> non-blocking
//   both    offloads: the most that is asked for and that the kernel takes
//
// Exclusiveness is ours to see to: the kernel lets any process attach one more queue to a multi-queue device, and a second
// daemon of the same name would silently take a share of the first one's packets.

#include "io/tun.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/rtnetlink.h"
#include "io/system_error.h"
#include "io/virtio_net.h"
#include "values/quote_value.h"

namespace wgu::io {
namespace {

constexpr char kCloneDevice[] = "/dev/net/tun";
constexpr int kFlags = IFF_TUN | IFF_NO_PI;
// TUNSETOFFLOAD, <linux/if_tun.h> of Linux 6.2; the kernel takes these two only together.
constexpr unsigned kUdpSegmentation = 0x20 | 0x40;  // TUN_F_USO4 | TUN_F_USO6
constexpr unsigned kTcpSegmentation = TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

// What dev_valid_name() of the kernel asks for, and no control characters: the name is part of a path and of log lines.
Result<void> check_name(const std::string& name) {
  const auto refuse = [&](const char* why) { return Error{EINVAL, "interface name " + quote_value(name) + ": " + why}; };
  if (name.empty()) return refuse("empty");
  if (name.size() >= IFNAMSIZ) return refuse("longer than 15 characters");
  if (name == "." || name == "..") return refuse("not a name");
  if (name.find_first_of("/: ") != std::string::npos) return refuse("contains '/', ':' or a blank");
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; })) {
    return refuse("contains a control character");
  }
  const auto percent = name.find('%');
  if (percent != std::string::npos && (name.compare(percent, 2, "%d") != 0 || name.find('%', percent + 1) != std::string::npos)) {
    return refuse("'%' may stand only in one '%d', for a number of the kernel's choice");
  }
  return {};
}

ifreq request_for(const std::string& name) noexcept {
  ifreq request{};
  std::memcpy(request.ifr_name, name.data(), std::min(name.size(), sizeof request.ifr_name - 1));
  return request;
}

std::string name_in(const ifreq& request) { return {request.ifr_name, strnlen(request.ifr_name, sizeof request.ifr_name)}; }

struct Queue {
  FileDescriptor fd;
  std::string name;
};

Result<Queue> attach_queue(const std::string& name, int flags) {
  FileDescriptor fd(::open(kCloneDevice, O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return system_error(errno, std::string("open ") + kCloneDevice);
  ifreq request = request_for(name);
  request.ifr_flags = static_cast<short>(flags);
  if (::ioctl(fd.get(), TUNSETIFF, &request) < 0) return system_error(errno, "attach to TUN " + quote_value(name));
  return Queue{std::move(fd), name_in(request)};
}

Result<LinkMessage> look_up(const std::string& name) {
  auto requests = LinkRequests::open();
  if (!requests) return std::move(requests).error();
  return requests->link(name);
}

Error in_use(const std::string& name) { return {EBUSY, "interface " + quote_value(name) + " is in use by another process"}; }

// The most of `offloads` that the kernel grants. They outlive the process that switched them on for a persistent device, and without
// a virtio header they would come as packets larger than the MTU: so they are set, to none if need be, in any case.
Result<DeviceFormat> switch_offloads(int queue, const std::string& name, bool has_virtio_header, TunOffloads offloads) {
  const auto is_granted = [queue](unsigned long features) { return ::ioctl(queue, TUNSETOFFLOAD, features) == 0; };
  DeviceFormat format{.has_virtio_header = has_virtio_header};
  if (!is_granted(0)) return system_error(errno, "switch off offloads of TUN " + quote_value(name));
  if (!has_virtio_header || !is_granted(TUN_F_CSUM)) return format;
  format.tcp_v4 = format.tcp_v6 = offloads.tcp && is_granted(TUN_F_CSUM | kTcpSegmentation);
  const unsigned long granted = TUN_F_CSUM | (format.tcp_v4 ? kTcpSegmentation : 0);
  format.udp = offloads.udp && is_granted(granted | kUdpSegmentation);
  return format;
}

Result<Queue> attach_to_existing(const std::string& name, int flags, bool& is_multi_queue) {
  auto link = look_up(name);
  if (!link) return std::move(link).error();
  if (link->kind != "tun") return Error{EBUSY, "interface " + quote_value(name) + " exists and is not a TUN"};
  if (!link->is_persistent || link->attached_queues != 0) return in_use(name);
  is_multi_queue = link->is_multi_queue;
  auto queue = attach_queue(name, flags | (is_multi_queue ? IFF_MULTI_QUEUE : 0));
  if (!queue || !is_multi_queue) return queue;
  // Another process may have attached between question and deed; then both see two queues and both give way.
  link = look_up(name);
  if (!link) return std::move(link).error();
  if (link->attached_queues != 1) return in_use(name);
  return queue;
}

Result<Queue> attach_first(const std::string& name, int flags, bool& is_multi_queue) {
  auto queue = attach_queue(name, flags | IFF_TUN_EXCL | (is_multi_queue ? IFF_MULTI_QUEUE : 0));
  if (!queue && is_multi_queue && queue.error().code == EINVAL) {
    is_multi_queue = false;
    queue = attach_queue(name, flags | IFF_TUN_EXCL);
  }
  if (!queue && queue.error().code == EBUSY) return attach_to_existing(name, flags, is_multi_queue);
  return queue;
}

Result<ifreq> ask_device(int queue) {
  ifreq request{};
  if (::ioctl(queue, TUNGETIFF, &request) < 0) return system_error(errno, "ask descriptor " + std::to_string(queue) + " for its TUN");
  return request;
}

Error refuse_device(const std::string& name, const char* why) { return {EINVAL, "interface " + quote_value(name) + ": " + why}; }

Result<void> check_flags(const ifreq& request) {
  const auto flags = static_cast<unsigned short>(request.ifr_flags);
  if ((flags & IFF_TUN) == 0) return refuse_device(name_in(request), "a TAP, not a TUN");
  return {};
}

// TUNGETIFF cannot tell: IFF_NOFILTER, which it always adds for a TUN, is the same bit as IFF_NO_PI. Only netlink can, and what
// netlink does not tell either (no such right over the device's namespace) is given the benefit of the doubt.
Result<void> check_packet_information(int queue, const std::string& name) {
  auto requests = LinkRequests::open();
  if (!requests) return {};
  const auto link = requests->link(name, requests->namespace_of_tun(queue).value_or(kOwnNamespace));
  if (link && link->kind == "tun" && link->has_packet_information) {
    return refuse_device(name, "packet information switched on (no IFF_NO_PI)");
  }
  return {};
}

bool keeps_message_boundaries(int fd) noexcept {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && (type == SOCK_DGRAM || type == SOCK_SEQPACKET);
}

Result<void> check_virtio_header(int queue, const std::string& name) {
  int size = 0;
  if (::ioctl(queue, TUNGETVNETHDRSZ, &size) < 0) return system_error(errno, "ask for the virtio header of " + quote_value(name));
  if (size != static_cast<int>(kVirtioNetHeaderSize))
    return refuse_device(name, "a virtio header of other than 10 bytes (TUNSETVNETHDRSZ)");
  return {};
}

struct Identity {
  std::string name{};  // of the TUN; "" for a socket that stands for one
  bool has_virtio_header = false;
  friend bool operator==(const Identity&, const Identity&) = default;
};

Result<Identity> identify(int fd) {
  auto request = ask_device(fd);
  if (request) {
    const Identity tun{name_in(*request), (static_cast<unsigned short>(request->ifr_flags) & IFF_VNET_HDR) != 0};
    if (auto checked = check_flags(*request); !checked) return std::move(checked).error();
    if (auto checked = check_packet_information(fd, tun.name); !checked) return std::move(checked).error();
    if (tun.has_virtio_header) {
      if (auto checked = check_virtio_header(fd, tun.name); !checked) return std::move(checked).error();
    }
    return tun;
  }
  if (request.error().code == EBADF || request.error().code == EBADFD) return std::move(request).error();
  if (keeps_message_boundaries(fd)) return Identity();
  return Error{EINVAL, "descriptor " + std::to_string(fd) + " is neither a TUN nor a datagram socket"};
}

Result<void> prepare(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
    return system_error(errno, "make descriptor " + std::to_string(fd) + " non-blocking");
  }
  return {};
}

// The length that is granted.
std::uint32_t grow_queue(const std::string& name) noexcept {
  FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = request_for(name);
  if (!socket || ::ioctl(socket.get(), SIOCGIFTXQLEN, &request) < 0) return 0;
  const auto length = static_cast<std::uint32_t>(request.ifr_qlen);
  if (length >= kQueueLength) return length;
  request = request_for(name);
  request.ifr_qlen = kQueueLength;
  return ::ioctl(socket.get(), SIOCSIFTXQLEN, &request) < 0 ? length : kQueueLength;
}

}  // namespace

Result<Tun> open_tun(const std::string& name, unsigned queues, TunOffloads offloads) {
  if (auto checked = check_name(name); !checked) return std::move(checked).error();
  if (queues == 0) return Error{EINVAL, "interface " + quote_value(name) + ": no queues asked for"};
  const int flags = kFlags | (offloads.any() ? IFF_VNET_HDR : 0);
  bool is_multi_queue = queues > 1;
  auto first = attach_first(name, flags, is_multi_queue);
  if (!first) return std::move(first).error();
  Tun tun;
  tun.name = first->name;
  tun.queues.push_back(std::move(first->fd));
  while (is_multi_queue && tun.queues.size() < queues) {
    auto next = attach_queue(tun.name, flags | IFF_MULTI_QUEUE);
    if (!next && next.error().code == E2BIG) break;
    if (!next) return std::move(next).error();
    tun.queues.push_back(std::move(next->fd));
  }
  auto format = switch_offloads(tun.queues.front().get(), tun.name, offloads.any(), offloads);
  if (!format) return std::move(format).error();
  tun.format = *format;
  tun.queue_length = grow_queue(tun.name);
  return tun;
}

Result<Tun> adopt_tun(std::vector<FileDescriptor> queues, TunOffloads offloads) {
  if (queues.empty()) return Error{EINVAL, "no descriptor of a TUN handed over"};
  Identity first;
  for (const auto& queue : queues) {
    auto tun = identify(queue.get());
    if (!tun) return std::move(tun).error();
    if (&queue == &queues.front()) first = *tun;
    if (*tun != first)
      return Error{EINVAL, "descriptors of different devices: " + quote_value(first.name) + " and " + quote_value(tun->name)};
    if (auto prepared = prepare(queue.get()); !prepared) return std::move(prepared).error();
  }
  Tun tun;
  tun.name = first.name;
  if (!first.name.empty()) {
    auto format = switch_offloads(queues.front().get(), first.name, first.has_virtio_header, offloads);
    if (!format) return std::move(format).error();
    tun.format = *format;
  }
  tun.queues = std::move(queues);
  return tun;
}

Result<void> set_mtu(const std::string& name, std::uint32_t mtu) {
  if (auto checked = check_name(name); !checked) return checked;
  const std::string attempted = "set MTU of " + quote_value(name) + " to " + std::to_string(mtu);
  if (mtu > 65535) return system_error(EINVAL, attempted);  // before it becomes a signed number in the request
  // Any socket carries this request; one of this family exists on every host.
  FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return system_error(errno, attempted);
  ifreq request = request_for(name);
  request.ifr_mtu = static_cast<int>(mtu);
  if (::ioctl(socket.get(), SIOCSIFMTU, &request) < 0) return system_error(errno, attempted);
  return {};
}

Result<std::string> device_name(int queue) {
  auto request = ask_device(queue);
  if (!request) return std::move(request).error();
  return name_in(*request);
}

}  // namespace wgu::io
