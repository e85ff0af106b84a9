// Files of /proc and /sys have no size: they are read until they end. With read(2), because reading may fail where opening did not: a
// folder, or a value that the driver has no answer for (EINVAL).
#include "telemetry/host/kernel_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace wgu::telemetry {

std::optional<std::string> read_text(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  std::array<char, 4096> piece;
  ssize_t size = 0;
  while ((size = ::read(fd, piece.data(), piece.size())) != 0) {
    if (size > 0) text.append(piece.data(), static_cast<std::size_t>(size));
    if (size < 0 && errno != EINTR) break;
  }
  ::close(fd);
  return size == 0 ? std::optional(std::move(text)) : std::nullopt;
}

std::optional<std::string> read_line(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return std::nullopt;
  std::string line = text->substr(0, text->find('\n'));
  return line.empty() ? std::nullopt : std::optional(std::move(line));
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) return parts;
    text.remove_prefix(begin);
    parts.push_back(text.substr(0, text.find_first_of(separators)));
    text.remove_prefix(parts.back().size());
  }
}

bool is_path_part(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

}  // namespace wgu::telemetry
