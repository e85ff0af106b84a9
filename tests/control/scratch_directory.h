#pragma once
// A directory of a test's own, short enough for socket paths; removed at the end.

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace wgu::control {

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = "/tmp/wgu-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace wgu::control
