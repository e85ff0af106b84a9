#pragma once
// A file of secrets, of our making and no larger than asked for: several threads append whole pieces to it, without a lock.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "wgu/result.h"

namespace wgu::capture {

class BoundedFile {
 public:
  // Makes it, readable by its owner only; one that exists, or a link of that name, is never opened. \errors EEXIST, others of the system
  static Result<std::unique_ptr<BoundedFile>> create(const std::string& path, std::uint64_t limit);
  ~BoundedFile();
  BoundedFile(const BoundedFile&) = delete;
  BoundedFile& operator=(const BoundedFile&) = delete;

  // All of `bytes`, in one piece among those of other threads, or nothing: then the file is full, for good. Any thread. One that fails
  // half way (disk full) is full too, and its end is cut.
  [[nodiscard]] bool append(std::span<const std::uint8_t> bytes) noexcept;
  // Past the limit, for what ends a file.
  bool append_last(std::span<const std::uint8_t> bytes) noexcept;

  [[nodiscard]] std::uint64_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool is_full() const noexcept { return is_full_.load(std::memory_order_relaxed); }

 private:
  BoundedFile(int fd, std::uint64_t limit) noexcept : fd_(fd), limit_(limit) {}
  bool write_whole(std::span<const std::uint8_t> bytes) noexcept;

  int fd_;
  std::uint64_t limit_;
  std::atomic<std::uint64_t> size_{0};
  std::atomic<bool> is_full_{false};
  std::atomic<bool> is_broken_{false};
};

}  // namespace wgu::capture
