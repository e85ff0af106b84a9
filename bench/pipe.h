#pragma once
// A pipe, closed in whatever is executed.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "io/file_descriptor.h"
#include "io/system_error.h"
#include "wgu/result.h"

namespace wgu::bench {

struct Pipe {
  io::FileDescriptor reading, writing;
};

inline Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return io::system_error(errno, "make a pipe");
  return Pipe{io::FileDescriptor(ends[0]), io::FileDescriptor(ends[1])};
}

}  // namespace wgu::bench
