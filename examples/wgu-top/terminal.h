#pragma once
// The terminal while wgu-top has it: a screen of its own, keys without Enter, and everything as it was when this goes.

#include <termios.h>

#include <string>
#include <vector>

#include "frame.h"

namespace wgu::top {

class Terminal {
 public:
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] FrameSize size() const;
  void show(const std::vector<std::string>& lines) const;

 private:
  static void write(const std::string& text);
  termios before_{};
  bool has_changed_mode_ = false;
};

}  // namespace wgu::top
