// open(2): O_TMPFILE makes the file without a name, linkat(2) through /proc gives it one. linkat replaces nothing, so the name is a
// passing one, and rename(2) puts it in its place.
#include "bench/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace wgu::bench {
namespace {

[[noreturn]] void fail(const std::string& path) { throw std::system_error(errno, std::generic_category(), path); }

}  // namespace

WholeFile::WholeFile(std::string path) : path_(std::move(path)), path_for_writing_(path_) {
  const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
  fd_ = ::open(folder.empty() ? "." : folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  if (fd_ >= 0) {
    path_for_writing_ = "/proc/self/fd/" + std::to_string(fd_);
  } else if (errno != EOPNOTSUPP && errno != EISDIR) {
    fail(path_);
  }
}

WholeFile::~WholeFile() {
  if (fd_ >= 0) ::close(fd_);
}

void WholeFile::commit() {
  if (fd_ < 0) return;
  const std::string passing = path_ + ".new";
  if (::unlink(passing.c_str()) != 0 && errno != ENOENT) fail(passing);
  if (::linkat(AT_FDCWD, path_for_writing_.c_str(), AT_FDCWD, passing.c_str(), AT_SYMLINK_FOLLOW) != 0) fail(passing);
  if (std::rename(passing.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(passing.c_str());
    errno = error;
    fail(path_);
  }
}

Result<void> write_whole_file(const std::string& path, std::string_view text) try {
  WholeFile file(path);
  errno = 0;
  std::ofstream stream(file.path_for_writing(), std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) return Error{errno != 0 ? errno : EIO, path + ": " + std::generic_category().message(errno != 0 ? errno : EIO)};
  file.commit();
  return {};
} catch (const std::system_error& error) {
  return Error{error.code().value(), error.what()};
}

}  // namespace wgu::bench
