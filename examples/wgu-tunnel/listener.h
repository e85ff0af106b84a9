#pragma once
// Where --metrics listens: "9586" (loopback), "192.0.2.1:9586", "[::1]:9586", "unix:/path".

#include <optional>
#include <string>

#include "control/uapi_socket.h"
#include "io/file_descriptor.h"
#include "wgu/result.h"

struct Listener {
  wgu::io::FileDescriptor socket;
  std::optional<wgu::control::UapiSocket> file = std::nullopt;  // of a unix socket; removed with this
};

// \errors EINVAL (means nothing), EADDRINUSE, EADDRNOTAVAIL, EACCES, those of UapiSocket::create
wgu::Result<Listener> open_listener(const std::string& address);
