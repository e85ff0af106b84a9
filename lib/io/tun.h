#pragma once
// TUN devices: made here with several queues, or handed over open.

#include <cstdint>
#include <string>
#include <vector>

#include "io/file_descriptor.h"
#include "io/loop.h"
#include "wgu/result.h"

namespace wgu::io {

struct Tun {
  std::string name;                    // "" when the descriptors are not a TUN (datagram sockets in tests)
  std::vector<FileDescriptor> queues;  // non-blocking
  DeviceFormat format{};
  std::uint32_t queue_length =
      0;  // packets that wait for a read of a queue, beyond which the host's are dropped (txqueuelen); 0: not known
};

// Twice a TUN's default, and the default of a network card: a burst of small packets is not lost while a worker is busy with another.
inline constexpr std::uint32_t kQueueLength = 1000;

// Which super-packets to ask for; what the kernel does not know is left out.
struct TunOffloads {
  bool tcp = true;  // TSO, Linux 2.6.27
  bool udp = true;  // USO, Linux 6.2
  [[nodiscard]] bool any() const noexcept { return tcp || udp; }
};

// Makes (or attaches to a persistent, unused) TUN in the calling thread's network namespace. "wg%d" lets the kernel choose.
// Fewer queues than asked for where the device allows no more: IFF_MULTI_QUEUE refused, a persistent device with one queue, or
// beyond the kernel's limit (256). With a virtio header where any offload is asked for and granted. Shorter queues than kQueueLength grow
// to that where it is allowed. \errors EBUSY (in use, or not a TUN), EPERM, ENOENT (/dev/net/tun), EINVAL (name, no queues)
Result<Tun> open_tun(const std::string& name, unsigned queues, TunOffloads offloads = {.tcp = false, .udp = false});
// Takes over open queues of one TUN, wherever it is, or sockets that keep message boundaries. Whoever opened a TUN decided on the
// virtio header (IFF_VNET_HDR); with one, `offloads` are asked for. \errors EBADF, EBADFD (the device was deleted, or never
// attached), EINVAL (none, a TAP, packet information switched on: no IFF_NO_PI; a virtio header of other than 10 bytes; queues of
// different devices or with and without virtio header; neither TUN nor datagram socket)
Result<Tun> adopt_tun(std::vector<FileDescriptor> queues, TunOffloads offloads = {.tcp = false, .udp = false});
// Sets the MTU of a device in the calling thread's network namespace. \errors ENODEV, EINVAL (below 68, above 65535), EPERM
Result<void> set_mtu(const std::string& name, std::uint32_t mtu);
// The name of the device behind a queue, in whatever namespace it is. \errors EBADFD (deleted), ENOTTY and others (not a TUN)
Result<std::string> device_name(int queue);

}  // namespace wgu::io
