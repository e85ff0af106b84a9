#pragma once
// A place whose processes, namespaces and control sockets all vanish with it, however it ends.
//
// `body` runs in a child that is the first process of a PID namespace of its own: when it ends, the kernel kills whatever was started in
// there, daemons in the background included. The child dies with this process, SIGKILL included. Its /run (control sockets) and /proc are
// private; every network namespace made in there has no name. So there is nothing to clean up, and nothing that could be forgotten.

#include <functional>

#include "wgu/result.h"

namespace wgu::bench {

// The exit status of `body`; 128 + signal when SIGINT, SIGTERM or SIGHUP ended it, here or there. Without root, in a user namespace where
// the system allows that. \pre no other thread runs. \errors EPERM (neither), others of the system: the sentence says what is needed
Result<int> run_in_sandbox(const std::function<int()>& body);

}  // namespace wgu::bench
