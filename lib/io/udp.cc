// Bind: for each family  first socket: options, bind (no SO_REUSEPORT), then SO_REUSEPORT -> the others: SO_REUSEPORT, bind
// (they join the first one's group in the order of the workers) -> steering program on the group.
// The kernel checks SO_REUSEPORT of both sockets at bind: a first socket without it collides with every holder of the port, and
// so does the first socket of the next daemon with ours. One worker never sets it, so nothing can join it later.
// A family the host lacks (EAFNOSUPPORT) is a note; neither of them is an error.

#include "io/udp.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>
#include <string>

#include "io/system_error.h"

namespace wgu::io {
namespace {

constexpr int kSocketBuffer = 4 << 20;  // bytes: what a worker may fall behind by, about 3 ms at 10 Gbit/s
constexpr int kPortAttempts = 16;       // numbers tried for port 0 until one is free for both families

const char* name_of(int family) noexcept { return family == AF_INET ? "IPv4" : "IPv6"; }

Result<void> set_option(int fd, int level, int option, int value, const char* name) {
  if (::setsockopt(fd, level, option, &value, sizeof value) == 0) return {};
  return system_error(errno, "setsockopt(" + std::string(name) + ", " + std::to_string(value) + ")");
}

Result<void> apply_mark(int fd, std::uint32_t mark) {
  if (::setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0) return {};
  return system_error(errno, "setsockopt(SO_MARK, " + std::to_string(mark) + ")");
}

// The kernel doubles what is set, for its bookkeeping, and reports the double.
int grow_buffer(int fd, int forced_option, int option) noexcept {
  if (::setsockopt(fd, SOL_SOCKET, forced_option, &kSocketBuffer, sizeof kSocketBuffer) != 0)
    ::setsockopt(fd, SOL_SOCKET, option, &kSocketBuffer, sizeof kSocketBuffer);
  int granted = 0;
  socklen_t length = sizeof granted;
  ::getsockopt(fd, SOL_SOCKET, option, &granted, &length);
  return granted / 2;
}

Result<FileDescriptor> open_socket(int family, std::uint32_t mark) {
  FileDescriptor socket(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
  if (!socket) return system_error(errno, std::string("socket(") + name_of(family) + ", UDP)");
  const int fd = socket.get();
  struct Option {
    int level, option, value;
    const char* name;
  };
  // Path MTU discovery off leaves the outer DF bit clear, so that a too large datagram is fragmented and not lost, as the kernel's
  // WireGuard does. path_mtu.h has the other way.
  static constexpr Option kV4[] = {{IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO"},
                                   {IPPROTO_IP, IP_RECVTOS, 1, "IP_RECVTOS"},
                                   {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, "IP_MTU_DISCOVER"}};
  static constexpr Option kV6[] = {{IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY"},
                                   {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO"},
                                   {IPPROTO_IPV6, IPV6_RECVTCLASS, 1, "IPV6_RECVTCLASS"},
                                   {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT, "IPV6_MTU_DISCOVER"}};
  for (const Option& option : family == AF_INET ? std::span<const Option>(kV4) : std::span<const Option>(kV6)) {
    if (auto set = set_option(fd, option.level, option.option, option.value, option.name); !set) return set.error();
  }
  if (mark != 0) {
    if (auto set = apply_mark(fd, mark); !set) return set.error();
  }
  return socket;
}

Result<void> bind_wildcard(int fd, int family, std::uint16_t port) {
  sockaddr_storage address;
  const IpAddress any{family == AF_INET ? Family::kIpv4 : Family::kIpv6, {}};
  const socklen_t length = encode_address(Endpoint{any, port, 0}, address);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0) return {};
  return system_error(errno, "bind(UDP port " + std::to_string(port) + ", " + name_of(family) + ")");
}

Result<std::uint16_t> bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return system_error(errno, "getsockname");
  return decode_address(address).port;
}

// One family's sockets, in the order of the workers. `port` 0 is replaced by what the kernel chose.
Result<std::vector<FileDescriptor>> bind_group(int family, std::uint16_t& port, std::uint32_t mark, unsigned workers) {
  std::vector<FileDescriptor> group;
  for (unsigned worker = 0; worker < workers; ++worker) {
    auto socket = open_socket(family, mark);
    if (!socket) return socket.error();
    const int fd = socket->get();
    const bool is_first = worker == 0;
    if (!is_first) {
      if (auto set = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"); !set) return set.error();
    }
    if (auto bound = bind_wildcard(fd, family, port); !bound) return bound.error();
    if (is_first) {
      auto number = bound_port(fd);
      if (!number) return number.error();
      port = *number;
    }
    if (is_first && workers > 1) {
      if (auto set = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"); !set) return set.error();
    }
    group.push_back(std::move(*socket));
  }
  return group;
}

void attach_steering(int fd, int family, const SocketSteering& steering, std::string& notes) {
  std::vector<sock_filter> filter;
  for (const auto& instruction : steering.program)
    filter.push_back({instruction.code, instruction.jump_true, instruction.jump_false, instruction.k});
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) != 0)
    notes += std::string(name_of(family)) + " steering refused (" + std::generic_category().message(errno) + "); ";
}

void append_note(std::string& notes, const std::string& text) { notes += text + "; "; }

bool is_missing_family(const Error& error) noexcept { return error.code == EAFNOSUPPORT; }

struct Attempt {
  std::uint16_t port = 0;
  std::vector<FileDescriptor> v4, v6;
};

Result<Attempt> bind_both(std::uint16_t port, std::uint32_t mark, unsigned workers) {
  Attempt attempt{port, {}, {}};
  auto v4 = bind_group(AF_INET, attempt.port, mark, workers);
  if (!v4 && !is_missing_family(v4.error())) return v4.error();
  auto v6 = bind_group(AF_INET6, attempt.port, mark, workers);
  if (!v6 && (!is_missing_family(v6.error()) || !v4)) return v6.error();
  if (v4) attempt.v4 = std::move(*v4);
  if (v6) attempt.v6 = std::move(*v6);
  return attempt;
}

template <class T>
std::uint8_t* append_control(std::uint8_t* at, int level, int type, const T& value) noexcept {
  cmsghdr header{};
  header.cmsg_len = CMSG_LEN(sizeof value);
  header.cmsg_level = level;
  header.cmsg_type = type;
  std::memset(at, 0, CMSG_SPACE(sizeof value));
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + CMSG_LEN(0), &value, sizeof value);
  return at + CMSG_SPACE(sizeof value);
}

static_assert(CMSG_SPACE(sizeof(in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(timespec)) <= kControlSize);

bool is_link_local(const IpAddress& address) noexcept {
  return address.family == Family::kIpv6 && address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80;  // fe80::/10, RFC 4291
}

}  // namespace

Result<UdpBinding> bind_udp(std::uint16_t port, std::uint32_t mark, unsigned workers, const SocketSteering& steering, bool coalesce) {
  if (workers == 0) return Error{EINVAL, "bind_udp: 0 workers"};
  auto attempt = bind_both(port, mark, workers);
  // A number that is free for IPv4 may be taken for IPv6: ask for another.
  for (int tries = 1; !attempt && port == 0 && attempt.error().code == EADDRINUSE && tries < kPortAttempts; ++tries)
    attempt = bind_both(port, mark, workers);
  if (!attempt) return attempt.error();

  UdpBinding binding;
  binding.port = attempt->port;
  binding.workers.resize(workers);
  const auto take_over = [&](int family, std::vector<FileDescriptor>& group, FileDescriptor UdpSockets::*member) {
    if (group.empty()) return append_note(binding.notes, std::string("no ") + name_of(family));
    if (workers > 1 && !steering.program.empty()) attach_steering(group.front().get(), family, steering, binding.notes);
    int received = 0, sent = 0;
    for (unsigned worker = 0; worker < workers; ++worker) {
      const int one = 1;
      if (coalesce && ::setsockopt(group[worker].get(), SOL_UDP, UDP_GRO, &one, sizeof one) != 0 && worker == 0)
        append_note(binding.notes, std::string(name_of(family)) + " datagrams come one by one: no UDP_GRO");
      received = grow_buffer(group[worker].get(), SO_RCVBUFFORCE, SO_RCVBUF);
      sent = grow_buffer(group[worker].get(), SO_SNDBUFFORCE, SO_SNDBUF);
      binding.workers[worker].*member = std::move(group[worker]);
    }
    append_note(binding.notes, std::string(name_of(family)) + " buffers asked " + std::to_string(kSocketBuffer) + ", granted " +
                                   std::to_string(received) + " receive, " + std::to_string(sent) + " send");
  };
  take_over(AF_INET, attempt->v4, &UdpSockets::v4);
  take_over(AF_INET6, attempt->v6, &UdpSockets::v6);
  if (!binding.notes.empty()) binding.notes.resize(binding.notes.size() - 2);
  return binding;
}

Result<void> set_mark(const UdpBinding& binding, std::uint32_t mark) {
  for (const UdpSockets& sockets : binding.workers) {
    for (const FileDescriptor* socket : {&sockets.v4, &sockets.v6}) {
      if (!*socket) continue;
      if (auto set = apply_mark(socket->get(), mark); !set) return set.error();
    }
  }
  return {};
}

Result<void> set_timestamps(const UdpBinding& binding, bool are_wanted) {
  for (const UdpSockets& sockets : binding.workers) {
    for (const FileDescriptor* socket : {&sockets.v4, &sockets.v6}) {
      if (!*socket) continue;
      if (auto set = set_option(socket->get(), SOL_SOCKET, SO_TIMESTAMPNS, are_wanted ? 1 : 0, "SO_TIMESTAMPNS"); !set) return set.error();
    }
  }
  return {};
}

socklen_t encode_address(const Endpoint& endpoint, sockaddr_storage& address) noexcept {
  if (endpoint.address.family == Family::kIpv4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.address.bytes.data(), sizeof v4.sin_addr);
    std::memcpy(&address, &v4, sizeof v4);
    return sizeof v4;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  v6.sin6_scope_id = endpoint.scope;
  std::memcpy(&v6.sin6_addr, endpoint.address.bytes.data(), sizeof v6.sin6_addr);
  std::memcpy(&address, &v6, sizeof v6);
  return sizeof v6;
}

Endpoint decode_address(const sockaddr_storage& address) noexcept {
  Endpoint endpoint;
  if (address.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    endpoint.address.family = Family::kIpv4;
    std::memcpy(endpoint.address.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
    endpoint.port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    endpoint.address.family = Family::kIpv6;
    std::memcpy(endpoint.address.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    endpoint.port = ntohs(v6.sin6_port);
    endpoint.scope = v6.sin6_scope_id;
  }
  return endpoint;
}

// The interface goes along only where the address means nothing without it (link-local). Elsewhere the address alone chooses
// the source and the routing table the way: an address that moves to another interface keeps working, and one that is gone is
// refused with EINVAL, upon which the loop lets the kernel choose. With the interface, both would go out of the old one.
std::size_t encode_control(Family family, const LocalAddress& local, std::uint8_t traffic_class, std::size_t segment,
                           std::uint8_t* buffer) noexcept {
  std::uint8_t* end = buffer;
  const int traffic_class_value = traffic_class;
  const bool has_source = local.address.family == family;
  if (family == Family::kIpv4) {
    if (has_source) {
      in_pktinfo info{};
      std::memcpy(&info.ipi_spec_dst, local.address.bytes.data(), sizeof info.ipi_spec_dst);
      end = append_control(end, IPPROTO_IP, IP_PKTINFO, info);
    }
    if (traffic_class != 0) end = append_control(end, IPPROTO_IP, IP_TOS, traffic_class_value);
  } else {
    if (has_source) {
      in6_pktinfo info{};
      std::memcpy(&info.ipi6_addr, local.address.bytes.data(), sizeof info.ipi6_addr);
      if (is_link_local(local.address)) info.ipi6_ifindex = local.interface_index;
      end = append_control(end, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
    if (traffic_class != 0) end = append_control(end, IPPROTO_IPV6, IPV6_TCLASS, traffic_class_value);
  }
  if (segment != 0) end = append_control(end, SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(segment));
  return static_cast<std::size_t>(end - buffer);
}

ReceivedControl decode_control(const msghdr& message, Datagram& datagram) noexcept {
  int segment = 0;
  WallTime stamp;
  msghdr walked = message;  // CMSG_NXTHDR wants one that it may change
  for (cmsghdr* control = CMSG_FIRSTHDR(&walked); control != nullptr; control = CMSG_NXTHDR(&walked, control)) {
    if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
      // Of the two addresses spec_dst is the one to answer from: it is our own address also when the datagram was sent to a
      // broadcast or multicast address, which ipi_addr would repeat.
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(control), sizeof info);
      std::uint8_t address[4];
      std::memcpy(address, &info.ipi_spec_dst, sizeof address);
      datagram.local.address = IpAddress::v4_from(address);
      datagram.local.interface_index = static_cast<std::uint32_t>(info.ipi_ifindex);
    } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(control), sizeof info);
      if (info.ipi6_addr.s6_addr[0] == 0xff) continue;  // multicast: no source
      datagram.local.address = IpAddress::v6_from(info.ipi6_addr.s6_addr);
      datagram.local.interface_index = static_cast<std::uint32_t>(info.ipi6_ifindex);
    } else if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_TOS) {
      datagram.traffic_class = *CMSG_DATA(control);  // one byte, unlike what is sent
    } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_TCLASS) {
      int traffic_class = 0;
      std::memcpy(&traffic_class, CMSG_DATA(control), sizeof traffic_class);
      datagram.traffic_class = static_cast<std::uint8_t>(traffic_class);
    } else if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO) {
      std::memcpy(&segment, CMSG_DATA(control), sizeof segment);
    } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
      timespec when;
      std::memcpy(&when, CMSG_DATA(control), sizeof when);
      stamp = {when.tv_sec, static_cast<std::uint32_t>(when.tv_nsec)};
    }
  }
  return {static_cast<std::size_t>(std::max(segment, 0)), stamp};
}

bool is_local_address_error(int error) noexcept {
  switch (error) {
    case EINVAL:
    case EADDRNOTAVAIL:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENODEV:
      return true;
    default:
      return false;
  }
}

}  // namespace wgu::io
