#pragma once
// Pages over HTTP at one listening socket: a thread of its own (libmicrohttpd), bounded connections. A slow one holds up no other; one
// that always says a little in time keeps its place, so no address gets all of them.

#include <chrono>
#include <memory>

#include "io/file_descriptor.h"
#include "pages.h"
#include "wgu/result.h"

struct MHD_Daemon;

struct HttpLimits {
  unsigned connections = 32;                             // a Prometheus needs one, a person a few
  unsigned connections_per_address = 16;                 // of an IP address; a unix socket's clients have none
  std::size_t bytes_per_connection = 32 * 1024;          // of a request's line and headers, with libmicrohttpd's own needs
  std::chrono::seconds idle = std::chrono::seconds(10);  // without a byte either way, then the connection is closed; Prometheus's own limit
};

class HttpServer {
 public:
  // `is_control`: see PageRequest. Starts the thread, so call it after privileges were dropped. `pages` outlives the server.
  // \errors of the system
  static wgu::Result<HttpServer> start(wgu::io::FileDescriptor listener, bool is_control, Pages& pages, HttpLimits limits = {});
  HttpServer(HttpServer&&) = default;
  HttpServer& operator=(HttpServer&&) = delete;  // would free the site of a server that runs

 private:
  struct Site {  // what the callbacks are given
    Pages& pages;
    bool is_control;
  };
  struct Stop {
    void operator()(MHD_Daemon* daemon) const noexcept;  // closes all connections, waits for the thread
  };

  HttpServer() = default;
  std::unique_ptr<Site> site_;
  std::unique_ptr<MHD_Daemon, Stop> daemon_;
};
