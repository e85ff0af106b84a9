// Control sequences of ECMA-48 and xterm, which every terminal of today understands.
#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace wgu::top {
namespace {

constexpr const char* kEnter = "\x1b[?1049h\x1b[?25l";  // the other screen; no cursor
constexpr const char* kLeave = "\x1b[?25h\x1b[?1049l";
constexpr const char* kHome = "\x1b[H";
constexpr const char* kClearToEndOfLine = "\x1b[K";
constexpr const char* kClearBelow = "\x1b[J";

}  // namespace

Terminal::Terminal() {
  if (::tcgetattr(STDIN_FILENO, &before_) == 0) {
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // signals by keys stay
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    has_changed_mode_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  write(kEnter);
}

Terminal::~Terminal() {
  write(kLeave);
  if (has_changed_mode_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

FrameSize Terminal::size() const {
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {window.ws_col, window.ws_row};
}

void Terminal::show(const std::vector<std::string>& lines) const {
  std::string text = kHome;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) text += "\r\n";
    text += lines[i] + kClearToEndOfLine;
  }
  write(text + kClearBelow);
}

void Terminal::write(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (count <= 0) return;  // nobody looks any more
    done += static_cast<std::size_t>(count);
  }
}

}  // namespace wgu::top
