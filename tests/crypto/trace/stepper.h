#pragma once
// Runs a function one instruction at a time and records where each instruction stood and which memory it addressed. x86-64 Linux.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace wgu::crypto::trace {

struct Step {
  std::uint64_t instruction = 0;
  std::uint64_t address = 0;  // of its memory operand, 0 without; on leaving this program for a library: its three arguments, mixed
  friend bool operator==(const Step&, const Step&) = default;
};

// One at a time: the trap has no argument.
class Stepper {
 public:
  // Nothing where objdump is missing, or the trap flag does nothing (under some debuggers and emulators).
  static std::optional<Stepper> create();

  // The steps of call(), which must not throw or block.
  std::vector<Step> record(const std::function<void()>& call);

  // "+offset: instruction" for a message.
  std::string describe(const Step& step) const;

  // Forms of addressing that a recorded step had and that the table cannot evaluate; gathers and scatters are such.
  const std::vector<std::string>& not_understood() const { return not_understood_; }

 private:
  Stepper() = default;

  std::vector<std::string> not_understood_;
};

}  // namespace wgu::crypto::trace
