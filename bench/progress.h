#pragma once
// One line on the terminal about what is being measured; nothing when standard error is not a terminal.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>

namespace wgu::bench {

class Progress {
 public:
  // At most ten times a second: writing is not to disturb what is measured.
  void show(const std::string& what) {
    const auto now = std::chrono::steady_clock::now();
    if (!is_terminal_ || now - shown_ < std::chrono::milliseconds(100)) return;
    shown_ = now;
    std::fprintf(stderr, "\r\033[K%4lld s  %s",
                 static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(now - begun_).count()), what.c_str());
  }
  void clear() const {
    if (is_terminal_) std::fputs("\r\033[K", stderr);
  }

 private:
  bool is_terminal_ = isatty(STDERR_FILENO) == 1;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_{};
};

}  // namespace wgu::bench
