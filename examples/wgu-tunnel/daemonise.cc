#include "daemonise.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

Daemon Daemon::into_background(bool keeps_output) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    std::perror("pipe");
    std::exit(1);
  }
  const pid_t child = fork();
  if (child < 0) {
    std::perror("fork");
    std::exit(1);
  }
  if (child > 0) {
    close(ends[1]);
    char is_ready = 0;
    ssize_t count;
    do {
      count = read(ends[0], &is_ready, 1);
    } while (count < 0 && errno == EINTR);
    _exit(count == 1 ? 0 : 1);  // without a byte the child has ended, and said why on stderr
  }
  close(ends[0]);
  setsid();
  Daemon daemon;
  daemon.report_ = wgu::io::FileDescriptor(ends[1]);
  daemon.keeps_output_ = keeps_output;
  return daemon;
}

void Daemon::ready() {
  if (!report_) return;
  if (chdir("/") != 0) std::perror("chdir /");
  const wgu::io::FileDescriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null) {
    dup2(null.get(), STDIN_FILENO);
    if (!keeps_output_) dup2(null.get(), STDOUT_FILENO);
    if (!keeps_output_) dup2(null.get(), STDERR_FILENO);
  }
  const char byte = 1;
  if (write(report_.get(), &byte, 1) != 1) std::perror("report");
  report_.reset();
}
