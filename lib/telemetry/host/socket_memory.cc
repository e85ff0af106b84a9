#include "telemetry/host/socket_memory.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <array>

namespace wgu::telemetry {

std::optional<SocketMemory> read_socket_memory(int fd) noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> values{};
  socklen_t size = sizeof values;
  if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values.data(), &size) != 0) return std::nullopt;
  if (size < (SK_MEMINFO_DROPS + 1) * sizeof values[0]) return std::nullopt;
  return SocketMemory{values[SK_MEMINFO_RMEM_ALLOC], values[SK_MEMINFO_RCVBUF], values[SK_MEMINFO_WMEM_ALLOC], values[SK_MEMINFO_SNDBUF],
                      values[SK_MEMINFO_DROPS]};
}

}  // namespace wgu::telemetry
