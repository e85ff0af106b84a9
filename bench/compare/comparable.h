#pragma once
// May two runs be compared? Only if they differ in the one thing that is in question.

#include <string>
#include <vector>

#include "bench/results.h"
#include "wgu/result.h"

namespace wgu::bench {

struct Difference {
  std::string key;
  std::string base, next;  // "(absent)" where it is not there
  friend bool operator==(const Difference&, const Difference&) = default;
};

inline constexpr const char* kBuildKey = "build";  // stands for all keys of the environment that tell builds of wgu apart

// Of the command, the configuration, what in the environment must be equal, and the build; in this order.
[[nodiscard]] std::vector<Difference> differences(const Results& base, const Results& next);

// \param varies  the key that may differ; kBuildKey unless another is named. With a compiler or a library that it is built with, the build
//                may differ as well.
// \errors EINVAL: others differ too; the message lists them
Result<void> check_comparable(const Results& base, const Results& next, const std::string& varies);

// Does the machine stay what it is while `varies` does? Only then are references (results.h) a measure of the machine.
[[nodiscard]] bool keeps_references(const std::string& varies);

}  // namespace wgu::bench
