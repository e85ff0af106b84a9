#include "event_log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "wgu/telemetry.h"

wgu::Result<EventLog> EventLog::open(const std::string& path) {
  wgu::io::FileDescriptor file(path == "-" ? ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
                                           : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, S_IRUSR | S_IWUSR));
  if (!file) return wgu::Error{errno, "--events " + path + ": " + std::strerror(errno)};
  return EventLog(std::move(file));
}

void EventLog::write(const wgu::Event& event) {
  std::string lines;
  if (lost_ > 0) lines = "{\"event\":\"lines_lost\",\"count\":" + std::to_string(lost_) + "}\n";
  wgu::append_json(event, lines);
  lines += '\n';
  lost_ = put(lines) ? 0 : lost_ + 1;
}

// A pipe that is ready takes PIPE_BUF bytes at once, and a line is shorter.
bool EventLog::put(const std::string& line) const {
  pollfd ready{file_.get(), POLLOUT, 0};
  return ::poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0 &&
         ::write(file_.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
}
