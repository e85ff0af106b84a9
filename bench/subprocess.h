#pragma once
// This program run again, or one that belongs to it, for a measurement that is to start from nothing. It does not outlive who started it.

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "bench/results.h"
#include "wgu/result.h"

namespace wgu::bench {

class Subprocess {
 public:
  struct Start {
    std::vector<std::string> arguments;  // behind the program's name
    Settings environment{};              // variables in addition to ours
    int descriptor = -1;                 // stays open, under its number, although it is marked to be closed
    bool is_silent = false;              // standard output goes nowhere
    int output = -1;                     // where it goes instead; -1: to ours
    std::string program{};               // its path; empty: this one
  };
  static constexpr int kCannotExecute = 127;  // a status, as shells have it
  // \pre no other thread runs. \errors of fork(2); a program that cannot be executed ends with kCannotExecute
  static Result<Subprocess> start(const Start& what);
  Subprocess(Subprocess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Subprocess& operator=(Subprocess&&) = delete;
  ~Subprocess();  // kills it when nobody waited for it

  // The exit status, or 128 + signal.
  [[nodiscard]] int wait();

 private:
  explicit Subprocess(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

}  // namespace wgu::bench
