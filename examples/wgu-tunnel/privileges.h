#pragma once
// Gives up what the daemon does not need once its TUN and control socket exist. Capabilities belong to threads: call it before any is
// started, so that all inherit.

#include "wgu/result.h"

// Keeps, of what the process has: CAP_NET_ADMIN (fwmark, socket buffers, netlink) and CAP_NET_BIND_SERVICE (a listen port below
// 1024 set later); and CAP_SYS_NICE for workers that are to run in real time. No new privileges, no core dump, no ptrace by the same
// user. \errors of capset(2), prctl(2)
wgu::Result<void> drop_privileges(bool keeps_real_time);
