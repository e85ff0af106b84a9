#include "bench/lab/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <system_error>
#include <thread>

#include "bench/pipe.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

constexpr std::chrono::milliseconds kPoll{2};

int run(const NetworkNamespace& where, const std::function<int()>& body) {
  try {
    where.enter().value();
    return body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "wgu-bench: %s\n", error.what());
    return 1;
  }
}

int until(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000));
}

}  // namespace

Result<Child> Child::start(const NetworkNamespace& where, const std::function<int()>& body) {
  std::fflush(stdout);
  std::fflush(stderr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return io::system_error(errno, "fork");
  if (pid > 0) return Child(pid);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  const int status = run(where, body);
  std::fflush(stdout);
  std::fflush(stderr);
  ::_exit(status);  // destructors are the parent's
}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    status_ = std::exchange(other.status_, std::nullopt);
  }
  return *this;
}

std::optional<int> Child::wait(Deadline deadline) {
  while (!status_ && pid_ > 0) {
    int status = 0;
    const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended == pid_) {
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else if (ended < 0 && errno != EINTR) {
      status_ = 1;
    } else if (std::chrono::steady_clock::now() >= deadline) {
      return std::nullopt;
    } else {
      std::this_thread::sleep_for(kPoll);
    }
  }
  return status_;
}

void Child::kill() noexcept {
  if (pid_ <= 0 || status_) return;
  signal(SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  status_ = 128 + SIGKILL;
}

void Child::signal(int number) const noexcept {
  if (pid_ > 0 && !status_) ::kill(pid_, number);
}

Result<ChildReport> ChildReport::start(const NetworkNamespace& where, const std::function<void(const Write&)>& body) {
  auto pipe = make_pipe();
  if (!pipe) return std::move(pipe).error();
  auto child = Child::start(where, [&] {
    body([&pipe](std::span<const std::byte> bytes) {
      while (!bytes.empty()) {
        const ssize_t count = ::write(pipe->writing.get(), bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) throw std::system_error(errno, std::generic_category(), "report to the parent");
        bytes = bytes.subspan(static_cast<std::size_t>(count));
      }
    });
    return 0;
  });
  if (!child) return std::move(child).error();
  return ChildReport(std::move(*child), std::move(pipe->reading));
}

Result<std::string> read_until_end(int pipe, Deadline deadline) {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    pollfd wait{pipe, POLLIN, 0};
    const int ready = ::poll(&wait, 1, until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return Error{ETIMEDOUT, "a child process did not finish in time"};
    const ssize_t count = ::read(pipe, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io::system_error(errno, "read from a child process");
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

Result<std::string> ChildReport::get(Deadline deadline) {
  auto text = read_until_end(pipe_.get(), deadline);
  if (!text) {
    child_.kill();
    return text;
  }
  const auto status = child_.wait(deadline + std::chrono::seconds(1));
  if (!status) child_.kill();
  if (status != 0) return Error{EIO, "a child process failed (status " + std::to_string(status.value_or(-1)) + ")"};
  return text;
}

}  // namespace wgu::bench
