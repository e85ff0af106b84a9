#pragma once
// Sockets for generators and sinks. Made in the network namespace of the calling thread, and staying in it. UDP sockets get buffers as
// large as the system gives; TCP keeps its own sizing, as applications do.

#include <cstdint>

#include "io/file_descriptor.h"
#include "wgu/net.h"
#include "wgu/result.h"

namespace wgu::bench {

inline constexpr int kUdpBuffer = 8 << 20;  // bytes asked for, by SO_*BUFFORCE where allowed

// An endpoint that is not set, or has port 0, leaves the choice to the kernel.
// \errors those of socket(2), bind(2), connect(2), with what was attempted
Result<io::FileDescriptor> open_udp_sender(const Endpoint& remote, const Endpoint& local = {});  // connected
Result<io::FileDescriptor> open_udp_sink(const Endpoint& local);                                 // bound
Result<io::FileDescriptor> open_tcp_listener(const Endpoint& local);
// Connects within `timeout` ns; the socket is non-blocking afterwards.
Result<io::FileDescriptor> connect_tcp(const Endpoint& remote, std::int64_t timeout, const Endpoint& local = {});

// Where a bound socket is: learns the port that the kernel chose.
Result<Endpoint> local_endpoint(int fd);

}  // namespace wgu::bench
