// Room is reserved before it is written, so that threads never pass the limit together; O_APPEND and one write(2) a piece keep the pieces
// whole: the kernel holds the file's lock meanwhile.
#include "capture/bounded_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace wgu::capture {

Result<std::unique_ptr<BoundedFile>> BoundedFile::create(const std::string& path, std::uint64_t limit) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (fd < 0) {
    const int code = errno;
    return Error{code, "cannot create \"" + path + "\": " + std::generic_category().message(code)};
  }
  return std::unique_ptr<BoundedFile>(new BoundedFile(fd, limit));
}

BoundedFile::~BoundedFile() { ::close(fd_); }

bool BoundedFile::append(std::span<const std::uint8_t> bytes) noexcept {
  if (is_full()) return false;
  if (size_.fetch_add(bytes.size(), std::memory_order_relaxed) + bytes.size() > limit_) {
    size_.fetch_sub(bytes.size(), std::memory_order_relaxed);
    is_full_.store(true, std::memory_order_relaxed);
    return false;
  }
  return write_whole(bytes);
}

bool BoundedFile::append_last(std::span<const std::uint8_t> bytes) noexcept {
  if (is_broken_.load(std::memory_order_relaxed)) return false;
  is_full_.store(true, std::memory_order_relaxed);
  size_.fetch_add(bytes.size(), std::memory_order_relaxed);
  return write_whole(bytes);
}

bool BoundedFile::write_whole(std::span<const std::uint8_t> bytes) noexcept {
  ssize_t written = 0;
  do {
    written = ::write(fd_, bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(bytes.size())) return true;
  // Whatever follows half a piece could not be read.
  is_full_.store(true, std::memory_order_relaxed);
  is_broken_.store(true, std::memory_order_relaxed);
  return false;
}

}  // namespace wgu::capture
