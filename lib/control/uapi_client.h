#pragma once
/// \file
/// One client of UapiServer: its socket, what it has sent and what it is still owed. Never blocks. One thread.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "control/secret_text.h"
#include "io/file_descriptor.h"

namespace wgu::control {

class UapiClient {
 public:
  using Time = std::chrono::steady_clock::time_point;  ///< on the server's clock, see uapi_server.cc

  /// See the drawing in uapi_client.cc.
  enum class State : std::uint8_t { kQuiet, kReceiving, kReady, kReplying, kLingering, kGone };

  UapiClient(io::FileDescriptor socket, Time now) noexcept : socket_(std::move(socket)), active_(now) {}

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }
  [[nodiscard]] short poll_events() const noexcept;
  [[nodiscard]] Time active() const noexcept { return active_; }  ///< since when it owes us something, or is quiet
  [[nodiscard]] std::size_t buffered() const noexcept { return input_.size() - request_begin_; }

  /// After poll() found it ready: reads (kQuiet, kReceiving, kLingering) or writes (kReplying).
  void proceed(Time now);
  /// In kReady: the request, whole. Valid until reply().
  [[nodiscard]] std::string_view request() const noexcept;
  /// Answers request() and erases it, or whatever there is of one; `hang_up` ends the connection behind the reply.
  void reply(SecretText text, bool hang_up, Time now);
  /// Whether it stopped sending in the middle of a request: kReceiving, but nothing more will come.
  [[nodiscard]] bool is_cut_short() const noexcept { return state_ == State::kReceiving && saw_end_; }

 private:
  void receive(Time now);
  void send(Time now);
  void discard();
  void find_request(Time now);

  io::FileDescriptor socket_;
  State state_ = State::kQuiet;
  Time active_;
  SecretText input_;
  std::size_t request_begin_ = 0;  // what lies before it has been answered
  std::size_t request_end_ = 0;    // in kReceiving: how far the search for the end has come; in kReady: the end
  SecretText output_;
  std::size_t sent_ = 0;  // of output_
  bool saw_end_ = false;  // the client will send no more
  bool hang_up_ = false;
};

}  // namespace wgu::control
