#pragma once
// The client's side of a UAPI socket for tests: blocking, with a time limit on everything, so that a hang is a failure.

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>

#include "io/file_descriptor.h"

namespace wgu::control {

class UapiPeer {
 public:
  explicit UapiPeer(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof(address.sun_path) - 1));
    is_connected_ = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }

  [[nodiscard]] bool is_connected() const { return is_connected_; }
  [[nodiscard]] int descriptor() const { return socket_.get(); }

  /// False once the server no longer listens to us.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  /// Up to the empty line; what there was when the server hung up or kept silent for `patience_ms`.
  std::string receive(int patience_ms = 20'000) {
    for (;;) {
      if (const std::size_t end = pending_.find("\n\n", searched_); end != std::string::npos) {
        std::string reply = pending_.substr(0, end + 2);
        pending_.erase(0, end + 2);
        searched_ = 0;
        return reply;
      }
      searched_ = pending_.empty() ? 0 : pending_.size() - 1;
      pollfd readable{socket_.get(), POLLIN, 0};
      char chunk[65536];
      const ssize_t count = ::poll(&readable, 1, patience_ms) == 1 ? ::recv(socket_.get(), chunk, sizeof(chunk), 0) : -1;
      if (count <= 0) return std::exchange(pending_, {});
      pending_.append(chunk, static_cast<std::size_t>(count));
    }
  }

  std::string ask(std::string_view request) { return send(request) ? receive() : "cannot send"; }

  /// Whether the server hangs up (having said nothing more) within that time.
  bool is_hung_up(int patience_ms) {
    pollfd readable{socket_.get(), POLLIN, 0};
    char byte = 0;
    return ::poll(&readable, 1, patience_ms) == 1 && ::recv(socket_.get(), &byte, 1, 0) <= 0;
  }

  void finish_sending() { ::shutdown(socket_.get(), SHUT_WR); }
  void close() { socket_.reset(); }

 private:
  io::FileDescriptor socket_;
  bool is_connected_ = false;
  std::string pending_;
  std::size_t searched_ = 0;
};

}  // namespace wgu::control
