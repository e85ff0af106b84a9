#include "bench/memory/device_queue.h"

#include <sys/socket.h>

#include <cerrno>

#include "io/system_error.h"

namespace wgu::bench {
namespace {

constexpr int kBuffer = 4 << 20;  // bytes asked for; the system may give less

}  // namespace

Result<DeviceQueue> make_device_queue() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return io::system_error(errno, "socketpair");
  for (const int end : ends) {
    if (::setsockopt(end, SOL_SOCKET, SO_SNDBUFFORCE, &kBuffer, sizeof kBuffer) == 0) continue;
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kBuffer, sizeof kBuffer);
  }
  return DeviceQueue{io::FileDescriptor(ends[0]), io::FileDescriptor(ends[1])};
}

}  // namespace wgu::bench
