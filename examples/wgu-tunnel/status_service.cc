#include "status_service.h"

#include <utility>

#include "status/client.h"

wgu::Result<StatusService> StatusService::open(const std::string& interface_name, const std::vector<std::string>& addresses,
                                               const std::function<void(const std::string&)>& log) {
  StatusService service;
  auto own = wgu::control::UapiSocket::create(interface_name, wgu::status::kDirectory);
  if (own) {
    wgu::io::FileDescriptor socket = own->take_listener();
    service.places_.push_back({{std::move(socket), std::move(own).value()}, true});
  } else {
    log("--status and wgu-top will not find this daemon: " + own.error().message);
  }
  for (const std::string& address : addresses) {
    auto listener = open_listener(address);
    if (!listener) return std::move(listener).error();
    service.places_.push_back({std::move(listener).value(), false});
  }
  return service;
}

wgu::Result<void> StatusService::serve(PageSources sources) {
  pages_ = std::make_unique<Pages>(std::move(sources));
  for (Place& place : places_) {
    auto server = HttpServer::start(std::move(place.listener.socket), place.is_control, *pages_);
    if (!server) {
      servers_.clear();
      return std::move(server).error();
    }
    servers_.push_back(std::move(server).value());
  }
  return {};
}

void StatusService::stop() {
  servers_.clear();
  places_.clear();
}
