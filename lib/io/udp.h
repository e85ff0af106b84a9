#pragma once
// UDP sockets on one port: for each worker one IPv4 and one IPv6 socket, in two SO_REUSEPORT groups whose members are in the
// order of the workers. Control messages carry the local address (sticky source) and the traffic class.

#include <sys/socket.h>

#include <cstdint>
#include <vector>

#include "io/file_descriptor.h"
#include "wgu/packet.h"
#include "wgu/result.h"
#include "wgu/time.h"

namespace wgu::io {

struct UdpSockets {
  FileDescriptor v4;
  FileDescriptor v6;  // none where the host has no IPv6
};

struct UdpBinding {
  std::uint16_t port = 0;
  std::vector<UdpSockets> workers;
  std::string notes;  // for the log: buffer sizes granted, steering refused, no IPv6
};

// A classic BPF program and where it may choose a socket: see steering.h of the engine. Empty: the kernel's hash.
struct SocketSteering {
  struct Instruction {  // struct sock_filter
    std::uint16_t code;
    std::uint8_t jump_true, jump_false;
    std::uint32_t k;
  };
  std::vector<Instruction> program;
};

// Binds `workers` pairs. Port 0: one number that is free for both families. The first socket of a family binds without
// SO_REUSEPORT, so that a foreign holder of the port gives EADDRINUSE instead of sharing its datagrams in silence. `coalesce`: take
// datagrams in trains where the kernel knows how (UDP_GRO, Linux 5.0); off unless the reader can split them.
// \errors EADDRINUSE, EPERM (mark, low port), others of socket(2) and bind(2)
Result<UdpBinding> bind_udp(std::uint16_t port, std::uint32_t mark, unsigned workers, const SocketSteering& steering,
                            bool coalesce = false);
// SO_MARK on every socket of the binding. \errors EPERM
Result<void> set_mark(const UdpBinding& binding, std::uint32_t mark);

// Room for the control messages of one datagram, either way.
inline constexpr std::size_t kControlSize = 128;

// Endpoint and sockaddr, both ways. encode returns the length.
socklen_t encode_address(const Endpoint& endpoint, sockaddr_storage& address) noexcept;
Endpoint decode_address(const sockaddr_storage& address) noexcept;
// Control messages for sending: the local address if it is one of that family, the traffic class, and the size of the segments
// if it is not 0. Returns the length used of `buffer`.
std::size_t encode_control(Family family, const LocalAddress& local, std::uint8_t traffic_class, std::size_t segment,
                           std::uint8_t* buffer) noexcept;
// From now on the kernel says when it took in what is received (Arrivals::stamps), or no longer: a control message more for each receive.
// \errors of setsockopt(2)
Result<void> set_timestamps(const UdpBinding& binding, bool are_wanted);
// What recvmsg said of a datagram, or train, beside its local address and traffic class, which it puts into `datagram`.
struct ReceivedControl {
  std::size_t segment = 0;  // size of the segments of a train; 0: it is none
  WallTime stamp;           // when the kernel took it in; zero: it does not say
};
ReceivedControl decode_control(const msghdr& message, Datagram& datagram) noexcept;
// Does this error mean that the sticky local address is gone, so that one try without it is worth it? (EINVAL, EADDRNOTAVAIL,
// ENETUNREACH, EHOSTUNREACH, ENODEV)
bool is_local_address_error(int error) noexcept;

}  // namespace wgu::io
