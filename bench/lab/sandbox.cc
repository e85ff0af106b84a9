// parent: forks the keeper, waits; INT, TERM, HUP: kills the keeper
//   keeper: takes new namespaces (only its children get the PID one), forks the first process, waits, passes its status on
//     first process: private mounts, own /proc and /run, `body`
// Each dies with the one above; the death of the first process is the death of all that it ever started. A pipe brings what went
// wrong before `body` up to the parent.

#include "bench/lab/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

#include "bench/lab/link.h"
#include "bench/pipe.h"
#include "bench/progress.h"
#include "io/file_descriptor.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

using io::FileDescriptor;

constexpr std::array kEndingSignals = {SIGINT, SIGTERM, SIGHUP};
constexpr const char* kUapiParent = "/var/run";

Result<void> write_file(const std::string& path, const std::string& text) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return io::system_error(errno, "write " + path);
  }
  return {};
}

// Root in here is whoever started us.
Result<void> map_user(uid_t user, gid_t group) {
  if (auto wrote = write_file("/proc/self/setgroups", "deny"); !wrote) return wrote;
  if (auto wrote = write_file("/proc/self/uid_map", "0 " + std::to_string(user) + " 1"); !wrote) return wrote;
  return write_file("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
}

Result<void> take_namespaces() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  int flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC;
  if (user != 0) flags |= CLONE_NEWUSER;
  if (::unshare(flags) == 0) return user != 0 ? map_user(user, group) : Result<void>();
  if (errno != EPERM && errno != ENOSPC) return io::system_error(errno, "take new namespaces");
  return Error{EPERM, user == 0
                          ? "root may not make namespaces here: it takes CAP_SYS_ADMIN and CAP_NET_ADMIN (in a container: --privileged)"
                          : "needs root, or a system that lets users make namespaces (user.max_user_namespaces)"};
}

Result<void> mount_privately() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return io::system_error(errno, "make mounts private");
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) return io::system_error(errno, "mount /proc");
  const std::unique_ptr<char, decltype(&std::free)> run(::realpath(kUapiParent, nullptr), &std::free);
  if (!run) return io::system_error(errno, std::string("resolve ") + kUapiParent);
  if (::mount("tmpfs", run.get(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64m") != 0) {
    return io::system_error(errno, std::string("mount ") + run.get());
  }
  if (::mkdir((std::string(run.get()) + "/wireguard").c_str(), 0700) != 0) return io::system_error(errno, "make the folder of the sockets");
  return {};
}

// False: whoever was to outlive us is gone already.
bool die_with(const FileDescriptor& held_by_parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd wait{held_by_parent.get(), 0, 0};
  return ::poll(&wait, 1, 0) == 0;
}

int status_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void report(const FileDescriptor& pipe, const Error& error) {
  const std::string text = std::to_string(error.code) + " " + error.message;
  [[maybe_unused]] const ssize_t written = ::write(pipe.get(), text.data(), text.size());  // shorter than PIPE_BUF: whole
}

// Buffers that were filled before the fork are the parent's to write.
[[noreturn]] void leave(int status) {
  std::fflush(stdout);
  std::fflush(stderr);
  ::_exit(status);
}

[[noreturn]] void be_first_process(const std::function<int()>& body, FileDescriptor failure, const FileDescriptor& keeper_lives) {
  if (!die_with(keeper_lives)) ::_exit(1);
  auto ready = mount_privately();
  if (ready) ready = bring_up("lo");
  if (!ready) {
    report(failure, ready.error());
    ::_exit(1);
  }
  failure.reset();
  try {
    leave(body());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "wgu-bench: %s\n", error.what());
    leave(1);
  }
}

[[noreturn]] void be_keeper(const std::function<int()>& body, FileDescriptor failure, const FileDescriptor& parent_lives) {
  if (auto taken = take_namespaces(); !taken) {
    report(failure, taken.error());
    ::_exit(1);
  }
  auto alive = make_pipe();
  if (!alive || !die_with(parent_lives)) ::_exit(1);  // after take_namespaces(): a change of credentials clears the wish to die
  const pid_t first = ::fork();
  if (first == 0) {
    alive->writing.reset();
    be_first_process(body, std::move(failure), alive->reading);
  }
  if (first < 0) report(failure, io::system_error(errno, "fork"));
  failure.reset();
  ::_exit(first < 0 ? 1 : status_of(first));
}

std::string read_all(const FileDescriptor& pipe) {
  std::string text;
  std::array<char, 512> buffer;
  for (;;) {
    const ssize_t count = ::read(pipe.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

class BlockedSignals {
 public:
  BlockedSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGCHLD);
    for (const int number : kEndingSignals) sigaddset(&set_, number);
    sigprocmask(SIG_BLOCK, &set_, &before_);
  }
  ~BlockedSignals() { restore(); }
  void restore() const { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  [[nodiscard]] int wait() const {
    int number = 0;
    while (sigwait(&set_, &number) != 0) {
    }
    return number;
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

int wait_for_keeper(pid_t keeper, const BlockedSignals& signals) {
  for (;;) {
    const int number = signals.wait();
    if (number == SIGCHLD) {
      int status = 0;
      if (::waitpid(keeper, &status, WNOHANG) != keeper) continue;  // of another child
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    ::kill(keeper, SIGKILL);
    status_of(keeper);
    return 128 + number;
  }
}

}  // namespace

Result<int> run_in_sandbox(const std::function<int()>& body) {
  auto failure = make_pipe();
  if (!failure) return std::move(failure).error();
  auto alive = make_pipe();
  if (!alive) return std::move(alive).error();
  std::fflush(stdout);
  std::fflush(stderr);
  const BlockedSignals signals;
  const pid_t keeper = ::fork();
  if (keeper < 0) return io::system_error(errno, "fork");
  if (keeper == 0) {
    signals.restore();
    failure->reading.reset();
    alive->writing.reset();
    be_keeper(body, std::move(failure->writing), alive->reading);
  }
  failure->writing.reset();
  const std::string why = read_all(failure->reading);
  const int status = wait_for_keeper(keeper, signals);
  if (status > 128) Progress().clear();
  if (why.empty()) return status;
  const std::size_t space = why.find(' ');
  return Error{std::atoi(why.c_str()), why.substr(space + 1)};
}

}  // namespace wgu::bench
