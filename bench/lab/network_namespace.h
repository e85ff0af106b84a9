#pragma once
// A network namespace without a name: it is there as long as this descriptor, a process or a socket is in it.

#include <utility>

#include "io/file_descriptor.h"
#include "wgu/result.h"

namespace wgu::bench {

class NetworkNamespace {
 public:
  // With its loopback interface up. \errors EPERM, others of the system
  static Result<NetworkNamespace> create();
  static Result<NetworkNamespace> current();

  // For good: what the calling thread opens or starts from now on is in there.
  [[nodiscard]] Result<void> enter() const;
  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }
  [[nodiscard]] unsigned long inode() const;  // as /proc/PID/ns/net shows it

 private:
  explicit NetworkNamespace(io::FileDescriptor fd) : fd_(std::move(fd)) {}
  io::FileDescriptor fd_;
};

// The calling thread is in `there` while this lives: sockets made meanwhile stay in there. \throws BadResult
class Visit {
 public:
  explicit Visit(const NetworkNamespace& there);
  ~Visit();
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  NetworkNamespace here_;
};

}  // namespace wgu::bench
