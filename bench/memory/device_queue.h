#pragma once
// A queue of a device that is no TUN: a socket pair that keeps packets apart. No privileges are needed for it.

#include "io/file_descriptor.h"
#include "wgu/result.h"

namespace wgu::bench {

struct DeviceQueue {
  io::FileDescriptor far;   // the IP stack's end: whoever loads, or drains
  io::FileDescriptor near;  // the tunnel's
};

// A packet that finds no room is refused, as by a TUN whose queue is full: what is written may fill the writer's buffer, and no more.
Result<DeviceQueue> make_device_queue();

}  // namespace wgu::bench
