#pragma once
// Which worker's socket gets a datagram: the program that the kernel runs on each SO_REUSEPORT group.

#include "io/udp.h"

namespace wgu::engine {

// Data messages, responses and cookie replies go to the worker that the first byte of their receiver index names
// (tunnel/index_table.h); initiations, and whatever names no worker, by the kernel's hash of addresses and ports. Empty for one
// worker.
io::SocketSteering receiver_index_steering(unsigned workers);

}  // namespace wgu::engine
