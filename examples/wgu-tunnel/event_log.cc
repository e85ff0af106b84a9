#include "event_log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "wgu/telemetry.h"

wgu::Result<EventLog> EventLog::open(const std::string& path) {
  // Not blocking: a pipe that nobody reads yet would hold up the start, and wg-quick with it, for ever.
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  wgu::io::FileDescriptor file(path == "-" ? ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), kFlags, S_IRUSR | S_IWUSR));
  if (!file) return wgu::Error{errno, "--events " + path + ": " + std::strerror(errno)};
  return EventLog(std::move(file));
}

void EventLog::write(const wgu::Event& event) {
  std::string lines = is_torn_ ? "\n" : "";
  if (lost_ > 0) lines += "{\"event\":\"lines_lost\",\"count\":" + std::to_string(lost_) + "}\n";
  wgu::append_json(event, lines);
  lines += '\n';
  lost_ = put(lines) ? 0 : lost_ + 1;
}

// A pipe that is ready takes PIPE_BUF bytes at once, and a line is shorter; a disk that is full takes a part.
bool EventLog::put(const std::string& line) {
  pollfd ready{file_.get(), POLLOUT, 0};
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return false;
  const ssize_t count = ::write(file_.get(), line.data(), line.size());
  if (count > 0) is_torn_ = static_cast<std::size_t>(count) < line.size();
  return count == static_cast<ssize_t>(line.size());
}
