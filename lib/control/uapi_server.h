#pragma once
/// \file
/// Serves the UAPI on a listening unix socket: one thread, as many clients as allowed, none of whom can hold up another.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "io/file_descriptor.h"
#include "wgu/device.h"
#include "wgu/result.h"

namespace wgu::control {

/// What the requests ask for. Called on the server's thread, one at a time; others wait meanwhile. Must not call stop().
struct UapiHandlers {
  std::function<Result<void>(DeviceChange)> set;  ///< the Error's code becomes the reply's errno
  std::function<DeviceStatus()> get;
  std::function<void(const std::string&)> log;  ///< why a request failed or a client was closed; no secrets. May be empty
};

struct UapiLimits {
  /// Clients beyond these wait in the socket's backlog, until one leaves or has been quiet for `idle`.
  std::size_t max_clients = 64;
  std::size_t max_request = std::size_t{64} << 20;    ///< bytes; 130,000 allowed IPs take about 4 MiB
  std::size_t max_buffered = std::size_t{256} << 20;  ///< bytes of unfinished requests together; the largest goes
  /// A request arrives whole within this time of its first byte, and a client takes some of its reply at least this often, or
  /// it is closed. A client between requests may stay, as long as there is room for others.
  std::chrono::milliseconds idle = std::chrono::seconds(30);
};

class UapiServer {
 public:
  /// Starts the thread. \errors those of the system (descriptors, threads)
  static Result<UapiServer> start(io::FileDescriptor listener, UapiHandlers handlers, UapiLimits limits = {});
  ~UapiServer();  ///< stops
  UapiServer(UapiServer&&) noexcept;
  UapiServer& operator=(UapiServer&&) noexcept;

  /// Closes all clients and the listening socket; returns when the thread has ended, which takes no longer than the handler
  /// that is running. Idempotent. Any thread but the server's own.
  void stop();

 private:
  class Loop;
  explicit UapiServer(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace wgu::control
