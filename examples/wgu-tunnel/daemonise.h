#pragma once
// Into the background, the way wg-quick needs it: the command returns only once the child has reported that TUN and control
// socket exist, or why they do not. Forks, so call it before any thread is started.

#include "io/file_descriptor.h"

class Daemon {
 public:
  // In the child, returns; the parent waits for ready() and exits: 0, or 1 when the child ends first.
  // `keeps_output`: stdout and stderr stay open behind ready(), for a log.
  static Daemon into_background(bool keeps_output);
  Daemon() = default;  // stay in the foreground: ready() does nothing

  void ready();

 private:
  wgu::io::FileDescriptor report_;
  bool keeps_output_ = true;
};
