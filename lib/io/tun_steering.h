#pragma once
// Which queue of a TUN gets a packet that the kernel sends through it, decided by a program on the device (TUNSETSTEERINGEBPF):
// destination -> the most specific prefix -> queue. Without one the kernel remembers for each flow the queue that last wrote packets
// of it (4096 flows, for seconds), and a flow that it has not seen goes anywhere.

#include <cstddef>
#include <cstdint>

#include "io/file_descriptor.h"
#include "wgu/net.h"
#include "wgu/result.h"

namespace wgu::io {

class TunSteering {
 public:
  // Whatever matches no prefix, and all else than IP, goes to queue 0. `most_prefixes`: of either family; the kernel takes memory as they
  // come. The program stays with the device until detach(). \errors EPERM (needs CAP_BPF and CAP_NET_ADMIN;
  // set() and remove() need nothing more since Linux 5.19, CAP_BPF before), EINVAL and others of bpf(2) and of a descriptor that is no TUN
  static Result<TunSteering> attach(int queue, std::uint32_t most_prefixes);

  static void detach(int queue) noexcept;

  // Adds or replaces. \errors ENOSPC: what matches this prefix goes where a less specific one says, wherever it went before
  Result<void> set(const Prefix& prefix, std::uint32_t queue);
  int remove(const Prefix& prefix) noexcept;  // errno: 0; ENOENT: it was not there; EPERM

 private:
  TunSteering(FileDescriptor v4, FileDescriptor v6) : v4_(std::move(v4)), v6_(std::move(v6)) {}
  [[nodiscard]] int update(const Prefix& prefix, std::uint32_t queue) noexcept;
  FileDescriptor v4_;  // the maps
  FileDescriptor v6_;
};

}  // namespace wgu::io
