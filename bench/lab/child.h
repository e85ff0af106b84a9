#pragma once
// Child processes that do not outlive who started them.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "bench/lab/network_namespace.h"
#include "io/file_descriptor.h"
#include "wgu/result.h"

namespace wgu::bench {

using Deadline = std::chrono::steady_clock::time_point;

// A fork of this process in a network namespace. Killed when this object goes, and when the thread that started it ends.
class Child {
 public:
  // `body` runs in the child; its value is the exit status, an exception means 1 and its text on standard error. \pre no other thread runs
  static Result<Child> start(const NetworkNamespace& where, const std::function<int()>& body);
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), status_(std::exchange(other.status_, std::nullopt)) {}
  Child& operator=(Child&& other) noexcept;
  ~Child() { kill(); }

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  // The exit status, or 128 + signal; none when it still runs at `deadline`.
  std::optional<int> wait(Deadline deadline);
  void kill() noexcept;  // and wait for its end
  void signal(int number) const noexcept;

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
  std::optional<int> status_;
};

// All that comes through a pipe. \errors ETIMEDOUT, others of read(2)
Result<std::string> read_until_end(int pipe, Deadline deadline);

// What a function of a child had to say, as bytes (size_ and content are up to who writes them).
class ChildReport {
 public:
  using Write = std::function<void(std::span<const std::byte>)>;
  static Result<ChildReport> start(const NetworkNamespace& where, const std::function<void(const Write&)>& body);
  // All it wrote, once it ended. \errors ETIMEDOUT (still running: it is killed), EIO (it failed; why is on standard error)
  Result<std::string> get(Deadline deadline);
  [[nodiscard]] pid_t pid() const noexcept { return child_.pid(); }

 private:
  ChildReport(Child child, io::FileDescriptor pipe) : child_(std::move(child)), pipe_(std::move(pipe)) {}
  Child child_;
  io::FileDescriptor pipe_;
};

// T computed in a child in `where`.
template <class T>
class ChildCall {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  static Result<ChildCall> start(const NetworkNamespace& where, const std::function<T()>& body) {
    auto report = ChildReport::start(where, [&body](const ChildReport::Write& write) {
      const T value = body();
      write(std::as_bytes(std::span(&value, 1)));
    });
    if (!report) return std::move(report).error();
    return ChildCall(std::move(*report));
  }
  Result<T> get(Deadline deadline) {
    auto bytes = report_.get(deadline);
    if (!bytes) return std::move(bytes).error();
    if (bytes->size() != sizeof(T)) return Error{EIO, "a child process said too little"};
    T value;
    std::memcpy(&value, bytes->data(), sizeof value);
    return value;
  }
  [[nodiscard]] pid_t pid() const noexcept { return report_.pid(); }

 private:
  explicit ChildCall(ChildReport report) : report_(std::move(report)) {}
  ChildReport report_;
};

}  // namespace wgu::bench
