// fork(2) and execve(2), unless told otherwise of /proc/self/exe: the same program, even if another has taken its name since. What the
// child does between the two is safe after a fork; its lists are laid out before.
#include "bench/subprocess.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace wgu::bench {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

std::vector<std::string> variables(const Settings& additional) {
  std::vector<std::string> list;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!additional.contains(text.substr(0, text.find('=')))) list.push_back(text);
  }
  for (const auto& [name, value] : additional) list.push_back(name + "=" + value);
  return list;
}

}  // namespace

Result<Subprocess> Subprocess::start(const Start& what) {
  std::vector<std::string> arguments = {"wgu-bench"};
  arguments.insert(arguments.end(), what.arguments.begin(), what.arguments.end());
  std::vector<std::string> environment = variables(what.environment);
  const std::string program = what.program.empty() ? "/proc/self/exe" : what.program;
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return Error{errno, "fork: " + std::generic_category().message(errno)};
  if (pid > 0) return Subprocess(pid);
  // SIGTERM, so that it can take away what it made. The parent may have ended before the request.
  if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || ::getppid() != parent) ::_exit(kCannotExecute);
  if (what.descriptor >= 0) ::fcntl(what.descriptor, F_SETFD, 0);
  if (what.is_silent) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0 || ::dup2(nowhere, STDOUT_FILENO) < 0) ::_exit(kCannotExecute);
  }
  if (what.output >= 0 && ::dup2(what.output, STDOUT_FILENO) < 0) ::_exit(kCannotExecute);
  ::execve(program.c_str(), argv.data(), envp.data());
  ::_exit(kCannotExecute);
}

Subprocess::~Subprocess() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  static_cast<void>(wait());
}

int Subprocess::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) return kCannotExecute;
  }
  pid_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace wgu::bench
