//               first byte                empty line              reply()             all taken
//   kQuiet ---------------> kReceiving ---------------> kReady ------------> kReplying ------------> back to one of the first three
//     |  end of input                                                                | hang_up
//     +---------------> kGone <------------------------------------------------- kLingering
//
// Any failure of the socket leads to kGone. While a reply is owed nothing is read: a client that pipelines requests and never
// reads fills its own socket buffer, not our memory. kLingering reads and drops the rest of a refused request, so that a client
// that is still writing gets to the reply instead of EPIPE.

#include "control/uapi_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace wgu::control {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kWriteSize = 256 * 1024;

bool should_wait() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

short UapiClient::poll_events() const noexcept {
  switch (state_) {
    case State::kReplying:
      return POLLOUT;
    case State::kReady:
    case State::kGone:
      return 0;
    default:
      return POLLIN;
  }
}

void UapiClient::proceed(Time now) {
  switch (state_) {
    case State::kQuiet:
    case State::kReceiving:
      return receive(now);
    case State::kReplying:
      return send(now);
    case State::kLingering:
      return discard();
    case State::kReady:
    case State::kGone:
      return;
  }
}

// One read a turn, so that a client with much to say takes turns with the others.
void UapiClient::receive(Time now) {
  if (request_begin_ != 0) {
    input_.remove_prefix(request_begin_);
    request_end_ -= request_begin_;
    request_begin_ = 0;
  }
  const std::size_t size_before = input_.size();
  const auto room = input_.extend(kReadSize);
  const ssize_t count = ::recv(socket_.get(), room.data(), room.size(), 0);
  const bool must_wait = count < 0 && should_wait();
  input_.truncate(size_before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (must_wait) return;
  if (count < 0) {
    state_ = State::kGone;
    return;
  }
  if (count == 0) {
    saw_end_ = true;
    if (state_ == State::kQuiet) state_ = State::kGone;
    return;
  }
  find_request(now);
}

// From kQuiet or kReceiving, with input that has not been looked at.
void UapiClient::find_request(Time now) {
  const std::string_view input = input_.view();
  if (request_begin_ == input.size()) {
    input_.release();
    request_begin_ = request_end_ = 0;
    state_ = saw_end_ ? State::kGone : State::kQuiet;
    active_ = now;
    return;
  }
  if (state_ != State::kReceiving) active_ = now;
  state_ = State::kReceiving;
  if (input[request_begin_] == '\n') {  // an empty line and nothing before it: an empty request
    request_end_ = request_begin_ + 1;
    state_ = State::kReady;
    return;
  }
  // The end may straddle two reads: look at the last character of the one before again.
  const std::size_t from = std::max(request_begin_, request_end_ == 0 ? 0 : request_end_ - 1);
  const std::size_t end = input.find("\n\n", from);
  if (end == std::string_view::npos) {
    request_end_ = input.size();
  } else {
    request_end_ = end + 2;
    state_ = State::kReady;
  }
}

std::string_view UapiClient::request() const noexcept { return input_.view().substr(request_begin_, request_end_ - request_begin_); }

void UapiClient::reply(SecretText text, bool hang_up, Time now) {
  hang_up_ = hang_up;
  if (state_ == State::kReady) {
    request_begin_ = request_end_;
  } else {
    input_.release();
    request_begin_ = request_end_ = 0;
  }
  output_ = std::move(text);
  sent_ = 0;
  state_ = State::kReplying;
  active_ = now;
  send(now);
}

void UapiClient::send(Time now) {
  const std::string_view rest = output_.view().substr(sent_);
  const ssize_t count = ::send(socket_.get(), rest.data(), std::min(rest.size(), kWriteSize), MSG_NOSIGNAL);
  if (count < 0) {
    if (!should_wait()) state_ = State::kGone;
    return;
  }
  sent_ += static_cast<std::size_t>(count);
  active_ = now;
  if (sent_ < output_.size()) return;
  output_.release();
  if (hang_up_) {
    ::shutdown(socket_.get(), SHUT_WR);
    input_.release();
    state_ = saw_end_ ? State::kGone : State::kLingering;
    return;
  }
  state_ = State::kQuiet;
  find_request(now);
}

void UapiClient::discard() {
  const auto room = input_.extend(kReadSize);
  const ssize_t count = ::recv(socket_.get(), room.data(), room.size(), 0);
  const bool must_wait = count < 0 && should_wait();
  input_.clear();
  if (count <= 0 && !must_wait) state_ = State::kGone;
}

}  // namespace wgu::control
