#pragma once
// A result file that is there whole or not at all: written without a name, and named when it is complete. Whatever ends the
// program before leaves nothing behind.

#include <string>
#include <string_view>

#include "wgu/result.h"

namespace wgu::bench {

class WholeFile {
 public:
  // Nothing stands at `path` yet, or what stands there stays until commit(). Where the file system knows no files without names,
  // path_for_writing() is `path` itself. \throws std::system_error
  explicit WholeFile(std::string path);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  [[nodiscard]] const std::string& path_for_writing() const noexcept { return path_for_writing_; }  // while this lives
  void commit();  // \pre whoever wrote has closed. \throws std::system_error

 private:
  std::string path_;
  std::string path_for_writing_;
  int fd_ = -1;
};

// \errors of the file system
Result<void> write_whole_file(const std::string& path, std::string_view text);

}  // namespace wgu::bench
