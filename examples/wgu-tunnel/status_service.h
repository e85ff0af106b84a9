#pragma once
// Everything the daemon tells over HTTP: its own socket, which is always there, and those of --metrics. Opened while privileges are
// there, so that what cannot be bound ends the start; served once the engine stands.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http_server.h"
#include "listener.h"
#include "pages.h"
#include "wgu/result.h"

class StatusService {
 public:
  // Without its own socket the daemon does its work all the same: `log` is told why. \errors of open_listener(), for `addresses`
  static wgu::Result<StatusService> open(const std::string& interface_name, const std::vector<std::string>& addresses,
                                         const std::function<void(const std::string&)>& log);

  // Starts a thread for each socket; none is left if one cannot be. The threads ask the sources until stop(), or this, ends them.
  // \errors of HttpServer::start()
  wgu::Result<void> serve(PageSources sources);
  // Ends the threads, which ask the sources, and removes the sockets' files.
  void stop();

 private:
  struct Place {
    Listener listener;
    bool is_control;
  };
  StatusService() = default;

  std::vector<Place> places_;
  std::unique_ptr<Pages> pages_;
  std::vector<HttpServer> servers_;
};
