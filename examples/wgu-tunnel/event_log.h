#pragma once
// Events as lines of JSON to a file, or to stderr. Whoever reads slowly at the other end of a pipe loses lines, and is told how many: a
// full pipe must not stop the thread that also follows the interface.

#include <cstdint>
#include <string>

#include "io/file_descriptor.h"
#include "wgu/events.h"
#include "wgu/result.h"

class EventLog {
 public:
  // `path`: "-" is stderr. A file is made with mode 0600, for it names peers; lines are appended. A line of which there was room for a part
  // is lost, and the next begins a line of its own. \errors of open(2); ENXIO: a named pipe without a reader
  static wgu::Result<EventLog> open(const std::string& path);

  // One thread at a time.
  void write(const wgu::Event& event);

 private:
  explicit EventLog(wgu::io::FileDescriptor file) : file_(std::move(file)) {}
  [[nodiscard]] bool put(const std::string& line);

  wgu::io::FileDescriptor file_;
  std::uint64_t lost_ = 0;  // lines since the last that was written
  bool is_torn_ = false;     // what was written ends within a line
};
