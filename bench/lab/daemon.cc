// start: shell -> daemon, perhaps -> its child in the background; ready when the control socket answers get=1. Which processes belong to
// it is then whoever is in its network namespace. stop: SIGTERM to all of them, SIGKILL to what is left after kPatience.

#include "bench/lab/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <thread>

#include "control/uapi.h"
#include "control/uapi_socket.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto kStartPatience = 10s;
constexpr auto kAnswerPatience = 60s;  // ten thousand peers take some daemons long
constexpr auto kStopPatience = 3s;
constexpr auto kPoll = 5ms;
constexpr std::size_t kOutputShown = 1500;  // bytes

std::string socket_path(const std::string& interface_name) { return fmt::format("{}/{}.sock", control::kUapiDirectory, interface_name); }

Result<io::FileDescriptor> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Error{ENAMETOOLONG, path + " is too long for a socket"};
  std::memcpy(address.sun_path, path.data(), path.size());
  io::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket || ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return io::system_error(errno, "connect to " + path);
  }
  return socket;
}

Result<void> send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io::system_error(errno, "send to a daemon's control socket");
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

// The reply ends with an empty line; some daemons also hang up, some do not.
Result<std::string> receive_reply(int socket, Deadline deadline) {
  std::string reply;
  std::array<char, 65536> buffer;
  while (!reply.ends_with("\n\n")) {
    pollfd wait{socket, POLLIN, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    const int ready = ::poll(&wait, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return Error{ETIMEDOUT, "a daemon's control socket does not answer"};
    const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io::system_error(errno, "receive from a daemon's control socket");
    if (count == 0) break;
    reply.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return reply;
}

Result<std::string> ask(const std::string& path, std::string_view request, Deadline deadline) {
  auto socket = connect_to(path);
  if (!socket) return std::move(socket).error();
  if (auto sent = send_all(socket->get(), request); !sent) return std::move(sent).error();
  auto reply = receive_reply(socket->get(), deadline);
  if (!reply) return reply;
  const auto number = errno_of(*reply);
  if (!number) return Error{EPROTO, "a daemon's control socket answers nonsense"};
  if (*number != 0) return Error{EIO, fmt::format("the daemon refuses its configuration: errno={}", *number)};
  return reply;
}

[[noreturn]] void become(const std::string& shell_command, int output) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execl("/bin/sh", "sh", "-c", shell_command.c_str(), nullptr);
  ::dprintf(STDERR_FILENO, "/bin/sh: %s\n", std::strerror(errno));
  ::_exit(127);
}

}  // namespace

std::string command_line(std::string_view command, std::string_view interface_name) {
  constexpr std::string_view kPlace = "{}";
  std::string line;
  std::size_t from = 0;
  bool is_named = false;
  for (std::size_t at; (at = command.find(kPlace, from)) != std::string_view::npos; from = at + kPlace.size()) {
    line.append(command.substr(from, at - from)).append(interface_name);
    is_named = true;
  }
  line.append(command.substr(from));
  if (!is_named) line.append(" ").append(interface_name);
  return line;
}

std::optional<int> errno_of(std::string_view reply) {
  constexpr std::string_view kKey = "errno=";
  std::size_t at = reply.rfind(kKey);
  if (at == std::string_view::npos || (at != 0 && reply[at - 1] != '\n')) return std::nullopt;
  at += kKey.size();
  int number = 0;
  const auto [end, error] = std::from_chars(reply.data() + at, reply.data() + reply.size(), number);
  if (error != std::errc() || std::string_view(end, reply.data() + reply.size()) != "\n\n") return std::nullopt;
  return number;
}

Result<Daemon> Daemon::start(const NetworkNamespace& where, std::string_view command, const std::string& interface_name) {
  Daemon daemon;
  daemon.interface_name_ = interface_name;
  daemon.output_ = io::FileDescriptor(::memfd_create("daemon output", MFD_CLOEXEC));
  if (!daemon.output_) return io::system_error(errno, "keep a daemon's output");
  const std::string line = command_line(command, interface_name);
  const std::string path = socket_path(interface_name);
  auto child = Child::start(where, [&]() -> int { become(line, daemon.output_.get()); });
  if (!child) return std::move(child).error();
  daemon.child_ = std::make_unique<Child>(std::move(*child));
  for (const auto deadline = steady_clock::now() + kStartPatience;;) {
    const auto answer = ask(path, "get=1\n\n", deadline);
    daemon.processes_ = processes_in(where.inode());
    if (answer && !daemon.processes_.empty()) return daemon;
    if (!answer && daemon.processes_.empty() && daemon.child_->wait(steady_clock::now())) {
      return Error{ECHILD, fmt::format("`{}` ended before it was ready: {}", line, daemon.last_output())};
    }
    if (steady_clock::now() >= deadline) {
      return Error{ETIMEDOUT, fmt::format("`{}` did not open {} in {} s: {}", line, path, kStartPatience.count(), daemon.last_output())};
    }
    std::this_thread::sleep_for(kPoll);
  }
}

Daemon& Daemon::operator=(Daemon&& other) noexcept {
  if (this != &other) {
    stop();
    interface_name_ = std::move(other.interface_name_);
    child_ = std::move(other.child_);
    processes_ = std::exchange(other.processes_, {});
    output_ = std::move(other.output_);
  }
  return *this;
}

Result<void> Daemon::configure(const DeviceChange& change) const {
  const auto request = control::format_set(change);
  const auto reply = ask(socket_path(interface_name_), request.view(), steady_clock::now() + kAnswerPatience);
  if (!reply) return reply.error();
  return {};
}

Result<std::string> Daemon::status() const { return ask(socket_path(interface_name_), "get=1\n\n", steady_clock::now() + kAnswerPatience); }

bool Daemon::is_running() const { return std::any_of(processes_.begin(), processes_.end(), bench::is_running); }

std::string Daemon::last_output() const {
  struct stat status {};
  if (!output_ || ::fstat(output_.get(), &status) != 0) return "";
  const auto size = std::min(static_cast<std::size_t>(status.st_size), kOutputShown);
  std::string text(size, '\0');
  const ssize_t count = ::pread(output_.get(), text.data(), size, status.st_size - static_cast<off_t>(size));
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  text.resize(text.find_last_not_of(" \n") + 1);
  return text.empty() ? "it printed nothing" : text;
}

void Daemon::stop() noexcept {
  if (!child_) return;
  const auto signal_all = [this](int number) {
    child_->signal(number);
    for (const pid_t pid : processes_) ::kill(pid, number);
  };
  signal_all(SIGTERM);
  const auto deadline = steady_clock::now() + kStopPatience;
  while (is_running() && steady_clock::now() < deadline) std::this_thread::sleep_for(kPoll);
  signal_all(SIGKILL);
  child_->kill();
  for (const pid_t pid : processes_) ::waitpid(pid, nullptr, WNOHANG);  // orphans are the first process's, which is us
  ::unlink(socket_path(interface_name_).c_str());
  child_.reset();
  processes_.clear();
}

}  // namespace wgu::bench
