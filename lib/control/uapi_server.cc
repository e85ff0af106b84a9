// The thread's loop: poll all -> accept -> let each ready client read or write once -> answer each whole request -> close those
// that ended or overstayed. A request is parsed whole before its handler is called. Nothing here blocks but poll() and the
// handlers; stop() wakes poll() through an eventfd.
//
// now_ advances only while poll() waits: what a client is given to finish its request or read its reply is time in which we
// would have served it, so that a slow handler costs no other client its connection.

#include "control/uapi_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <functional>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "control/uapi.h"
#include "control/uapi_client.h"

namespace wgu::control {
namespace {

using Time = UapiClient::Time;
using State = UapiClient::State;

// After EMFILE and its like the listening socket stays readable: without a pause poll() would spin.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

SecretText error_reply(int code) {
  SecretText text;
  text += format_error(code);
  return text;
}

}  // namespace

class UapiServer::Loop {
 public:
  Loop(io::FileDescriptor listener, io::FileDescriptor wake, UapiHandlers handlers, UapiLimits limits)
      : listener_(std::move(listener)), wake_(std::move(wake)), handlers_(std::move(handlers)), limits_(limits) {}
  ~Loop() { stop(); }

  void begin() {
    thread_ = std::thread([this] { run(); });
  }

  void stop() {
    if (!thread_.joinable()) return;
    is_stopping_.store(true, std::memory_order_release);
    ::eventfd_write(wake_.get(), 1);
    thread_.join();
  }

 private:
  void run() {
    while (!is_stopping_.load(std::memory_order_acquire)) {
      wait();
      if (is_stopping_.load(std::memory_order_acquire)) break;
      // Clients that were polled come first in both lists; those accepted now are polled the next time.
      for (std::size_t i = 0; i < clients_.size(); ++i) {
        if (polled_[kFirstClient + i].revents != 0) serve(clients_[i], &UapiClient::proceed, now_);
      }
      if (polled_[kListener].revents != 0) accept_clients();
      for (UapiClient& client : clients_) {
        if (client.state() == State::kReady) serve(client, [this](UapiClient& ready) { answer(ready); });
        if (client.state() == State::kReceiving) refuse_if_hopeless(client);
      }
      refuse_the_largest_if_too_much();
      std::erase_if(clients_, [this](const UapiClient& client) { return client.state() == State::kGone || has_overstayed(client); });
    }
    clients_.clear();
    listener_.reset();
  }

  void wait() {
    polled_.clear();
    const bool is_accepting = has_room() || has_expired_quiet_client();
    polled_.push_back({wake_.get(), POLLIN, 0});
    polled_.push_back({is_accepting && now_ >= accept_again_ ? listener_.get() : -1, POLLIN, 0});
    Time deadline = Time::max();
    if (listener_ && now_ < accept_again_) deadline = accept_again_;
    bool has_ready_client = false;
    for (const UapiClient& client : clients_) {
      polled_.push_back({client.descriptor(), client.poll_events(), 0});
      has_ready_client |= client.state() == State::kReady;
      if (client.state() != State::kQuiet || !is_accepting) deadline = std::min(deadline, client.active() + limits_.idle);
    }
    int timeout = -1;
    if (has_ready_client) {
      timeout = 0;
    } else if (deadline != Time::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now_).count();
      timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
    }
    const Time begin = std::chrono::steady_clock::now();
    if (::poll(polled_.data(), polled_.size(), timeout) < 0) {
      for (pollfd& entry : polled_) entry.revents = 0;  // EINTR; ENOMEM passes too
    }
    now_ += std::chrono::steady_clock::now() - begin;
  }

  [[nodiscard]] bool has_room() const { return clients_.size() < limits_.max_clients; }
  [[nodiscard]] bool is_expired(const UapiClient& client) const { return now_ - client.active() >= limits_.idle; }
  [[nodiscard]] bool is_expired_and_quiet(const UapiClient& client) const { return client.state() == State::kQuiet && is_expired(client); }
  [[nodiscard]] bool has_expired_quiet_client() const {
    return std::any_of(clients_.begin(), clients_.end(), [this](const UapiClient& client) { return is_expired_and_quiet(client); });
  }
  [[nodiscard]] bool has_overstayed(const UapiClient& client) const {
    // kReady waits for us, not we for it.
    if (client.state() == State::kQuiet || client.state() == State::kReady || !is_expired(client)) return false;
    const bool is_reading = client.state() == State::kReplying;
    log(std::string("UAPI: closed a client that does not ") + (is_reading ? "read its reply" : "finish its request"));
    return true;
  }

  void accept_clients() {
    for (;;) {
      if (!has_room()) {
        const auto stale =
            std::find_if(clients_.begin(), clients_.end(), [this](const auto& client) { return is_expired_and_quiet(client); });
        if (stale == clients_.end()) return;
        clients_.erase(stale);
      }
      io::FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket) {
        clients_.emplace_back(std::move(socket), now_);
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      log("UAPI: cannot accept a client: " + std::generic_category().message(errno));
      if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EOPNOTSUPP) {
        listener_.reset();  // it will never work again
      } else {
        accept_again_ = now_ + kAcceptPause;
      }
      return;
    }
  }

  // Whatever a client makes us run out of is that client's loss alone.
  template <class Step, class... Arguments>
  void serve(UapiClient& client, Step step, Arguments... arguments) {
    try {
      std::invoke(step, client, arguments...);
    } catch (const std::bad_alloc&) {
      log("UAPI: out of memory for a request or its reply");
      client.reply(error_reply(ENOMEM), true, now_);
    } catch (const std::exception& failure) {
      log(std::string("UAPI: ") + failure.what());
      client.reply(error_reply(EIO), true, now_);
    }
  }

  void answer(UapiClient& client) {
    auto request = parse_request(client.request());
    if (!request) return refuse(client, request.error(), false);
    if (request->operation == UapiRequest::Operation::kGet) return client.reply(format_status(handlers_.get()), false, now_);
    const auto done = handlers_.set(std::move(request->change));
    if (!done) return refuse(client, done.error(), false);
    client.reply(error_reply(0), false, now_);
  }

  void refuse_if_hopeless(UapiClient& client) {
    if (client.is_cut_short()) {
      refuse(client, {EPROTO, "the request ends without an empty line"}, true);
    } else if (client.buffered() > limits_.max_request) {
      refuse(client, {EMSGSIZE, "a request of more than " + std::to_string(limits_.max_request) + " bytes"}, true);
    }
  }

  // The largest goes, so that small requests pass between clients that send without end.
  void refuse_the_largest_if_too_much() {
    UapiClient* largest = nullptr;
    std::size_t sum = 0;
    for (UapiClient& client : clients_) {
      if (client.state() != State::kReceiving) continue;
      sum += client.buffered();
      if (largest == nullptr || client.buffered() > largest->buffered()) largest = &client;
    }
    if (sum <= limits_.max_buffered) return;
    refuse(*largest, {ENOBUFS, "unfinished requests of more than " + std::to_string(limits_.max_buffered) + " bytes together"}, true);
  }

  void refuse(UapiClient& client, const Error& error, bool hang_up) {
    log("UAPI: " + error.message);
    client.reply(error_reply(error.code != 0 ? error.code : EIO), hang_up, now_);
  }

  void log(const std::string& line) const {
    if (handlers_.log) handlers_.log(line);
  }

  static constexpr std::size_t kListener = 1;  // in polled_, behind the eventfd
  static constexpr std::size_t kFirstClient = 2;

  io::FileDescriptor listener_;
  io::FileDescriptor wake_;
  UapiHandlers handlers_;
  UapiLimits limits_;
  std::vector<UapiClient> clients_;
  std::vector<pollfd> polled_;
  Time now_{};  // see above; only differences matter
  Time accept_again_ = Time::min();
  std::atomic<bool> is_stopping_ = false;
  std::thread thread_;
};

Result<UapiServer> UapiServer::start(io::FileDescriptor listener, UapiHandlers handlers, UapiLimits limits) {
  const auto failed = [](const char* what) { return Error{errno, std::string(what) + ": " + std::generic_category().message(errno)}; };
  // A client that gave up between poll() and accept() must not block the loop.
  const int flags = ::fcntl(listener.get(), F_GETFL);
  if (flags < 0 || ::fcntl(listener.get(), F_SETFL, flags | O_NONBLOCK) < 0) return failed("UAPI listening descriptor");
  io::FileDescriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return failed("eventfd");
  auto loop = std::make_unique<Loop>(std::move(listener), std::move(wake), std::move(handlers), limits);
  try {
    loop->begin();
  } catch (const std::system_error& failure) {
    return Error{failure.code().value(), std::string("cannot start the UAPI thread: ") + failure.what()};
  }
  return UapiServer(std::move(loop));
}

UapiServer::UapiServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
UapiServer::UapiServer(UapiServer&&) noexcept = default;
UapiServer& UapiServer::operator=(UapiServer&&) noexcept = default;
UapiServer::~UapiServer() = default;

void UapiServer::stop() {
  if (loop_) loop_->stop();
}

}  // namespace wgu::control
