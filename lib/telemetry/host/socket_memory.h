#pragma once
// How full a socket is, and what it dropped: SO_MEMINFO (Linux 4.12). Unlike SO_RXQ_OVFL it also tells of a socket that nobody reads,
// and costs nothing for each packet.

#include <cstdint>
#include <optional>

namespace wgu::telemetry {

// Bytes of kernel memory: a small datagram takes several times its size. The limits are what SO_RCVBUF and SO_SNDBUF asked for, doubled.
struct SocketMemory {
  std::uint32_t receive_queued = 0;
  std::uint32_t receive_limit = 0;
  std::uint32_t send_queued = 0;
  std::uint32_t send_limit = 0;
  std::uint32_t drops = 0;  // datagrams, since the socket was made; 32 bits wide, wraps

  // 1: the next datagram is dropped.
  [[nodiscard]] double receive_fill() const noexcept {
    return receive_limit == 0 ? 0 : static_cast<double>(receive_queued) / receive_limit;
  }
};

// None: no socket, or a kernel that does not tell. Any thread.
[[nodiscard]] std::optional<SocketMemory> read_socket_memory(int fd) noexcept;

}  // namespace wgu::telemetry
